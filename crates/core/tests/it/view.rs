//! Invariants 1 and 11: a view is the fold of its ops, cutting back is exact, clones are apart.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering},
};

use branchwork_core::{
    clock::Timestamp,
    config::{Change, ConfigPatch},
    graph::{
        ApplyError, Extent, Merge, MergeMode, Op, OpKind, Step, StepResult, StepWriter, Tail, View,
    },
    id::{BranchId, IdSource, MailId, MessageId, OpId},
    message::{Body, CallId, Draft, Message, Origin, Outcome, Role, ToolCall},
};
use proptest::prelude::*;
use serde_json::Value;

/// Identifiers that are counted.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl IdSource for Counter {
    fn next_bits(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 1) << 32
    }
}

/// How many steps the flow of a test has.
const STEPS: u8 = 8;

/// How many messages and mails there are elsewhere.
const ELSEWHERE: u8 = 8;

/// What a test does next; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Action {
    Say(u8),
    Call(u8),
    System(u8),
    Edit(usize, u8),
    Remove(usize),
    Fold(usize, usize),
    Unfold(usize),
    Configure(u8),
    Done(u8),
    Bring(u8),
    Tell(u8),
    Receive(u8),
    Cut(usize),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        4 => any::<u8>().prop_map(Action::Say),
        1 => (1_u8..4).prop_map(Action::Call),
        1 => any::<u8>().prop_map(Action::System),
        2 => any::<(usize, u8)>().prop_map(|(target, text)| Action::Edit(target, text)),
        2 => any::<usize>().prop_map(Action::Remove),
        2 => any::<(usize, usize)>().prop_map(|(first, last)| Action::Fold(first, last)),
        1 => any::<usize>().prop_map(Action::Unfold),
        1 => (0_u8..10).prop_map(Action::Configure),
        1 => (0_u8..STEPS).prop_map(Action::Done),
        1 => (0..ELSEWHERE).prop_map(Action::Bring),
        1 => (0..ELSEWHERE).prop_map(Action::Tell),
        1 => (0..ELSEWHERE).prop_map(Action::Receive),
        2 => any::<usize>().prop_map(Action::Cut),
    ];
    prop::collection::vec(action, 1..80)
}

/// The naive counterpart of a view: copies of everything.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    messages: Vec<(MessageId, String)>,
    /// The turn group of each message, by its first message.
    groups: Vec<Option<MessageId>>,
    /// What stood where a summary stands, oldest fold first.
    folds: Vec<Standing>,
    temperature: Option<f64>,
    /// What the steps of a flow gave, by step.
    done: Vec<(u8, Value)>,
    /// The messages of elsewhere that are known.
    brought: BTreeSet<u8>,
    /// The mails that were taken in.
    received: BTreeSet<u8>,
}

/// A message of elsewhere.
fn elsewhere(number: u8) -> MessageId {
    MessageId::from_bits((1 << 100) | (u128::from(number) << 32))
}

fn mail(number: u8) -> MailId {
    MailId::from_bits(number.into())
}

/// Messages and their groups.
type Standing = Vec<((MessageId, String), Option<MessageId>)>;

impl Model {
    fn of(view: &View, model: &Self) -> Self {
        let messages = view.messages().map(|message| (message.id, message.text())).collect();
        let temperature = view.config().temperature;
        let given = |step: u8| Some((step, view.done("flow", &step.to_string())?.value.clone()));
        let done = (0..STEPS).filter_map(given).collect();
        let (groups, folds) = (model.groups.clone(), model.folds.clone());
        let brought = (0..ELSEWHERE).filter(|number| view.knows(elsewhere(*number))).collect();
        let received = (0..ELSEWHERE).filter(|number| view.receipt(mail(*number)).is_some());
        let received = received.collect();
        Self { messages, groups, folds, temperature, done, brought, received }
    }

    fn done(&mut self, step: u8, value: Value) {
        self.done.push((step, value));
        self.done.sort_by_key(|(step, _)| *step);
    }

    fn push(&mut self, id: MessageId, text: String, group: Option<MessageId>) {
        self.messages.push((id, text));
        self.groups.push(group);
    }

    /// Puts `standing` where the messages of `range` stood.
    fn splice(&mut self, range: std::ops::Range<usize>, standing: Standing) -> Standing {
        let (messages, groups): (Vec<_>, Vec<_>) = standing.into_iter().unzip();
        let stood = self.messages.splice(range.clone(), messages).collect::<Vec<_>>();
        stood.into_iter().zip(self.groups.splice(range, groups)).collect()
    }

    /// The whole group of the message at `index`.
    fn group(&self, index: usize) -> std::ops::Range<usize> {
        let group = self.groups[index];
        let is_same =
            |other: &usize| *other == index || (group.is_some() && self.groups[*other] == group);
        let of: Vec<_> = (0..self.groups.len()).filter(is_same).collect();
        of[0]..of[of.len() - 1] + 1
    }

    fn remove(&mut self, target: usize) {
        let (id, group) = (self.messages[target].0, self.groups[target]);
        let stays = |other: MessageId, other_group: Option<MessageId>| {
            other != id && (group.is_none() || other_group != group)
        };
        let kept: Vec<_> =
            self.messages.iter().zip(&self.groups).map(|(m, g)| stays(m.0, *g)).collect();
        let mut keep = kept.iter();
        self.messages.retain(|_| *keep.next().unwrap());
        let mut keep = kept.iter();
        self.groups.retain(|_| *keep.next().unwrap());
    }
}

/// A view under test, and every state it went through on the way to its head.
struct Bench {
    ids: Counter,
    view: View,
    tip: Option<OpId>,
    /// The op of each depth, and the model after it.
    past: Vec<(Option<OpId>, Model)>,
    ops: Vec<Op>,
}

impl Bench {
    fn new() -> Self {
        let past = vec![(None, Model::default())];
        Self { ids: Counter::default(), view: View::default(), tip: None, past, ops: Vec::new() }
    }

    fn model(&self) -> Model {
        self.past.last().unwrap().1.clone()
    }

    /// Writes one step; `change` brings the model along, op by op.
    fn step(
        &mut self,
        write: impl FnOnce(&mut StepWriter<'_>),
        models: impl FnOnce(&[Op]) -> Vec<Model>,
    ) {
        let at = Timestamp::from_micros(i64::try_from(self.past.len()).unwrap());
        let mut step = StepWriter::after(self.view.clone(), self.tip, &self.ids, at);
        write(&mut step);
        let (ops, view) = step.finish(Extent::Whole);
        let models = models(&ops);
        assert_eq!(models.len(), ops.len());
        for (op, model) in ops.iter().zip(models) {
            assert_eq!(op.standing as usize, model.messages.len(), "the op counts its messages");
            self.past.push((Some(op.id), model));
        }
        self.tip = ops.last().map(|op| op.id).or(self.tip);
        self.ops.extend(ops);
        self.view = view;
    }

    fn act(&mut self, action: &Action) {
        let mut model = self.model();
        match action {
            Action::Say(text) => {
                let text = text.to_string();
                let draft = Draft::new(Body::instruction(text.clone()));
                self.step(
                    |step| assert!(step.message(draft).is_ok()),
                    |ops| {
                        model.push(ops[0].id.into(), text, None);
                        vec![model]
                    },
                );
            }
            Action::Call(count) => self.call(*count, model),
            Action::System(text) => self.set_system(&format!("rules {text}"), model),
            Action::Edit(target, text) => {
                let editable: Vec<_> =
                    (0..model.messages.len()).filter(|i| model.groups[*i].is_none()).collect();
                let Some(target) = pick(&editable, *target) else { return };
                let text = format!("edited {text}");
                let id = model.messages[target].0;
                let body = match self.view.message(id).unwrap().role() {
                    Role::System => Body::System { text: text.clone() },
                    _ => Body::instruction(text.clone()),
                };
                model.messages[target].1 = text;
                self.step(|step| step.edit(id, body).unwrap(), |_| vec![model]);
            }
            Action::Remove(target) => {
                let all: Vec<_> = (0..model.messages.len()).collect();
                let Some(target) = pick(&all, *target) else { return };
                let id = model.messages[target].0;
                model.remove(target);
                self.step(|step| step.remove(id).unwrap(), |_| vec![model]);
            }
            Action::Fold(first, last) => self.fold(*first, *last, model),
            Action::Unfold(target) => self.unfold(*target, model),
            Action::Configure(tenths) => {
                let temperature = f64::from(*tenths) / 10.0;
                model.temperature = Some(temperature);
                let temperature = Change::Set(temperature);
                let patch = ConfigPatch { temperature, ..ConfigPatch::default() };
                self.step(|step| step.configure(patch).unwrap(), |_| vec![model]);
            }
            Action::Done(step) => self.done(*step, model),
            Action::Bring(_) | Action::Tell(_) | Action::Receive(_) => self.arrive(action, model),
            Action::Cut(depth) => {
                let depth = depth % self.past.len();
                self.view = self.view.at(self.past[depth].0).unwrap();
                self.past.truncate(depth + 1);
                // A cut inside a group leaves open calls: the next message closes them.
                self.close_open_calls();
            }
        }
    }

    fn done(&mut self, step: u8, mut model: Model) {
        let value = Value::from(self.past.len());
        let (flow, name) = ("flow".to_owned(), step.to_string());
        let result = StepResult { flow, step: name, value: value.clone() };
        if model.done.iter().any(|(done, _)| *done == step) {
            let at = Timestamp::from_micros(0);
            let mut twice = StepWriter::after(self.view.clone(), self.tip, &self.ids, at);
            assert!(matches!(twice.done(result), Err(ApplyError::DoneTwice { .. })));
            return;
        }
        model.done(step, value);
        self.step(|step| step.done(result).unwrap(), |_| vec![model]);
    }

    /// Something comes from elsewhere.
    fn arrive(&mut self, action: &Action, mut model: Model) {
        match action {
            Action::Bring(number) => {
                let (text, origin) = (
                    number.to_string(),
                    Origin::Merged { message: elsewhere(*number), mail: None },
                );
                let draft = Draft::new(Body::instruction(text.clone())).with_origin(origin);
                model.brought.insert(*number);
                self.step(
                    |step| assert!(step.message(draft).is_ok()),
                    |ops| {
                        model.push(ops[0].id.into(), text, None);
                        vec![model]
                    },
                );
            }
            Action::Tell(number) => {
                let merge = Merge {
                    from: BranchId::from_bits(1),
                    head: elsewhere(*number).op(),
                    base: None,
                    mode: MergeMode::Summary,
                    told: vec![elsewhere(*number)],
                };
                model.brought.insert(*number);
                self.step(|step| step.merge(merge).unwrap(), |_| vec![model]);
            }
            Action::Receive(number) => {
                if !model.received.insert(*number) {
                    let at = Timestamp::from_micros(0);
                    let mut twice = StepWriter::after(self.view.clone(), self.tip, &self.ids, at);
                    let refused = twice.receive(mail(*number));
                    assert!(matches!(refused, Err(ApplyError::ReceivedTwice { .. })));
                    return;
                }
                self.step(|step| assert!(step.receive(mail(*number)).is_ok()), |_| vec![model]);
                assert_eq!(self.view.receipt(mail(*number)), self.tip);
            }
            _ => unreachable!("nothing comes by {action:?}"),
        }
    }

    fn call(&mut self, count: u8, mut model: Model) {
        let calls: Vec<_> = (0..count)
            .map(|index| ToolCall {
                id: CallId::new(format!("call{index}")),
                function: "f".to_owned(),
                arguments: "{}".to_owned(),
            })
            .collect();
        let request = Draft::new(Body::ActionRequest { parts: Vec::new(), calls: calls.clone() });
        self.step(
            |step| {
                step.message(request).unwrap();
                for call in calls {
                    let outcome = Outcome::Succeeded("ok".into());
                    step.message(Draft::result(call.id, call.function, outcome)).unwrap();
                }
            },
            |ops| {
                let group = Some(MessageId::from(ops[0].id));
                let texts = std::iter::once("").chain(std::iter::repeat("ok"));
                let states = ops.iter().zip(texts).map(|(op, text)| {
                    model.push(op.id.into(), text.to_owned(), group);
                    model.clone()
                });
                states.collect()
            },
        );
    }

    fn fold(&mut self, first: usize, last: usize, mut model: Model) {
        let is_system = |index: &usize| {
            let id = model.messages[*index].0;
            self.view.message(id).unwrap().role() == Role::System
        };
        let all: Vec<_> = (0..model.messages.len()).filter(|index| !is_system(index)).collect();
        let (Some(first), Some(last)) = (pick(&all, first), pick(&all, last)) else { return };
        let (first, last) = (first.min(last), first.max(last));
        let (start, end) = (model.group(first).start, model.group(last).end);
        let text = format!("{} messages", end - start);
        let (id, [from, to]) =
            (model.messages[start].0, [first, last].map(|i| model.messages[i].0));
        let stood = model.splice(start..end, vec![((id, text.clone()), None)]);
        model.folds.push(stood);
        self.step(|step| assert_eq!(step.fold(from, to, text), Ok(id)), |_| vec![model]);
        assert_eq!(self.view.folded(id).unwrap().count(), end - start);
        assert_eq!(self.view.message(id).unwrap().role(), Role::User);
    }

    fn unfold(&mut self, target: usize, mut model: Model) {
        let fold_at = |index: &usize| {
            let id = model.messages[*index].0;
            model.folds.iter().rposition(|stood| stood[0].0.0 == id)
        };
        let all: Vec<_> = (0..model.messages.len()).filter(|i| fold_at(i).is_some()).collect();
        let Some(target) = pick(&all, target) else { return };
        let (id, fold) = (model.messages[target].0, fold_at(&target).unwrap());
        let stood = model.folds.remove(fold);
        model.splice(target..target + 1, stood);
        self.step(|step| step.unfold(id).unwrap(), |_| vec![model]);
    }

    /// The system message is always the first one, wherever the op that brought it is.
    fn set_system(&mut self, text: &str, mut model: Model) {
        let first = self.view.messages().next();
        let stands = first.is_some_and(|first| first.role() == Role::System);
        self.step(
            |step| step.set_system(text.to_owned()).unwrap(),
            |ops| {
                if !stands {
                    model.messages.insert(0, (ops[0].id.into(), String::new()));
                    model.groups.insert(0, None);
                }
                text.clone_into(&mut model.messages[0].1);
                vec![model]
            },
        );
    }

    fn close_open_calls(&mut self) {
        if self.view.open_calls().is_empty() {
            return;
        }
        let mut model = self.model();
        let group = *model.groups.last().unwrap();
        // The step that made the calls was cut: they may have run.
        let unknown = "outcome unknown: the call may or may not have taken effect";
        self.step(
            |step| step.close_calls("cut").unwrap(),
            |ops| {
                let states = ops.iter().map(|op| {
                    model.push(op.id.into(), unknown.to_owned(), group);
                    model.clone()
                });
                states.collect()
            },
        );
    }
}

fn pick(candidates: &[usize], number: usize) -> Option<usize> {
    (!candidates.is_empty()).then(|| candidates[number % candidates.len()])
}

proptest! {
    #[test]
    fn a_view_equals_the_plain_model_at_every_op_and_clones_stay_apart(actions in actions()) {
        let mut bench = Bench::new();
        let mut kept = Vec::new();
        for action in &actions {
            bench.act(action);
            let model = bench.model();
            prop_assert_eq!(Model::of(&bench.view, &model), model.clone());
            prop_assert_eq!(bench.view.len(), model.messages.len());
            prop_assert_eq!(bench.view.head(), bench.past.last().unwrap().0);
            kept.push((bench.view.clone(), model));
        }
        for (head, model) in &bench.past {
            let view = bench.view.at(*head).unwrap();
            prop_assert_eq!(&Model::of(&view, model), model);
        }
        for (view, model) in kept {
            prop_assert_eq!(Model::of(&view, &model), model, "a clone changed");
        }
    }

    #[test]
    fn a_page_from_the_head_backwards_is_the_end_of_the_view(
        actions in actions(),
        wanted in 0_usize..12,
    ) {
        let mut bench = Bench::new();
        for action in &actions {
            bench.act(action);
        }
        let lineage = bench.view.lineage();
        let mut tail = Tail::new(wanted);
        for depth in (1..=lineage.depth()).rev() {
            let id = lineage.op_at(depth).unwrap();
            tail.push(bench.ops.iter().find(|op| op.id == id).unwrap().clone());
        }
        let skipped = bench.view.len().saturating_sub(wanted);
        let expected: Vec<_> = bench.view.messages().skip(skipped).cloned().collect();
        prop_assert_eq!(tail.into_messages(), expected);
    }

    #[test]
    fn folding_the_ops_again_gives_the_same_view(actions in actions()) {
        let mut bench = Bench::new();
        for action in &actions {
            bench.act(action);
        }
        let lineage = bench.view.lineage().clone();
        let mut again = View::default();
        for depth in 1..=lineage.depth() {
            let id = lineage.op_at(depth).unwrap();
            let op = bench.ops.iter().find(|op| op.id == id).unwrap();
            again.apply(op).unwrap();
        }
        let left: Vec<_> = again.messages().cloned().collect();
        let right: Vec<_> = bench.view.messages().cloned().collect();
        prop_assert_eq!(left, right);
        prop_assert_eq!(again.config(), bench.view.config());
    }
}

/// `s042`: a system message that comes late still comes first, and is taken back like all else.
#[test]
fn a_late_system_message_leads_and_goes_again() {
    let mut bench = Bench::new();
    bench.act(&Action::Say(1));
    bench.act(&Action::System(2));
    bench.act(&Action::Say(3));
    let texts = |view: &View| view.messages().map(|message| message.text()).collect::<Vec<_>>();
    assert_eq!(texts(&bench.view), ["rules 2", "1", "3"]);
    assert_eq!(bench.view.last().unwrap().text(), "3");
    let lead = bench.view.messages().next().unwrap().id;
    // There never was a history that ended with it.
    assert_eq!(bench.view.head_at(lead), Err(ApplyError::NeverLast { id: lead }));
    assert_eq!(bench.view.removed_with(lead), Ok(vec![lead]));
    // Nothing but one system message leads.
    let head = bench.view.head();
    let refused = |view: &View, body: Body| {
        let id = head.unwrap().next().unwrap();
        let said = view.last().unwrap();
        let message = Message { id: id.into(), body, ..(**said).clone() };
        let kind = OpKind::Lead(message.into());
        let at = Timestamp::from_micros(9);
        let op = Op { id, parent: head, at, step: Step::Alone, standing: 4, author: None, kind };
        view.clone().apply(&op).unwrap_err()
    };
    let system = || Body::System { text: "more rules".to_owned() };
    assert_eq!(refused(&bench.view, system()), ApplyError::HasLead { id: lead });
    let kind = Body::instruction("x").kind();
    assert_eq!(refused(&bench.view, Body::instruction("x")), ApplyError::CannotLead { kind });
    // Rolling back past the moment it came takes it back; all messages take it with them.
    let two = bench.view.at(bench.view.head_before_last(1).unwrap()).unwrap();
    assert_eq!(texts(&two), ["rules 2", "1"]);
    assert_eq!(bench.view.head_before_last(3), Ok(None));
    assert!(bench.view.head_before_last(4).is_err());
    // One that is alone can be forked at.
    let mut alone = Bench::new();
    alone.act(&Action::System(1));
    let only = alone.view.messages().next().unwrap().id;
    assert_eq!(alone.view.head_at(only).ok(), alone.view.head());
    assert_eq!(alone.view.last().unwrap().id, only);
}
