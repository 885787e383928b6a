//! Two engines over one store, beside the state machine.

use std::{sync::Arc, time::Duration};

use branchwork::{
    Branch, Engine, Error, Session,
    core::store::Store,
    mail::{Category, MailPlace, MailQuery, Package},
};
use branchwork_testkit::{SequentialIds, TestClock};

use super::{
    BRANCHES_MAX,
    actions::Action,
    machine::{Known, Model, Standing, Way},
};
use crate::support::{says, texts};

/// How long some mail can be taken in.
const TIME_TO_LIVE: Duration = Duration::from_secs(3);

/// Two engines over one store, and the state machine.
pub(super) struct World {
    pub(super) model: Model,
    pub(super) clock: Arc<TestClock>,
    pub(super) stores: [Arc<dyn Store>; 2],
    pub(super) sessions: [Session; 2],
    engines: u32,
    sent: u32,
}

fn engine(store: &Arc<dyn Store>, clock: &Arc<TestClock>, space: u32) -> Engine {
    let ids = Arc::new(SequentialIds::in_space(space));
    let clock = Arc::clone(clock);
    Engine::builder().store(Arc::clone(store)).clock(clock).ids(ids).build()
}

impl World {
    pub(super) async fn new(stores: [Arc<dyn Store>; 2]) -> Self {
        let clock = Arc::new(TestClock::new());
        let first = engine(&stores[0], &clock, 1).session("s").create().await.unwrap();
        let second = engine(&stores[1], &clock, 2).open_session("s").await.unwrap();
        let id = first.default_branch().id();
        let main = Known { id, alive: true, states: vec![Standing::default()], now: 0 };
        let model = Model { branches: vec![main], ..Model::default() };
        Self { model, clock, stores, sessions: [first, second], engines: 2, sent: 0 }
    }

    fn pick(&self, number: usize) -> usize {
        let alive = self.model.alive();
        alive[number % alive.len()]
    }

    async fn branch(&self, second: bool, at: usize) -> Branch {
        let session = &self.sessions[usize::from(second)];
        session.branch(&self.model.branches[at].id.to_string()).await.unwrap()
    }

    pub(super) async fn act(&mut self, second: bool, action: &Action) {
        match *action {
            Action::Send { from, to, at_once, expires, signal } => {
                let ends = (self.pick(from), vec![self.pick(to)]);
                self.send(second, ends, (at_once, expires, signal)).await;
            }
            Action::Broadcast { from, at_once } => {
                let from = self.pick(from);
                let others = self.model.alive().into_iter().filter(|at| *at != from).collect();
                self.send(second, (from, others), (at_once, false, false)).await;
            }
            Action::Collect(_) | Action::Deliver(_) | Action::CollectSendAll => {
                self.sync(second, action).await;
            }
            Action::Receive { branch, from, only_text } => {
                let from = from.map(|from| self.pick(from));
                self.receive(second, self.pick(branch), (from, only_text)).await;
            }
            Action::Refuse(branch, number) => self.refuse(second, self.pick(branch), number).await,
            Action::Readdress(number, to) => self.readdress(second, number, self.pick(to)).await,
            Action::Expire => {
                self.sessions[usize::from(second)].expire().await.unwrap();
                let model = self.model.clone();
                let is_over = |way: &Way| way.place.is_waiting() && model.is_expired(way);
                self.model.each(is_over, MailPlace::Expired);
            }
            Action::Wait => {
                self.clock.advance(Duration::from_secs(1));
                self.model.now += 1;
            }
            Action::Say(branch) => self.say(second, self.pick(branch)).await,
            Action::Undo(branch) => self.undo(second, self.pick(branch)).await,
            Action::Redo(branch) => self.redo(second, self.pick(branch)).await,
            Action::RollBack(branch, count) => {
                self.roll_back(second, self.pick(branch), count).await;
            }
            Action::Fork { branch, with_mail } => {
                self.fork(second, (self.pick(branch), with_mail)).await;
            }
            Action::Merge { from, into, deletes_source } => {
                self.merge(second, (self.pick(from), self.pick(into), deletes_source)).await;
            }
            Action::Delete { branch, heir } => {
                let heir = heir.map(|heir| self.pick(heir));
                self.delete(second, self.pick(branch), heir).await;
            }
            Action::Crash => {
                let at = usize::from(second);
                self.engines += 1;
                let engine = engine(&self.stores[at], &self.clock, self.engines);
                self.sessions[at] = engine.open_session("s").await.unwrap();
            }
        }
    }

    async fn send(
        &mut self,
        second: bool,
        (from, to): (usize, Vec<usize>),
        (at_once, expires, signal): (bool, bool, bool),
    ) {
        self.sent += 1;
        let text = format!("mail {}", self.sent);
        let sender = self.branch(second, from).await;
        let ids: Vec<_> = to.iter().map(|to| self.model.branches[*to].id).collect();
        let package =
            if signal { Package::Signal(text.clone()) } else { Package::Text(text.clone()) };
        let mut letter = sender.send(ids, package);
        letter = if at_once { letter } else { letter.queued() };
        letter = if expires { letter.expires_in(TIME_TO_LIVE) } else { letter };
        let sent = letter.await;
        if to.is_empty() {
            assert!(matches!(sent, Err(Error::NoRecipient)), "{sent:?}");
            return;
        }
        let expires = expires.then_some(self.model.now + TIME_TO_LIVE.as_secs());
        let place = if at_once { MailPlace::Inbox } else { MailPlace::Outbox };
        let mail = sent.unwrap().id;
        self.model.send(mail, &to, &Way { mail, from, to: 0, text, signal, expires, place });
    }

    async fn sync(&mut self, second: bool, action: &Action) {
        let session = &self.sessions[usize::from(second)];
        let id = |at: usize| self.model.branches[at].id;
        match *action {
            Action::Collect(branch) => {
                let from = self.pick(branch);
                session.collect(id(from)).await.unwrap();
                let waits = |way: &Way| way.from == from && way.place == MailPlace::Outbox;
                self.model.each(waits, MailPlace::Transit);
            }
            Action::Deliver(branch) => {
                let to = self.pick(branch);
                session.send(id(to)).await.unwrap();
                let waits = |way: &Way| way.to == to && way.place == MailPlace::Transit;
                self.model.each(waits, MailPlace::Inbox);
            }
            _ => {
                session.collect_send_all().await.unwrap();
                self.model.each(|way| way.place.is_unsent(), MailPlace::Inbox);
            }
        }
    }

    async fn receive(
        &mut self,
        second: bool,
        branch: usize,
        (from, only_text): (Option<usize>, bool),
    ) {
        let from_id = from.map(|from| self.model.branches[from].id);
        let mut receive = self.branch(second, branch).await.receive();
        if let Some(from) = from_id {
            receive = receive.from(from);
        }
        if only_text {
            receive = receive.accept([Category::Text]);
        }
        let received = receive.await.unwrap();
        assert_eq!(received.taken.len(), self.model.receive(branch, from, only_text));
    }

    async fn refuse(&mut self, second: bool, branch: usize, number: usize) {
        let inbox = self.model.inbox(branch);
        let Some(at) = inbox.get(number % inbox.len().max(1)) else { return };
        let mail = self.model.ways[*at].mail;
        self.branch(second, branch).await.refuse(mail, "no").await.unwrap();
        self.model.ways[*at].place = MailPlace::Refused;
    }

    async fn readdress(&mut self, second: bool, number: usize, to: usize) {
        let may_go = |way: &Way| way.place.is_waiting() || way.place == MailPlace::DeadLetter;
        let all: Vec<_> =
            (0..self.model.ways.len()).filter(|at| may_go(&self.model.ways[*at])).collect();
        let Some(at) = all.get(number % all.len().max(1)).copied() else { return };
        let way = self.model.ways[at].clone();
        let session = &self.sessions[usize::from(second)];
        let from = self.model.branches[way.from].id;
        let query = MailQuery::new().of(way.mail).to(self.model.branches[way.to].id).from(from);
        let delivery = session.mail(&query).await.unwrap().remove(0);
        let target = self.branch(second, to).await;
        let done = session.readdress(&delivery, &target).await;
        let has_it = self.model.ways.iter().any(|w| w.mail == way.mail && w.to == to);
        if has_it && to != way.to {
            assert!(matches!(done, Err(Error::Conflict(_))), "{done:?}");
        } else {
            done.unwrap();
            self.model.ways[at] = Way { to, place: MailPlace::Inbox, ..way };
        }
    }

    async fn say(&mut self, second: bool, branch: usize) {
        self.branch(second, branch).await.append(says("said")).await.unwrap();
        self.model.say(branch, "said");
    }

    async fn undo(&mut self, second: bool, branch: usize) {
        let now = self.model.branches[branch].now;
        let undone = self.branch(second, branch).await.undo().await;
        if now == 0 {
            assert!(matches!(undone, Err(Error::NothingToUndo)), "{undone:?}");
        } else {
            undone.unwrap();
            self.model.go(branch, now - 1);
        }
    }

    async fn redo(&mut self, second: bool, branch: usize) {
        let known = &self.model.branches[branch];
        let (now, count) = (known.now, known.states.len());
        let redone = self.branch(second, branch).await.redo().await;
        if now + 1 == count {
            assert!(matches!(redone, Err(Error::NothingToRedo)), "{redone:?}");
        } else {
            redone.unwrap();
            self.model.go(branch, now + 1);
        }
    }

    async fn roll_back(&mut self, second: bool, branch: usize, count: usize) {
        let done = self.branch(second, branch).await.rollback(count).await;
        if count > self.model.branches[branch].standing().texts().len() {
            assert!(matches!(done, Err(Error::Rollback(_))), "{done:?}");
        } else {
            done.unwrap();
            self.model.roll_back(branch, count);
        }
    }

    async fn fork(&mut self, second: bool, (branch, with_mail): (usize, bool)) {
        if self.model.branches.len() >= BRANCHES_MAX {
            return;
        }
        let name = format!("b{}", self.model.branches.len());
        let fork = self.branch(second, branch).await.fork(name);
        let fork = if with_mail { fork.with_mail() } else { fork }.await.unwrap();
        let standing = self.model.branches[branch].standing().clone();
        let known = Known { id: fork.id(), alive: true, states: vec![standing], now: 0 };
        let new = self.model.branches.len();
        self.model.branches.push(known);
        if with_mail {
            for at in self.model.inbox(branch) {
                self.model.ways[at].to = new;
            }
        }
    }

    async fn merge(&mut self, second: bool, (from, into, deletes_source): (usize, usize, bool)) {
        let source = self.branch(second, from).await;
        let session = &self.sessions[usize::from(second)];
        let mut merge = session.merge(&source).into(&self.branch(second, into).await);
        if deletes_source {
            merge = merge.delete_source();
        }
        let merged = merge.await;
        if from == into {
            assert!(matches!(merged, Err(Error::MergeWithItself)), "{merged:?}");
            return;
        }
        assert_eq!(merged.unwrap().added.len(), self.model.merge(from, into));
        if deletes_source {
            self.model.delete(from, Some(into));
            if self.model.default == from {
                self.model.default = into;
            }
        }
    }

    async fn delete(&mut self, second: bool, branch: usize, heir: Option<usize>) {
        let gone = self.branch(second, branch).await;
        let deleted = match heir {
            None => gone.delete().await,
            Some(heir) => gone.delete_with_heir(&self.branch(second, heir).await).await,
        };
        if branch == self.model.default || heir == Some(branch) {
            assert!(deleted.is_err(), "{deleted:?}");
        } else {
            deleted.unwrap();
            self.model.delete(branch, heir);
        }
    }

    /// Every delivery is where the model has it, in that order, and every branch says what it says there.
    pub(super) async fn check(&self, session: &Session) {
        let mut found = Vec::new();
        let mut query = MailQuery::new();
        loop {
            let page = session.mail(&query.clone().limit(7)).await.unwrap();
            let Some(last) = page.last() else { break };
            query = query.after(last.no);
            found.extend(page);
        }
        let id = |at: usize| self.model.branches[at].id;
        let found: Vec<_> =
            found.iter().map(|one| (one.mail.id, one.recipient, one.state.place())).collect();
        let ways = self.model.ways.iter();
        let expected: Vec<_> = ways.map(|way| (way.mail, id(way.to), way.place)).collect();
        assert_eq!(found, expected);
        for at in self.model.alive() {
            let known = &self.model.branches[at];
            let branch = session.branch(&known.id.to_string()).await.unwrap();
            assert_eq!(texts(&branch).await, known.standing().texts());
            assert_eq!(branch.inbox().await.unwrap().len(), self.model.inbox(at).len());
        }
    }
}
