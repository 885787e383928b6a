//! The bench: a store under test, and branches written to it step by step.

#![expect(clippy::missing_panics_doc, reason = "a bench is for tests: it panics when one fails")]

use std::{sync::Arc, time::Duration};

use branchwork_core::{
    clock::Clock as _,
    graph::{Extent, Op, StepWriter, View},
    id::{BranchId, IdSource as _, MailId, OpId, SessionId},
    mail::{Delivery, Mail, MailChange, MailQuery, MailState, Package},
    message::{Body, Draft},
    store::{BranchRecord, Cause, Change, Commit, Conflict, HeadMove, Store, StoreError, read},
};

use crate::{SequentialIds, TestClock};

/// A store under test, with identifiers and time.
#[derive(Debug)]
pub struct Bench {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Where identifiers come from.
    pub ids: SequentialIds,
    /// Where times come from.
    pub clock: TestClock,
}

/// A branch as its writer sees it.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its session.
    pub session: SessionId,
    /// The branch.
    pub branch: BranchId,
    /// What the writer saw.
    pub view: View,
    /// Where the writer believes that its stretch ends.
    pub tip: Option<OpId>,
}

impl Line {
    /// Where the writer saw the head.
    pub fn head(&self) -> Option<OpId> {
        self.view.head()
    }
}

impl Bench {
    /// Nothing was written yet.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, ids: SequentialIds::new(), clock: TestClock::new() }
    }

    /// A bench for a second writer of the same store: its identifiers are others.
    pub fn in_space(store: Arc<dyn Store>, space: u32) -> Self {
        Self { store, ids: SequentialIds::in_space(space), clock: TestClock::new() }
    }

    /// A new identifier.
    pub fn session_id(&self) -> SessionId {
        SessionId::from_bits(self.ids.next_bits())
    }

    /// A new identifier.
    pub fn branch_id(&self) -> BranchId {
        BranchId::from_bits(self.ids.next_bits())
    }

    /// A commit that does nothing yet.
    pub fn commit(&self, session: SessionId) -> Commit {
        Commit::new(session, self.clock.now())
    }

    /// Writes a commit that must succeed.
    pub async fn write(&self, commit: Commit) {
        self.store.commit(commit).await.expect("the store takes the commit");
    }

    /// A commit that makes a session.
    pub fn creation(&self, name: Option<&str>) -> (Commit, SessionId, BranchId) {
        let (session, branch) = (self.session_id(), self.branch_id());
        let name = name.map(str::to_owned);
        let change = Change::CreateSession { name, branch, branch_name: "main".to_owned() };
        (self.commit(session).with_change(change), session, branch)
    }

    /// A new session without a name, and its default branch.
    pub async fn start(&self) -> Line {
        self.start_named(None).await
    }

    /// A new session, and its default branch.
    pub async fn start_named(&self, name: Option<&str>) -> Line {
        let (commit, session, branch) = self.creation(name);
        self.write(commit).await;
        Line { session, branch, view: View::default(), tip: None }
    }

    /// A change that makes a branch at `head`.
    pub fn fork_change(&self, line: &Line, name: &str, head: Option<OpId>) -> Change {
        let (branch, name) = (self.branch_id(), name.to_owned());
        Change::CreateBranch { branch, name, forked_from: Some(line.branch), head }
    }

    /// A new branch at `head`, which must be on the way to the head of `line`.
    pub async fn fork(&self, line: &Line, name: &str, head: Option<OpId>) -> Line {
        let change = self.fork_change(line, name, head);
        let Change::CreateBranch { branch, .. } = change else { unreachable!("BUG: a fork") };
        self.write(self.commit(line.session).with_change(change)).await;
        let view = line.view.at(head).expect("the head is on the way");
        Line { session: line.session, branch, view, tip: None }
    }

    /// The ops that `write` writes behind `line`, and the view they lead to.
    pub fn step(&self, line: &Line, write: impl FnOnce(&mut StepWriter<'_>)) -> (Vec<Op>, View) {
        let at = self.clock.now();
        let mut writer = StepWriter::after(line.view.clone(), line.tip, &self.ids, at);
        write(&mut writer);
        writer.finish(Extent::Whole)
    }

    /// The commit that appends what `write` writes, and the line behind it.
    pub fn compose(&self, line: &Line, write: impl FnOnce(&mut StepWriter<'_>)) -> (Commit, Line) {
        let (ops, view) = self.step(line, write);
        let commit = self.commit(line.session).with_ops(ops, head_move(line, view.head()));
        let after = Line { tip: view.head(), view, ..line.clone() };
        (commit, after)
    }

    /// The commit that says `texts`, and the line behind it.
    pub fn saying(&self, line: &Line, texts: &[&str]) -> (Commit, Line) {
        self.compose(line, |writer| {
            for text in texts {
                say(writer, text);
            }
        })
    }

    /// Says `texts` in one commit.
    pub async fn say(&self, line: &mut Line, texts: &[&str]) {
        let (commit, after) = self.saying(line, texts);
        self.write(commit).await;
        *line = after;
    }

    /// Appends what `write` writes in one commit.
    pub async fn append(&self, line: &mut Line, write: impl FnOnce(&mut StepWriter<'_>)) {
        let (commit, after) = self.compose(line, write);
        self.write(commit).await;
        *line = after;
    }

    /// Moves the head to an op on the way to it or to one that was on it before.
    pub async fn go(&self, line: &mut Line, to: Option<OpId>, cause: Cause) {
        let head = HeadMove { cause, ..head_move(line, to) };
        self.write(self.commit(line.session).with_head(head)).await;
        line.view = self.view(line.session, to).await;
    }

    /// What the store says of the branch.
    pub async fn branch(&self, line: &Line) -> BranchRecord {
        self.store.branch(line.branch).await.expect("the branch exists")
    }

    /// The view at `head`, read from the store.
    pub async fn view(&self, session: SessionId, head: Option<OpId>) -> View {
        read::view(&*self.store, session, head).await.expect("the view can be read")
    }

    /// The texts of the branch, read from the store.
    pub async fn texts(&self, line: &Line) -> Vec<String> {
        let head = self.branch(line).await.head;
        texts(&self.view(line.session, head).await)
    }

    /// Lets a second pass.
    pub fn wait(&self) {
        self.clock.advance(Duration::from_secs(1));
    }

    /// Checks that nothing is wrong with what is stored.
    pub async fn verify(&self) {
        let report = self.store.verify().await.expect("the store can be verified");
        assert_eq!(report.problems, Vec::<String>::new());
    }
}

impl Bench {
    /// A new identifier.
    pub fn mail_id(&self) -> MailId {
        MailId::from_bits(self.ids.next_bits())
    }

    /// An envelope of `sender`, sent now.
    pub fn mail(&self, sender: &Line, package: impl Into<Package>) -> Arc<Mail> {
        let (sender, package, sent) = (sender.branch, package.into(), self.clock.now());
        Arc::new(Mail { id: self.mail_id(), sender, package, reply_to: None, sent, expires: None })
    }

    /// Moves a delivery, now.
    pub fn moving(
        &self,
        mail: &Mail,
        recipient: &Line,
        (from, to): (MailState, MailState),
    ) -> MailChange {
        let (mail, recipient, at) = (mail.id, recipient.branch, self.clock.now());
        MailChange::Move { mail, recipient, from, to, at }
    }

    /// The commit by which `line` takes in a mail that is in its inbox, and the line behind it.
    pub fn receiving(&self, line: &Line, mail: &Mail) -> (Commit, Line) {
        let received = |writer: &mut StepWriter<'_>| {
            writer.receive(mail.id).expect("it was not taken in before");
        };
        let (commit, after) = self.compose(line, received);
        let receipt = after.head().expect("it has a head");
        let states = (MailState::Inbox, MailState::Applied { receipt });
        (commit.with_mail([self.moving(mail, line, states)]), after)
    }

    /// The deliveries of a session that `query` means.
    pub async fn deliveries(&self, session: SessionId, query: MailQuery) -> Vec<Delivery> {
        self.store.mail(session, &query).await.expect("the mail is read")
    }
}

/// Puts `mail` into the inboxes of `recipients`.
pub fn sending(mail: &Arc<Mail>, recipients: &[&Line]) -> MailChange {
    let recipients = recipients.iter().map(|line| line.branch).collect();
    MailChange::Send { mail: Arc::clone(mail), recipients, at_once: true }
}

/// Puts `mail` into the outbox of its sender.
pub fn queueing(mail: &Arc<Mail>, recipients: &[&Line]) -> MailChange {
    let recipients = recipients.iter().map(|line| line.branch).collect();
    MailChange::Send { mail: Arc::clone(mail), recipients, at_once: false }
}

/// An append to `to` from where the writer saw the head.
pub fn head_move(line: &Line, to: Option<OpId>) -> HeadMove {
    HeadMove { branch: line.branch, from: line.head(), to, cause: Cause::Append }
}

/// Appends an instruction.
pub fn say(writer: &mut StepWriter<'_>, text: &str) {
    let said = writer.message(Draft::new(Body::instruction(text)));
    said.expect("an instruction can follow anything");
}

/// The texts of a view.
pub fn texts(view: &View) -> Vec<String> {
    view.messages().map(|message| message.text()).collect()
}

/// The conflict with which a commit was refused.
pub fn conflict(result: Result<(), StoreError>) -> Conflict {
    match result {
        Err(StoreError::Conflict(conflict)) => conflict,
        other => unreachable!("expected a conflict, got {other:?}"),
    }
}

/// Checks that something was not found.
pub fn check_not_found<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    match result {
        Err(StoreError::NotFound { .. }) => {}
        other => unreachable!("expected that it is not found, got {other:?}"),
    }
}

/// Checks that a commit was refused as invalid.
pub fn check_invalid(result: &Result<(), StoreError>) {
    assert!(matches!(result, Err(StoreError::InvalidCommit { .. })), "{result:?}");
}
