//! The pure core of branchwork: what a conversation is, with no I/O, no clock and no randomness.
//!
//! # Layout
//!
//! | module | holds |
//! |---|---|
//! | [`id`] | typed identifiers and the [`IdSource`](id::IdSource) they come from |
//! | [`causes`] | what an error and its causes say |
//! | [`clock`] | [`Timestamp`](clock::Timestamp) and the [`Clock`](clock::Clock) it comes from |
//! | [`limits`] | every bound of the product, named, with its unit and its reason |
//! | [`message`] | messages, their bodies and parts |
//! | [`call`] | the call log: what is kept of each call of a model |
//! | [`config`] | the configuration of a branch and patches to it |
//! | [`diff`] | what a branch has and did since another one was the same |
//! | [`filter`] | which messages of a view are meant |
//! | [`graph`] | ops, lineages and the [`View`](graph::View) that folds them |
//! | [`codec`] | the stored form of ops, versioned |
//! | [`mail`] | what branches send each other, and how far it is |
//! | [`merge`] | how one branch is brought into another |
//! | [`store`] | the [`Store`](store::Store) contract, commits, and the memory store |
//! | [`mod@nearest`] | what was meant by a misspelled name |
//! | [`provider`] | the [`Provider`](provider::Provider) contract, requests, events |
//! | [`secret`] | keys that no output shows, and what takes them out of texts |
//! | [`telemetry`] | the names of spans, of their attributes and of metrics |
//! | [`tokens`] | how many tokens a request has, and how that is known |
//! | [`tool`] | the [`Tool`](tool::Tool) contract, and which tools a turn offers |
//! | [`turn`] | one exchange with a model, as a machine without I/O |
//!
//! Programs depend on `branchwork`, which re-exports this crate. Depend on `branchwork-core` alone
//! to write a store, a provider or a tool.

pub mod call;
pub mod causes;
pub mod clock;
pub mod codec;
pub mod config;
pub mod diff;
pub mod filter;
pub mod graph;
pub mod id;
pub mod limits;
pub mod mail;
pub mod merge;
pub mod message;
pub mod nearest;
pub mod provider;
pub mod secret;
pub mod store;
pub mod telemetry;
pub mod tokens;
pub mod tool;
pub mod turn;
mod twice;
