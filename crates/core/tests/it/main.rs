//! Tests of the core through its public face.

#[cfg(test)]
mod codec;
#[cfg(test)]
mod filter;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod since;
#[cfg(test)]
mod turn_groups;
#[cfg(test)]
mod view;
