//! Random histories, written to a store and to the memory store: every answer must be the same.
//!
//! - [`Action`] is one thing that happens, [`actions`] a strategy for histories of them.
//! - [`World`] makes commits of them, and gives them to both stores.
//! - [`Snapshot`] is everything that can be read.
//! - [`behaves_like_memory`] is the property.

mod action;
mod mail;
mod piece;
mod snapshot;
mod world;

use std::sync::Arc;

use branchwork_core::store::Store;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime;

pub use self::{
    action::{Action, MailPiece, Piece, actions},
    snapshot::Snapshot,
    world::World,
};

/// Histories that are tried.
const CASES: u32 = 96;

/// Tries random histories on the stores that `open` gives, each with a guard that is kept until
/// the history ends.
///
/// # Panics
///
/// When a store answers otherwise than the memory store, with the shortest history that was found.
pub fn behaves_like_memory<G>(open: impl AsyncFn() -> (Arc<dyn Store>, G)) {
    let runtime = runtime::Builder::new_current_thread().build().expect("a runtime starts");
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&actions(), |actions| {
        runtime.block_on(async {
            let (store, guard) = open().await;
            play(&*store, &actions).await;
            drop(guard);
        });
        Ok(())
    });
    assert!(result.is_ok(), "{result:?}");
}

/// Plays one history and compares all that can be read, halfway and at its end. Returns the world.
///
/// # Panics
///
/// When the store answers otherwise than the memory store.
pub async fn play(store: &dyn Store, actions: &[Action]) -> World {
    let mut world = World::new();
    let (first, second) = actions.split_at(actions.len() / 2);
    for part in [first, second] {
        for action in part {
            world.act(store, action).await;
        }
        let (expected, found) = (world.expected().await, world.snapshot(store).await);
        expected.check_same(&found);
    }
    world
}

/// One of `items`; `None` when there is none.
fn choose<T>(items: &[T], number: u8) -> Option<&T> {
    items.get(usize::from(number).checked_rem(items.len())?)
}
