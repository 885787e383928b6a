//! What is read, on any connection and inside one transaction.
//!
//! - `branch` and `session`: the rows, and what follows from the ops beside them.
//! - `ops`: runs of ops of one stretch, decoded; `lineage`: the way to one.
//! - `reflog`: stored moves, with those that follow from the ops filled in.
//! - `calls`: the call log.
//! - `envelope` and `delivery`: the rows of mail; `mail`: the deliveries that a query means.
//! - `stats`: counts.

pub(crate) mod branch;
pub(crate) mod calls;
pub(crate) mod delivery;
pub(crate) mod envelope;
pub(crate) mod lineage;
pub(crate) mod mail;
pub(crate) mod ops;
pub(crate) mod reflog;
pub(crate) mod session;
pub(crate) mod stats;
