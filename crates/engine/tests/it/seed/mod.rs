//! The numbered scenarios of the seed, each as a test that is named by its number.
//!
//! `docs/reference/scenarios.md` is made from these names.

#[cfg(test)]
mod base;
#[cfg(test)]
mod branch;
#[cfg(test)]
mod flows;
#[cfg(test)]
mod keywords;
#[cfg(test)]
mod log;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod responses;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod session;
#[cfg(test)]
pub(crate) mod support;
#[cfg(test)]
mod tools;
