//! What the tests of branchwork share: fakes and the conformance suite of stores.
//!
//! | module | holds |
//! |---|---|
//! | [`aimock`] | [`Aimock`]: a server of five protocols that others wrote, with answers out of a file |
//! | [`mod@bench`] | [`Bench`](bench::Bench): a store under test, and branches written to it |
//! | [`clock`] | [`TestClock`]: time that moves when it is asked |
//! | [`conformance`] | what every store must do; [`store_conformance!`] makes tests of it |
//! | [`disturbed`] | [`DisturbedStore`]: a process dies, or somebody meddles, at a commit |
//! | [`differential`] | random histories, played on a store and on the memory store |
//! | [`mod@histories`] | random histories that are legal, for the projections of providers |
//! | [`ids`] | [`SequentialIds`]: identifiers that are counted |
//! | [`legal`] | [`breaches`](legal::breaches): what of a history a provider would refuse |
//! | [`peer`] | [`Peer`]: a server that misbehaves as it is told, and grades who asks it |
//! | [`provider`] | [`ScriptedProvider`]: answers that the test wrote |
//! | [`real_model`] | [`RealModel`]: a small real model on a real server |
//! | [`spans`] | [`Spans`]: what observers are told while a test runs |
//! | [`mod@xtask`] | what `cargo xtask` fetches and starts for tests |
//!
//! Fakes are stricter than the real thing: what a real provider might let pass, they refuse.

mod admin;
pub mod aimock;
pub mod bench;
pub mod clock;
pub mod conformance;
pub mod differential;
pub mod disturbed;
pub mod histories;
pub mod ids;
pub mod legal;
pub mod peer;
pub mod provider;
pub mod real_model;
pub mod spans;
pub mod xtask;

pub use self::{
    aimock::Aimock,
    clock::TestClock,
    disturbed::{DisturbedStore, Moment},
    histories::histories,
    ids::SequentialIds,
    peer::{Peer, Verdict},
    provider::{Gate, Script, ScriptedProvider},
    real_model::RealModel,
    spans::{SeenEvent, SeenSpan, Spans},
    xtask::xtask,
};
