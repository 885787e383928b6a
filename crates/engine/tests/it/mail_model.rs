//! Invariant 5: random work with mail, from two engines in turns, against a plain state machine.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use branchwork::{
    Branch, Engine, Error, Session,
    core::{
        clock::Clock as _,
        id::{BranchId, MailId},
        store::{MemoryStore, Store},
    },
    mail::{Addresses, Category, MailPlace, MailQuery, Package},
};
use branchwork_testkit::{SequentialIds, TestClock};
use proptest::prelude::*;

use crate::support::{says, texts};

/// How many branches there are at most.
const BRANCHES_MAX: usize = 6;

/// How long some mail can be taken in.
const TIME_TO_LIVE: Duration = Duration::from_secs(3);

/// What happens next; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Action {
    Send { from: usize, to: usize, at_once: bool, expires: bool, signal: bool },
    Broadcast { from: usize, at_once: bool },
    Collect(usize),
    Deliver(usize),
    CollectSendAll,
    Receive { branch: usize, from: Option<usize>, only_text: bool },
    Refuse(usize, usize),
    Readdress(usize, usize),
    Expire,
    Wait,
    Say(usize),
    Undo(usize),
    Redo(usize),
    RollBack(usize, usize),
    Fork { branch: usize, with_mail: bool },
    Delete { branch: usize, heir: Option<usize> },
    Crash,
}

fn actions() -> impl Strategy<Value = Vec<(bool, Action)>> {
    let b = || 0_usize..BRANCHES_MAX;
    let send = (b(), b(), any::<bool>(), any::<bool>(), prop::bool::weighted(0.2));
    let action = prop_oneof![
        6 => send.prop_map(|(from, to, at_once, expires, signal)| {
            Action::Send { from, to, at_once, expires, signal }
        }),
        2 => (b(), any::<bool>()).prop_map(|(from, at_once)| Action::Broadcast { from, at_once }),
        1 => b().prop_map(Action::Collect),
        1 => b().prop_map(Action::Deliver),
        1 => Just(Action::CollectSendAll),
        4 => (b(), prop::option::weighted(0.3, b()), any::<bool>()).prop_map(
            |(branch, from, only_text)| Action::Receive { branch, from, only_text }
        ),
        1 => (b(), any::<usize>()).prop_map(|(b, n)| Action::Refuse(b, n)),
        1 => (any::<usize>(), b()).prop_map(|(n, b)| Action::Readdress(n, b)),
        1 => Just(Action::Expire),
        1 => Just(Action::Wait),
        1 => b().prop_map(Action::Say),
        2 => b().prop_map(Action::Undo),
        1 => b().prop_map(Action::Redo),
        2 => (b(), 1_usize..4).prop_map(|(b, count)| Action::RollBack(b, count)),
        2 => (b(), any::<bool>()).prop_map(|(branch, with_mail)| Action::Fork { branch, with_mail }),
        1 => (b(), prop::option::of(b())).prop_map(|(branch, heir)| Action::Delete { branch, heir }),
        1 => Just(Action::Crash),
    ];
    prop::collection::vec((any::<bool>(), action), 1..60)
}

/// One mail on its way to one branch, as the model knows it.
#[derive(Debug, Clone)]
struct Way {
    mail: MailId,
    from: usize,
    to: usize,
    text: String,
    signal: bool,
    /// When it expires, in seconds.
    expires: Option<u64>,
    place: MailPlace,
}

/// What a branch has at one time: what it says, and the mails that it took in.
#[derive(Debug, Clone, Default)]
struct Standing {
    /// Each with what there was before it came.
    texts: Vec<(String, Arc<Self>)>,
    taken: BTreeSet<MailId>,
}

impl Standing {
    fn say(&mut self, text: String, before: Self) {
        self.texts.push((text, Arc::new(before)));
    }

    fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(|(text, _)| text.as_str()).collect()
    }
}

#[derive(Debug, Clone)]
struct Known {
    id: BranchId,
    alive: bool,
    states: Vec<Standing>,
    now: usize,
}

impl Known {
    fn standing(&self) -> &Standing {
        &self.states[self.now]
    }

    fn change(&mut self, standing: Standing) {
        self.states.truncate(self.now + 1);
        self.states.push(standing);
        self.now += 1;
    }
}

/// The plain state machine.
#[derive(Debug, Clone, Default)]
struct Model {
    ways: Vec<Way>,
    branches: Vec<Known>,
    /// Seconds that have passed.
    now: u64,
}

impl Model {
    fn is_expired(&self, way: &Way) -> bool {
        way.expires.is_some_and(|expires| expires <= self.now)
    }

    /// The ways that go to the inbox of `branch` and can be taken in.
    fn inbox(&self, branch: usize) -> Vec<usize> {
        let waits =
            |way: &Way| way.to == branch && way.place == MailPlace::Inbox && !self.is_expired(way);
        (0..self.ways.len()).filter(|at| waits(&self.ways[*at])).collect()
    }

    fn alive(&self) -> Vec<usize> {
        (0..self.branches.len()).filter(|at| self.branches[*at].alive).collect()
    }

    fn each(&mut self, is: impl Fn(&Way) -> bool, place: MailPlace) {
        for way in self.ways.iter_mut().filter(|way| is(way)) {
            way.place = place;
        }
    }

    /// What is on the way from one branch to another arrives.
    fn deliver(&mut self, from: usize, to: usize) {
        let under_way = |way: &Way| way.from == from && way.to == to && way.place.is_unsent();
        self.each(under_way, MailPlace::Inbox);
    }

    fn send(&mut self, mail: MailId, to: &[usize], like: &Way) {
        for to in to {
            if like.place == MailPlace::Inbox {
                self.deliver(like.from, *to);
            }
            self.ways.push(Way { mail, to: *to, ..like.clone() });
        }
    }

    /// Takes in what is meant, and answers how many.
    fn receive(&mut self, branch: usize, from: Option<usize>, only_text: bool) -> usize {
        let mut standing = self.branches[branch].standing().clone();
        let (mut taken, mut is_new) = (0, false);
        let expired: Vec<_> = self.ways.iter().map(|way| self.is_expired(way)).collect();
        for (way, expired) in self.ways.iter_mut().zip(expired) {
            let is_meant = from.is_none_or(|from| way.from == from);
            if way.to != branch || way.place != MailPlace::Inbox || !is_meant {
                continue;
            }
            // What came with the history of another branch is there already.
            let is_known = standing.taken.contains(&way.mail);
            if expired && !is_known {
                way.place = MailPlace::Expired;
                continue;
            }
            if only_text && way.signal && !is_known {
                continue;
            }
            way.place = MailPlace::Applied;
            taken += 1;
            let before = standing.clone();
            let is_first = standing.taken.insert(way.mail);
            is_new |= is_first;
            if is_first && !way.signal {
                standing.say(way.text.clone(), before);
            }
        }
        if is_new {
            self.branches[branch].change(standing);
        }
        taken
    }

    /// The branch goes to another of its states.
    fn go(&mut self, branch: usize, to: usize) {
        let before = self.branches[branch].standing().taken.clone();
        self.branches[branch].now = to;
        self.settle(branch, &before);
    }

    /// The last `count` texts of the branch go, with what came since.
    fn roll_back(&mut self, branch: usize, count: usize) {
        let before = self.branches[branch].standing().clone();
        let (_, after) = &before.texts[before.texts.len() - count];
        self.branches[branch].change((**after).clone());
        self.settle(branch, &before.taken);
    }

    /// Mail is applied as long as its receipt stands.
    fn settle(&mut self, branch: usize, before: &BTreeSet<MailId>) {
        let after = self.branches[branch].standing().taken.clone();
        for way in self.ways.iter_mut().filter(|way| way.to == branch) {
            match (before.contains(&way.mail), after.contains(&way.mail)) {
                (false, true) if !way.place.is_unsent() => way.place = MailPlace::Applied,
                (true, false) if way.place == MailPlace::Applied => way.place = MailPlace::Inbox,
                _ => {}
            }
        }
    }

    /// What waits for a branch that is deleted goes to its heir, or nowhere.
    fn inherit(&mut self, at: usize, heir: Option<usize>) {
        let way = self.ways[at].clone();
        let has_it = |heir: &usize| self.ways.iter().any(|w| w.mail == way.mail && w.to == *heir);
        let inherited = heir.filter(|heir| !has_it(heir));
        if let Some(heir) = inherited {
            self.deliver(way.from, heir);
        }
        let place = inherited.map_or(MailPlace::DeadLetter, |_| MailPlace::Inbox);
        self.ways[at] = Way { to: inherited.unwrap_or(way.to), place, ..way };
    }

    fn delete(&mut self, branch: usize, heir: Option<usize>) {
        self.branches[branch].alive = false;
        for at in 0..self.ways.len() {
            let way = self.ways[at].clone();
            if way.place.is_waiting() && way.to == branch {
                self.inherit(at, heir);
            } else if way.from == branch && way.place.is_unsent() {
                self.ways[at].place = MailPlace::Inbox;
            }
        }
    }
}

/// Two engines over one store, and the model.
struct World {
    model: Model,
    clock: Arc<TestClock>,
    stores: [Arc<dyn Store>; 2],
    sessions: [Session; 2],
    engines: u32,
    sent: u32,
}

fn engine(store: &Arc<dyn Store>, clock: &Arc<TestClock>, space: u32) -> Engine {
    let ids = Arc::new(SequentialIds::in_space(space));
    let clock = Arc::clone(clock);
    Engine::builder().store(Arc::clone(store)).clock(clock).ids(ids).build()
}

impl World {
    async fn new(stores: [Arc<dyn Store>; 2]) -> Self {
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

    async fn act(&mut self, second: bool, action: &Action) {
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
        let mut standing = self.model.branches[branch].standing().clone();
        let before = standing.clone();
        standing.say("said".to_owned(), before);
        self.model.branches[branch].change(standing);
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
        if count > self.model.branches[branch].standing().texts.len() {
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

    async fn delete(&mut self, second: bool, branch: usize, heir: Option<usize>) {
        let gone = self.branch(second, branch).await;
        let deleted = match heir {
            None => gone.delete().await,
            Some(heir) => gone.delete_with_heir(&self.branch(second, heir).await).await,
        };
        if branch == 0 || heir == Some(branch) {
            assert!(deleted.is_err(), "{deleted:?}");
        } else {
            deleted.unwrap();
            self.model.delete(branch, heir);
        }
    }

    /// Every delivery is where the model has it, in that order, and every branch says what it says there.
    async fn check(&self, session: &Session) {
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

fn block_on(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work);
}

/// Fewer cases than in memory: every one makes a file.
#[cfg(feature = "sqlite")]
fn on_disk() -> ProptestConfig {
    ProptestConfig { cases: 32, ..ProptestConfig::default() }
}

#[cfg(feature = "sqlite")]
proptest! {
    #![proptest_config(on_disk())]

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
