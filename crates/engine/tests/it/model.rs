//! Random work on random branches against plain copies: `Vec`s of `Vec`s.

use std::{collections::BTreeMap, sync::Arc};

use branchwork::{
    Branch, Engine, Error, Session,
    core::{
        message::Body,
        store::{MemoryStore, Store},
    },
};
use proptest::prelude::*;

use crate::support::{block_on, engine_over, says, texts};

/// What happens next, on the branch of that number; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Action {
    Append(usize, u8),
    AppendTwo(usize, u8),
    Edit(usize, usize, u8),
    Remove(usize, usize),
    Fork(usize),
    ForkAt(usize, usize),
    Rollback(usize, usize),
    Rewind(usize, usize),
    Undo(usize),
    Redo(usize),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let branch = 0_usize..8;
    let action = prop_oneof![
        5 => (branch.clone(), any::<u8>()).prop_map(|(b, t)| Action::Append(b, t)),
        1 => (branch.clone(), any::<u8>()).prop_map(|(b, t)| Action::AppendTwo(b, t)),
        2 => (branch.clone(), any::<usize>(), any::<u8>()).prop_map(|(b, m, t)| Action::Edit(b, m, t)),
        1 => (branch.clone(), any::<usize>()).prop_map(|(b, m)| Action::Remove(b, m)),
        1 => branch.clone().prop_map(Action::Fork),
        1 => (branch.clone(), any::<usize>()).prop_map(|(b, m)| Action::ForkAt(b, m)),
        2 => (branch.clone(), 0_usize..4).prop_map(|(b, n)| Action::Rollback(b, n)),
        1 => (branch.clone(), any::<usize>()).prop_map(|(b, m)| Action::Rewind(b, m)),
        3 => branch.clone().prop_map(Action::Undo),
        2 => branch.prop_map(Action::Redo),
    ];
    prop::collection::vec(action, 1..60)
}

/// One message of the model: a name that never changes, and what it says.
type Said = (u32, String);

/// The naive counterpart of a branch: every state it was in, and how far it is undone.
#[derive(Debug, Clone)]
struct Copies {
    /// What undo and redo walk over; the last states may be undone.
    states: Vec<Vec<Said>>,
    now: usize,
    /// For each message: the lists before it was changed, to go back to it.
    appended: BTreeMap<u32, Vec<Said>>,
}

impl Copies {
    fn begin(state: Vec<Said>, appended: BTreeMap<u32, Vec<Said>>) -> Self {
        Self { states: vec![state], now: 0, appended }
    }

    fn state(&self) -> &Vec<Said> {
        &self.states[self.now]
    }

    fn change(&mut self, state: Vec<Said>) {
        self.states.truncate(self.now + 1);
        self.states.push(state);
        self.now += 1;
    }
}

struct World {
    session: Session,
    branches: Vec<(Branch, Copies)>,
    said: u32,
    ids: BTreeMap<u32, branchwork::core::id::MessageId>,
}

impl World {
    async fn new(store: Arc<dyn Store>) -> Self {
        let engine = engine_over(store);
        let session = engine.session("s").create().await.unwrap();
        let main = session.default_branch();
        let copies = Copies::begin(Vec::new(), BTreeMap::new());
        Self { session, branches: vec![(main, copies)], said: 0, ids: BTreeMap::new() }
    }

    async fn act(&mut self, action: &Action) {
        let count = self.branches.len();
        match *action {
            Action::Append(b, text) => self.append(b % count, &[text]).await,
            Action::AppendTwo(b, text) => self.append(b % count, &[text, text]).await,
            Action::Edit(b, m, text) => self.edit(b % count, m, text).await,
            Action::Remove(b, m) => self.remove(b % count, m).await,
            Action::Fork(b) => self.fork(b % count, None).await,
            Action::ForkAt(b, m) => self.fork(b % count, Some(m)).await,
            Action::Rollback(b, n) => self.rollback(b % count, n).await,
            Action::Rewind(b, m) => self.rewind(b % count, m).await,
            Action::Undo(b) => self.undo(b % count).await,
            Action::Redo(b) => self.redo(b % count).await,
        }
    }

    /// The message that `number` picks on branch `b`.
    fn pick(&self, b: usize, number: usize) -> Option<(usize, u32)> {
        let state = self.branches[b].1.state();
        (!state.is_empty()).then(|| (number % state.len(), state[number % state.len()].0))
    }

    async fn append(&mut self, b: usize, texts: &[u8]) {
        let (branch, copies) = &mut self.branches[b];
        let drafts = texts.iter().map(|text| says(&text.to_string())).collect();
        let appended = branch.append_all(drafts).await.unwrap();
        let mut state = copies.state().clone();
        for (id, text) in appended.messages.iter().zip(texts) {
            self.said += 1;
            self.ids.insert(self.said, *id);
            state.push((self.said, text.to_string()));
            copies.appended.insert(self.said, state.clone());
        }
        copies.change(state);
    }

    async fn edit(&mut self, b: usize, number: usize, text: u8) {
        let Some((index, said)) = self.pick(b, number) else { return };
        let (branch, copies) = &mut self.branches[b];
        let text = format!("edited {text}");
        branch.edit(self.ids[&said], Body::instruction(text.clone())).await.unwrap();
        let mut state = copies.state().clone();
        state[index].1 = text;
        copies.change(state);
    }

    async fn remove(&mut self, b: usize, number: usize) {
        let Some((index, said)) = self.pick(b, number) else { return };
        let (branch, copies) = &mut self.branches[b];
        branch.remove(self.ids[&said]).await.unwrap();
        let mut state = copies.state().clone();
        state.remove(index);
        copies.change(state);
    }

    async fn fork(&mut self, b: usize, number: Option<usize>) {
        if self.branches.len() == 8 {
            return;
        }
        let picked = number.map(|number| self.pick(b, number));
        let (branch, copies) = &self.branches[b];
        let fork = branch.fork(format!("b{}", self.branches.len()));
        let (fork, state) = match picked {
            None => (fork.await, copies.state().clone()),
            Some(None) => return,
            Some(Some((_, said))) => {
                (fork.at(self.ids[&said]).await, copies.appended[&said].clone())
            }
        };
        let copies = Copies::begin(state, copies.appended.clone());
        self.branches.push((fork.unwrap(), copies));
    }

    async fn rollback(&mut self, b: usize, count: usize) {
        let (branch, copies) = &mut self.branches[b];
        let state = copies.state().clone();
        if count > state.len() {
            assert!(matches!(branch.rollback(count).await, Err(Error::Rollback(_))));
            return;
        }
        let before = branch.record().await.unwrap().head;
        branch.rollback(count).await.unwrap();
        if before == branch.record().await.unwrap().head {
            return;
        }
        // Before the first message that goes, the others may have stood otherwise.
        let first = state[state.len() - count].0;
        let mut earlier = copies.appended[&first].clone();
        earlier.pop();
        copies.change(earlier);
    }

    async fn rewind(&mut self, b: usize, number: usize) {
        let Some((_, said)) = self.pick(b, number) else { return };
        let (branch, copies) = &mut self.branches[b];
        let before = branch.record().await.unwrap().head;
        branch.rewind(self.ids[&said]).await.unwrap();
        if before != branch.record().await.unwrap().head {
            copies.change(copies.appended[&said].clone());
        }
    }

    async fn undo(&mut self, b: usize) {
        let (branch, copies) = &mut self.branches[b];
        if copies.now == 0 {
            assert!(matches!(branch.undo().await, Err(Error::NothingToUndo)));
        } else {
            branch.undo().await.unwrap();
            copies.now -= 1;
        }
    }

    async fn redo(&mut self, b: usize) {
        let (branch, copies) = &mut self.branches[b];
        if copies.now + 1 == copies.states.len() {
            assert!(matches!(branch.redo().await, Err(Error::NothingToRedo)));
        } else {
            branch.redo().await.unwrap();
            copies.now += 1;
        }
    }

    /// Every branch says what its copies say: in the live engine, in a page, in a new engine.
    async fn check(&self, fresh: &Engine) {
        let again = fresh.open_session("s").await.unwrap();
        assert_eq!(again.id(), self.session.id());
        for (branch, copies) in &self.branches {
            let expected: Vec<_> = copies.state().iter().map(|said| said.1.clone()).collect();
            assert_eq!(texts(branch).await, expected);
            let read = again.branch(&branch.id().to_string()).await.unwrap();
            assert_eq!(texts(&read).await, expected, "replay equals live");
            let page = branch.page(3).await.unwrap();
            let page: Vec<_> = page.iter().map(|message| message.text()).collect();
            assert_eq!(page, expected[expected.len().saturating_sub(3)..]);
            assert_eq!(branch.record().await.unwrap().messages as usize, expected.len());
        }
    }
}

async fn run(store: Arc<dyn Store>, actions: &[Action]) {
    let mut world = World::new(Arc::clone(&store)).await;
    for action in actions {
        world.act(action).await;
    }
    let fresh = engine_over(Arc::clone(&store));
    world.check(&fresh).await;
    assert_eq!(store.verify().await.unwrap().problems, Vec::<String>::new());
}

#[cfg(feature = "sqlite")]
proptest! {
    #![proptest_config(crate::support::on_disk())]

    #[test]
    fn the_sqlite_engine_equals_plain_copies_also_after_a_reopen(actions in actions()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.db");
        block_on(async {
            let store = Arc::new(branchwork::sqlite::SqliteStore::open(&path).unwrap());
            let mut world = World::new(Arc::clone(&store) as Arc<dyn Store>).await;
            for action in &actions {
                world.act(action).await;
            }
            let again = Arc::new(branchwork::sqlite::SqliteStore::open(&path).unwrap());
            world.check(&engine_over(Arc::clone(&again) as Arc<dyn Store>)).await;
            assert_eq!(again.verify().await.unwrap().problems, Vec::<String>::new());
        });
    }
}

proptest! {
    #[test]
    fn the_memory_engine_equals_plain_copies(actions in actions()) {
        block_on(run(Arc::new(MemoryStore::new()), &actions));
    }
}
