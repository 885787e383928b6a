//! Invariant 5: random work with mail, from two engines in turns, against a plain state machine.
//!
//! - `actions` is what can happen, `machine` what should come of it, `world` does both and compares.

mod actions;
mod machine;
mod world;

use std::sync::Arc;

use branchwork::{
    core::{
        clock::Clock as _,
        store::{MemoryStore, Store},
    },
    mail::{Addresses, MailQuery},
};
use proptest::prelude::*;

use self::{
    actions::{Action, actions},
    world::World,
};
use crate::support::block_on;

/// How many branches there are at most.
const BRANCHES_MAX: usize = 6;

async fn run(stores: [Arc<dyn Store>; 2], actions: &[(bool, Action)]) {
    let mut world = World::new(stores).await;
    for (second, action) in actions {
        world.act(*second, action).await;
        assert!(world.clock.now().as_micros() > 0);
    }
    for session in &world.sessions {
        world.check(session).await;
    }
    let all = world.sessions[0].mail(&MailQuery::new()).await.unwrap();
    assert_eq!(all.len(), world.model.ways.len());
    world.sessions[1].collect_send_all().await.unwrap();
    world.sessions[0].collect(Addresses::All).await.unwrap();
    let problems = world.stores[1].verify().await.unwrap().problems;
    assert_eq!(problems, Vec::<String>::new());
}

#[cfg(feature = "sqlite")]
proptest! {
    #![proptest_config(crate::support::on_disk())]

    #[test]
    fn mail_between_two_processes_on_sqlite_equals_a_plain_state_machine(actions in actions()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail.db");
        let open = || {
            Arc::new(branchwork::sqlite::SqliteStore::open(&path).unwrap()) as Arc<dyn Store>
        };
        block_on(run([open(), open()], &actions));
    }
}

proptest! {
    #[test]
    fn mail_between_two_engines_in_memory_equals_a_plain_state_machine(actions in actions()) {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        block_on(run([Arc::clone(&store), store], &actions));
    }
}
