//! Who answers for the model and the tools while a turn is had again.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use branchwork_core::{
    graph::Op,
    message::{CallId, Draft, Outcome, ToolCall},
    provider::{EventStream, ModelInfo, ModelRequest, Provider, ProviderError, RenderedRequest},
    tool::{Policy, ToolSpec},
};
use futures_util::FutureExt as _;
use tokio::sync::Notify;

use super::{
    acts::Round,
    drift::{Drift, Mode},
    provider::models,
    stage::draft_of,
    tape::{Entry, Tape, wait},
};
use crate::engine::lock;

/// Knows the turn that is had again: what the model said in each round, and what came of its calls.
#[derive(Debug)]
pub(super) struct Prompter {
    tape: Tape,
    mode: Mode,
    // A std mutex: held to look and to change, never across an await.
    state: Mutex<State>,
    /// Told when nothing more comes before the turn is stopped.
    paused: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    rounds: Arc<Vec<Round>>,
    /// How many rounds were asked.
    asked: usize,
    tools: Vec<ToolSpec>,
    /// How often the tools were others.
    revision: u64,
    drifts: Vec<Drift>,
    /// The call that was asked last.
    last: Option<usize>,
}

impl Prompter {
    pub(super) fn new(tape: Tape, mode: Mode) -> Self {
        Self { tape, mode, state: Mutex::default(), paused: Arc::new(Notify::new()) }
    }

    pub(super) const fn tape(&self) -> &Tape {
        &self.tape
    }

    /// Begins a turn.
    pub(super) fn begin(&self, rounds: Arc<Vec<Round>>) {
        // What an earlier turn may have left.
        let _stale = self.paused.notified().now_or_never();
        let mut state = lock(&self.state);
        let first = rounds.first().and_then(|round| self.tape.entry(round.call?));
        let tools = first.map(|entry| entry.record.call.request.tools.clone()).unwrap_or_default();
        if state.tools != tools {
            (state.tools, state.revision) = (tools, state.revision + 1);
        }
        (state.rounds, state.asked) = (rounds, 0);
    }

    /// Ends the turn: what of it was not asked is told.
    pub(super) fn end(&self) {
        let mut state = lock(&self.state);
        let calls = state.rounds.iter().skip(state.asked).filter_map(|round| round.call);
        let unasked: Vec<_> =
            calls.filter_map(|call| self.tape.entry(call)).map(Entry::id).collect();
        state.drifts.extend(unasked.into_iter().map(|answer| Drift::Unasked { answer }));
    }

    /// Compares a request that is not sent with the call at `index`.
    pub(super) fn compare(&self, index: usize, asked: &ModelRequest) {
        let differences = self.tape.differences(index, asked);
        let mut state = lock(&self.state);
        state.last = Some(index);
        if let (false, Some(entry)) = (differences.is_empty(), self.tape.entry(index)) {
            state.drifts.push(Drift::Asked { answer: entry.id(), differences });
        }
    }

    /// What differed since it was last asked for.
    pub(super) fn take_drifts(&self) -> Vec<Drift> {
        std::mem::take(&mut lock(&self.state).drifts)
    }

    /// Returns when nothing more comes before the turn is stopped.
    pub(super) async fn paused(&self) {
        self.paused.notified().await;
    }

    /// Says that nothing more comes of what was stopped.
    pub(super) fn pause(&self) {
        self.paused.notify_one();
    }

    /// The tools of the turn, and a number that is another one whenever they are others.
    pub(super) fn tools(&self) -> (u64, Vec<ToolSpec>) {
        let state = lock(&self.state);
        (state.revision, state.tools.clone())
    }

    /// That number alone.
    pub(super) fn revision(&self) -> u64 {
        lock(&self.state).revision
    }

    /// What came of a call of the round that was asked last.
    pub(super) fn outcome(&self, call: &CallId) -> Option<Outcome> {
        self.in_round(|round| round.outcomes.get(call).cloned()).flatten()
    }

    /// Whether a call of that round may run.
    pub(super) fn judge(&self, call: &ToolCall) -> Policy {
        let judge = |round: &Round| match round.outcomes.get(&call.id) {
            _ if round.asked.contains(&call.id) => Policy::Ask,
            Some(Outcome::Denied(reason)) => Policy::Deny(reason.clone()),
            _ => Policy::Allow,
        };
        self.in_round(judge).unwrap_or_default()
    }

    /// The ops that answered for calls of that round that a person was asked about.
    pub(super) fn approvals(&self) -> Vec<Op> {
        self.in_round(|round| round.approvals.clone()).unwrap_or_default()
    }

    /// What was said while the calls of that round ran.
    pub(super) fn heard(&self) -> Vec<Draft> {
        self.in_round(|round| round.heard.iter().map(draft_of).collect()).unwrap_or_default()
    }

    fn in_round<T>(&self, read: impl FnOnce(&Round) -> T) -> Option<T> {
        let state = lock(&self.state);
        state.rounds.get(state.asked.checked_sub(1)?).map(read)
    }

    /// Takes the call that is asked next, and compares it with `request`.
    fn take(&self, request: &ModelRequest) -> Result<Option<usize>, ProviderError> {
        let mut state = lock(&self.state);
        let refuse = |drift: &Drift| ProviderError::InvalidRequest {
            status: None,
            detail: drift.to_string(),
        };
        let Some(next) = state.rounds.get(state.asked).map(|round| round.call) else {
            let last = state.last.and_then(|index| self.tape.entry(index));
            let drift = Drift::Unlogged { after: last.map(Entry::id) };
            let refusal = refuse(&drift);
            state.drifts.push(drift);
            return Err(refusal);
        };
        state.asked += 1;
        let Some((index, entry)) = next.and_then(|index| Some((index, self.tape.entry(index)?)))
        else {
            return Ok(None);
        };
        state.last = Some(index);
        let differences = self.tape.differences(index, request);
        if differences.is_empty() {
            return Ok(Some(index));
        }
        let drift = Drift::Asked { answer: entry.id(), differences };
        let refusal = refuse(&drift);
        state.drifts.push(drift);
        if self.mode == Mode::Strict { Err(refusal) } else { Ok(Some(index)) }
    }
}

#[async_trait]
impl Provider for Prompter {
    fn render(&self, request: &ModelRequest) -> Result<RenderedRequest, ProviderError> {
        let next = {
            let state = lock(&self.state);
            state.rounds.get(state.asked).and_then(|round| round.call)
        };
        let Some(entry) = next.and_then(|index| self.tape.entry(index)) else {
            return self.tape.render(request);
        };
        // What a provider caches depends on the branches that there were.
        self.tape.render(&request.clone().with_cache(entry.request().cache))
    }

    async fn send(
        &self,
        request: &ModelRequest,
        _rendered: RenderedRequest,
    ) -> Result<EventStream, ProviderError> {
        let paused = Arc::clone(&self.paused);
        let paused = move || paused.notify_one();
        match self.take(request)? {
            Some(index) => self.tape.play(index, paused),
            None => Ok(wait(paused)),
        }
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, ProviderError> {
        Ok(models(&self.tape))
    }
}
