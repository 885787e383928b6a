//! The SQLite store against the contract, and against what happens to files.

#[cfg(test)]
mod backups;
#[cfg(test)]
mod batches;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod files;
#[cfg(test)]
mod quota;
#[cfg(test)]
mod reopen;
#[cfg(test)]
mod searches;
#[cfg(test)]
mod shared;
#[cfg(test)]
mod support;
