//! Making commits of actions, and giving them to two stores.

use branchwork_core::{
    clock::{Clock as _, Timestamp},
    config::Defaults,
    graph::{Extent, Op, StepWriter, View},
    id::{BranchId, IdSource as _, OpId, SessionId},
    store::{BranchRecord, Cause, Change, Commit, HeadMove, MemoryStore, Store, StoreError, read},
};

use super::{Action, Piece, Snapshot, choose, piece::write};
use crate::{SequentialIds, TestClock};

/// What happened so far, and the memory store that tells what it should have led to.
#[derive(Debug, Default)]
pub struct World {
    pub(super) memory: MemoryStore,
    pub(super) ids: SequentialIds,
    pub(super) clock: TestClock,
    /// Every branch there ever was.
    pub(super) branches: Vec<(SessionId, BranchId)>,
    /// Every commit there ever was.
    commits: Vec<Commit>,
}

impl World {
    /// Nothing has happened.
    pub fn new() -> Self {
        Self::default()
    }

    /// What `store` says of everything there ever was.
    pub async fn snapshot(&self, store: &dyn Store) -> Snapshot {
        Snapshot::read(store, &self.branches).await
    }

    /// What it should say.
    pub async fn expected(&self) -> Snapshot {
        self.snapshot(&self.memory).await
    }

    /// Lets `action` happen to the memory store and to `store`.
    ///
    /// # Panics
    ///
    /// When they answer differently.
    pub async fn act(&mut self, store: &dyn Store, action: &Action) {
        if let Action::Clock(seconds) = action {
            let now = self.clock.now().as_micros();
            self.clock.set(Timestamp::from_micros(now + i64::from(*seconds) * 1_000_000));
        } else if let Action::Collect = action {
            let expected = self.memory.gc().await.expect("the memory store is collected");
            let mut found = store.gc().await.expect("the store is collected");
            found.blobs = expected.blobs;
            assert_eq!(expected, found);
        } else if let Some(commit) = self.compose(action).await {
            let expected = verdict(self.memory.commit(commit.clone()).await);
            let found = verdict(store.commit(commit.clone()).await);
            assert_eq!(expected, found, "{action:?} as {commit:?}");
            self.commits.push(commit);
        }
    }

    /// The commit that `action` is; `None` when it cannot be done now.
    async fn compose(&mut self, action: &Action) -> Option<Commit> {
        match action {
            Action::CreateSession(_)
            | Action::RenameSession(..)
            | Action::ArchiveSession(..)
            | Action::SetDefaults(..)
            | Action::DeleteSession(_) => self.session_commit(action),
            Action::Fork(branch, back, pieces) => self.fork(*branch, *back, pieces).await,
            Action::RenameBranch(..) | Action::SetDefault(_) | Action::DeleteBranch(..) => {
                self.branch_commit(action)
            }
            Action::Rewind(..) | Action::Restore(..) | Action::Redo(_) => {
                self.move_commit(action).await
            }
            Action::Mail(branch, pieces) => self.mail_commit(*branch, pieces).await,
            Action::Receive(branch, count) => self.receive_commit(*branch, *count).await,
            Action::Repeat(number) => choose(&self.commits, *number).cloned(),
            Action::Clock(_) | Action::Collect => None,
            _ => self.append_commit(action).await,
        }
    }

    pub(super) fn commit(&self, session: SessionId) -> Commit {
        Commit::new(session, self.clock.now())
    }

    fn session_commit(&mut self, action: &Action) -> Option<Commit> {
        if let Action::CreateSession(name) = action {
            let session = SessionId::from_bits(self.ids.next_bits());
            let branch = BranchId::from_bits(self.ids.next_bits());
            self.branches.push((session, branch));
            let (name, branch_name) = (session_name(*name), "main".to_owned());
            let change = Change::CreateSession { name, branch, branch_name };
            return Some(self.commit(session).with_change(change));
        }
        let (number, change) = match action {
            Action::RenameSession(number, name) => {
                (number, Change::RenameSession { name: session_name(*name) })
            }
            Action::ArchiveSession(number, archived) => {
                (number, Change::ArchiveSession { archived: *archived })
            }
            Action::SetDefaults(number, text) => {
                let defaults = match text % 3 {
                    0 => Defaults::new(),
                    text => Defaults::new().with_system(format!("rules {text}")),
                };
                (number, Change::SetDefaults { defaults: Box::new(defaults) })
            }
            Action::DeleteSession(number) => (number, Change::DeleteSession),
            _ => return None,
        };
        let (session, _) = choose(&self.branches, *number)?;
        Some(self.commit(*session).with_change(change))
    }

    fn branch_commit(&self, action: &Action) -> Option<Commit> {
        let (Action::RenameBranch(number, _)
        | Action::SetDefault(number)
        | Action::DeleteBranch(number, _)) = action
        else {
            return None;
        };
        let (session, branch) = *choose(&self.branches, *number)?;
        let change = match action {
            Action::RenameBranch(_, name) => {
                Change::RenameBranch { branch, name: format!("branch {}", name % 4) }
            }
            Action::SetDefault(_) => Change::SetDefaultBranch { branch },
            Action::DeleteBranch(_, heir) if heir % 2 == 0 => {
                let (_, heir) = *choose(&self.branches, heir / 2)?;
                Change::DeleteBranch { branch, heir: Some(heir) }
            }
            _ => Change::DeleteBranch { branch, heir: None },
        };
        Some(self.commit(session).with_change(change))
    }

    async fn fork(&mut self, number: u8, back: u8, pieces: &[Piece]) -> Option<Commit> {
        let (record, view) = self.branch(number).await?;
        let branch = BranchId::from_bits(self.ids.next_bits());
        self.branches.push((record.session, branch));
        let head = op_before(&view, back);
        let name = format!("fork {}", self.branches.len());
        let forked_from = Some(record.id);
        let change = Change::CreateBranch { branch, name, forked_from, head };
        let commit = self.commit(record.session).with_change(change);
        let view = view.at(head).expect("the op is on the way");
        let (ops, to) = self.step(&view, None, pieces);
        let head = HeadMove { branch, from: head, to, cause: Cause::Append };
        Some(if ops.is_empty() { commit } else { commit.with_ops(ops, head) })
    }

    async fn move_commit(&self, action: &Action) -> Option<Commit> {
        let (Action::Rewind(number, _) | Action::Restore(number, _) | Action::Redo(number)) =
            action
        else {
            return None;
        };
        let (record, view) = self.branch(*number).await?;
        let (to, cause) = match action {
            Action::Rewind(_, back) => (op_before(&view, *back), Cause::Rewind),
            Action::Restore(_, entry) => {
                let cause = if entry % 3 == 0 { Cause::Promote } else { Cause::Restore };
                (self.place(&record, *entry).await?, cause)
            }
            _ => (record.tip, Cause::Redo),
        };
        let head = HeadMove { branch: record.id, from: record.head, to, cause };
        Some(self.commit(record.session).with_head(head))
    }

    async fn append_commit(&self, action: &Action) -> Option<Commit> {
        let (record, view) = match action {
            Action::Append(number, _)
            | Action::AppendAcross(number, _)
            | Action::AppendBoth(number, ..)
            | Action::Stale(number, _)
            | Action::Trespass(number, _) => self.branch(*number).await?,
            _ => return None,
        };
        let commit = self.commit(record.session);
        let said = [Piece::Say(0)];
        let (from, view, tip, pieces) = match action {
            Action::Append(_, pieces)
            | Action::AppendAcross(_, pieces)
            | Action::AppendBoth(_, _, pieces) => (record.head, view, record.tip, &pieces[..]),
            Action::Stale(_, back) => {
                let head = op_before(&view, back.saturating_add(1));
                (head, view.at(head).ok()?, record.tip, &said[..])
            }
            // Believes that any stretch is its own, and ends where the head is.
            _ => (record.head, view, record.head, &said[..]),
        };
        let (mut ops, mut to) = self.step(&view, tip, pieces);
        if let (Action::AppendAcross(..), Some(to_now)) = (action, to) {
            let behind = folded(&view, &ops);
            let (more, end) = self.step(&behind, None, pieces);
            ops.extend(more);
            to = end.or(Some(to_now));
        }
        let head = HeadMove { branch: record.id, from, to, cause: Cause::Append };
        let commit = commit.with_ops(ops, head);
        match action {
            Action::AppendBoth(_, other, pieces) => self.and_other(commit, *other, pieces).await,
            _ => Some(commit),
        }
    }

    /// Adds an append to another branch, which may be the same or one of another session.
    async fn and_other(&self, commit: Commit, number: u8, pieces: &[Piece]) -> Option<Commit> {
        let (record, view) = self.branch(number).await?;
        let (ops, to) = self.step(&view, record.tip, pieces);
        let head = HeadMove { branch: record.id, from: record.head, to, cause: Cause::Append };
        Some(commit.with_ops(ops, head))
    }

    /// A branch that is there, with its view.
    pub(super) async fn branch(&self, number: u8) -> Option<(BranchRecord, View)> {
        let (session, branch) = choose(&self.branches, number)?;
        let record = self.memory.branch(*branch).await.ok()?;
        let view = read::view(&self.memory, *session, record.head).await;
        Some((record, view.expect("the memory store can be read")))
    }

    /// A place where some branch of the session has been.
    async fn place(&self, record: &BranchRecord, number: u8) -> Option<Option<OpId>> {
        let branches = self.memory.branches(record.session).await.ok()?;
        let branch = choose(&branches, number)?;
        let reflog = self.memory.reflog(branch.id, u64::MAX, 1_000).await.ok()?;
        choose(&reflog, number / 2).map(|entry| entry.to)
    }

    /// The ops of one step, and where they lead.
    fn step(&self, view: &View, tip: Option<OpId>, pieces: &[Piece]) -> (Vec<Op>, Option<OpId>) {
        let at = self.clock.now();
        let mut writer = StepWriter::after(view.clone(), tip, &self.ids, at);
        for piece in pieces {
            write(&mut writer, piece);
        }
        let (ops, view) = writer.finish(Extent::Whole);
        (ops, view.head())
    }
}

fn session_name(number: u8) -> Option<String> {
    match number % 4 {
        0 => None,
        number => Some(format!("session {number}")),
    }
}

/// The view behind `ops`, which follow `view`.
fn folded(view: &View, ops: &[Op]) -> View {
    let mut view = view.clone();
    for op in ops {
        view.apply(op).expect("the ops were written behind it");
    }
    view
}

/// The op that lies `back` ops before the head, or none.
fn op_before(view: &View, back: u8) -> Option<OpId> {
    let depth = view.lineage().depth().saturating_sub(u32::from(back % 8));
    view.lineage().op_at(depth)
}

/// What a commit was answered, without the words in which a defect is described.
fn verdict(result: Result<(), StoreError>) -> String {
    match result {
        Err(StoreError::InvalidCommit { .. }) => "invalid".to_owned(),
        result => format!("{result:?}"),
    }
}
