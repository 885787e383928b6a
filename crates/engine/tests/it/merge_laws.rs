//! What holds of every merge, whatever the branches went through.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use branchwork::{
    Branch, Merge, Session,
    core::{
        config::ConfigPatch,
        id::MessageId,
        merge::MergePolicy,
        message::{Body, CallId, Draft, Message, Outcome, Role, ToolCall},
    },
};
use branchwork_testkit::{TestClock, legal::breaches};
use proptest::prelude::*;

use crate::support::{block_on, says, timed};

/// Branches of a world, `main` among them.
const BRANCHES: usize = 4;

/// What happens next, on the branch of that number; others are taken modulo what there is.
#[derive(Debug, Clone)]
enum Action {
    Say(usize, u8),
    Answer(usize, u8),
    Calls(usize, u8),
    /// Calls that have no result yet.
    Asks(usize, u8),
    Edit(usize, usize, u8),
    Remove(usize, usize),
    Fold(usize, usize),
    System(usize, u8),
    Configure(usize, u8),
    Undo(usize),
    Merge(usize, usize),
}

fn actions(with_asks: bool) -> impl Strategy<Value = Vec<Action>> {
    let branch = 0..BRANCHES;
    let pair = (branch.clone(), any::<u8>());
    let action = prop_oneof![
        4 => pair.clone().prop_map(|(b, t)| Action::Say(b, t)),
        3 => pair.clone().prop_map(|(b, t)| Action::Answer(b, t)),
        3 => pair.clone().prop_map(|(b, t)| Action::Calls(b, t)),
        1 => pair.clone().prop_map(move |(b, t)| {
            if with_asks { Action::Asks(b, t) } else { Action::Say(b, t) }
        }),
        1 => (branch.clone(), any::<usize>(), any::<u8>()).prop_map(|(b, m, t)| Action::Edit(b, m, t)),
        1 => (branch.clone(), any::<usize>()).prop_map(|(b, m)| Action::Remove(b, m)),
        1 => (branch.clone(), any::<usize>()).prop_map(|(b, m)| Action::Fold(b, m)),
        1 => pair.clone().prop_map(|(b, t)| Action::System(b, t)),
        1 => pair.prop_map(|(b, t)| Action::Configure(b, t)),
        1 => branch.clone().prop_map(Action::Undo),
        1 => (branch.clone(), branch).prop_map(|(b, c)| Action::Merge(b, c)),
    ];
    prop::collection::vec(action, 1..40)
}

struct World {
    session: Session,
    clock: Arc<TestClock>,
    branches: Vec<Branch>,
    calls: usize,
}

impl World {
    /// `main`, and branches that were forked from it at its first, its second and its third message.
    async fn new() -> Self {
        let (session, clock) = timed().await;
        let main = session.default_branch();
        let mut branches = vec![main.clone()];
        for number in 1..BRANCHES {
            main.append(says(&format!("shared {number}"))).await.unwrap();
            branches.push(main.fork_unnamed().await.unwrap());
        }
        Self { session, clock, branches, calls: 0 }
    }

    async fn of(actions: &[Action]) -> Self {
        let mut world = Self::new().await;
        for action in actions {
            world.act(action).await;
            world.clock.advance(Duration::from_secs(1));
        }
        world
    }

    fn main(&self) -> &Branch {
        &self.branches[0]
    }

    async fn act(&mut self, action: &Action) {
        match *action {
            Action::Say(b, text) => self.append(b, vec![says(&format!("q{text}"))]).await,
            Action::Answer(b, text) => {
                self.append(b, vec![Draft::new(Body::response(format!("a{text}")))]).await;
            }
            Action::Calls(b, text) => {
                let (asks, results) = self.calls();
                let say = says(&format!("look {text}"));
                self.append(b, [vec![say, asks], results].concat()).await;
            }
            Action::Asks(b, text) => {
                let (asks, _) = self.calls();
                self.append(b, vec![says(&format!("ask {text}")), asks]).await;
            }
            Action::Edit(b, m, text) => {
                let Some(message) = self.pick(b, m).await else { return };
                let Some(body) = message.body.with_text(format!("edited {text}")) else { return };
                self.branches[b].edit(message.id, body).await.unwrap();
            }
            Action::Remove(b, m) => {
                let Some(message) = self.pick(b, m).await else { return };
                drop(self.branches[b].remove(message.id).await);
            }
            Action::Fold(b, m) => {
                let (Some(one), Some(other)) = (self.pick(b, m).await, self.pick(b, m + 3).await)
                else {
                    return;
                };
                let (first, last) =
                    if one.id.op() < other.id.op() { (one, other) } else { (other, one) };
                drop(self.branches[b].fold(first.id, last.id, format!("summary {m}")).await);
            }
            Action::System(b, text) => {
                let body = Body::System { text: format!("system {text}") };
                self.append(b, vec![Draft::new(body)]).await;
            }
            Action::Configure(b, seed) => {
                let patch = ConfigPatch::new().with_seed(i64::from(seed));
                self.branches[b].configure(patch).await.unwrap();
            }
            Action::Undo(b) => drop(self.branches[b].undo().await),
            Action::Merge(b, c) if b == c => {}
            Action::Merge(b, c) => drop(self.merge(b, c).await.unwrap()),
        }
    }

    fn merge(&self, from: usize, into: usize) -> Merge {
        self.session.merge(&self.branches[from]).into(&self.branches[into])
    }

    async fn append(&self, b: usize, drafts: Vec<Draft>) {
        self.branches[b].append_all(drafts).await.unwrap();
    }

    /// An answer that makes two calls, and their results.
    fn calls(&mut self) -> (Draft, Vec<Draft>) {
        let ids = [self.calls, self.calls + 1].map(|number| CallId::new(format!("c{number}")));
        self.calls += 2;
        let call = |id: &CallId| {
            let (function, arguments) = ("look".to_owned(), "{}".to_owned());
            ToolCall { id: id.clone(), function, arguments }
        };
        let calls = ids.iter().map(call).collect();
        let asks = Draft::new(Body::ActionRequest { parts: Vec::new(), calls });
        let seen = |id: CallId| Draft::result(id, "look", Outcome::Succeeded("seen".into()));
        (asks, ids.map(seen).into())
    }

    async fn pick(&self, b: usize, number: usize) -> Option<Arc<Message>> {
        let view = self.branches[b].view().await.unwrap();
        let count = view.len();
        (count > 0).then(|| view.messages().nth(number % count).map(Arc::clone)).flatten()
    }
}

/// Everything a reader sees of a branch.
async fn seen(branch: &Branch) -> (Vec<Arc<Message>>, branchwork::core::config::Config) {
    let view = branch.view().await.unwrap();
    (view.messages().map(Arc::clone).collect(), view.config().clone())
}

fn first_said(messages: &[Arc<Message>]) -> Vec<MessageId> {
    messages.iter().map(|message| message.first_said()).collect()
}

async fn legal(branch: &Branch) -> bool {
    breaches(&seen(branch).await.0).is_empty()
}

fn in_mode(merge: Merge, mode: u8) -> Merge {
    match mode {
        0 => merge,
        1 => merge.interleave(),
        _ => merge.summary("They went on."),
    }
}

/// Merging nothing changes nothing, and so does merging again.
async fn nothing_and_twice(world: &World, mode: u8, policy: MergePolicy) {
    let main = world.main();
    let same = main.fork_unnamed().await.unwrap();
    let before = main.record().await.unwrap();
    let nothing =
        in_mode(world.session.merge(&same).into(main), mode).policy(policy).await.unwrap();
    assert!(nothing.added.is_empty() && nothing.conflicts.is_empty());
    assert_eq!(main.record().await.unwrap(), before);
    in_mode(world.merge(1, 0), mode).policy(policy).await.unwrap();
    let once = main.record().await.unwrap();
    let again = in_mode(world.merge(1, 0), mode).policy(policy).await.unwrap();
    assert_eq!((again.added, again.head), (Vec::new(), once.head));
    assert_eq!(main.record().await.unwrap(), once);
}

/// The target keeps its messages in their order; what comes is the source's, each once, and what a provider
/// takes; it is what the plan said; and undo takes all of it back.
async fn one_merge(world: &World, mode: u8, policy: MergePolicy) {
    let (main, source) = (world.main(), &world.branches[1]);
    let were_legal = legal(main).await && legal(source).await;
    let before = seen(main).await;
    let plan = in_mode(world.merge(1, 0), mode).policy(policy).plan().await.unwrap();
    assert_eq!(seen(main).await, before, "a plan changes nothing");
    let planned: Vec<_> =
        plan.messages().into_iter().map(|m| (m.sender, m.body, m.origin)).collect();
    let (brought, skipped) = (plan.brought(), plan.skipped().to_vec());
    let conflicts = plan.conflicts().to_vec();
    let merged = plan.apply().await.unwrap();
    assert_eq!((&merged.skipped, &merged.conflicts), (&skipped, &conflicts));
    let after = seen(main).await;
    let added: Vec<_> = merged
        .added
        .iter()
        .map(|id| after.0.iter().find(|message| message.id == *id).unwrap())
        .map(|m| (m.sender.clone(), m.body.clone(), m.origin.clone()))
        .collect();
    assert_eq!(added, planned, "it is what was planned");
    let (was, is) = (first_said(&before.0), first_said(&after.0));
    let own: BTreeSet<_> = was.iter().copied().collect();
    let kept: Vec<_> = is.iter().copied().filter(|said| own.contains(said)).collect();
    // An instruction may be said again before calls that would follow an answer.
    let mut rest = kept.iter();
    assert!(
        was.iter().all(|said| rest.any(|kept| kept == said)),
        "{was:?} is not in order in {is:?}"
    );
    assert!(were_legal <= legal(main).await, "{:?}", breaches(&after.0));
    let report = world.session.engine().verify().await.unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    let view = main.view().await.unwrap();
    assert!(brought.iter().all(|said| view.knows(*said)));
    if mode != 2 {
        let theirs = source.view().await.unwrap();
        let asks =
            |said: &MessageId| theirs.stands_as(*said).is_none_or(|m| m.role() == Role::User);
        let count = |said: &MessageId| is.iter().filter(|other| *other == said).count();
        let once = |said: &&MessageId| count(said) == 1 || asks(said);
        let new: Vec<_> = brought.iter().filter(|said| !own.contains(said)).collect();
        assert!(new.iter().all(once), "each comes once");
        let said = theirs.said_since(0);
        assert!(new.iter().all(|id| said.iter().any(|message| message.first_said() == **id)));
    }
    if after != before {
        main.undo().await.unwrap();
    }
    assert_eq!(seen(main).await, before, "one undo takes all of it back");
}

/// Whatever the order, the same messages come.
async fn any_order(world: &World) {
    let before = world.main().view().await.unwrap();
    let mut sets = BTreeSet::new();
    for order in [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]] {
        let target = world.main().fork_unnamed().await.unwrap();
        for from in order {
            world.session.merge(&world.branches[from]).into(&target).await.unwrap();
        }
        let messages = seen(&target).await.0;
        // Perhaps with an instruction that is there, said again before calls that follow it.
        let came = first_said(&messages).into_iter().filter(|said| !before.knows(*said));
        sets.insert(came.collect::<BTreeSet<_>>());
    }
    assert_eq!(sets.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn merging_nothing_changes_nothing_and_twice_is_once(
        actions in actions(true),
        mode in 0_u8..3,
        theirs in any::<bool>(),
    ) {
        let policy = if theirs { MergePolicy::Theirs } else { MergePolicy::Ours };
        block_on(async { nothing_and_twice(&World::of(&actions).await, mode, policy).await });
    }

    #[test]
    fn a_merge_keeps_ours_brings_theirs_once_as_planned_and_is_undone(
        actions in actions(true),
        mode in 0_u8..3,
        theirs in any::<bool>(),
    ) {
        let policy = if theirs { MergePolicy::Theirs } else { MergePolicy::Ours };
        block_on(async { one_merge(&World::of(&actions).await, mode, policy).await });
    }

    #[test]
    fn branches_that_are_merged_in_any_order_bring_the_same(actions in actions(false)) {
        block_on(async { any_order(&World::of(&actions).await).await });
    }
}
