//! The provider that answers from a tape.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Mutex,
};

use async_trait::async_trait;
use branchwork_core::{
    call::RequestHash,
    id::BranchId,
    provider::{EventStream, ModelInfo, ModelRequest, Provider, ProviderError, RenderedRequest},
};

use super::{
    difference,
    drift::{Drift, Mode},
    tape::{Entry, Tape},
};
use crate::{chat::hash, engine::lock};

/// Answers requests as they were answered when they were logged: text, thoughts, blocks of the provider,
/// calls of tools, tokens. Nothing is sent.
///
/// Register it under each of the [names](Tape::providers) that were asked, and run the program that had the
/// conversation. A request is known by the bytes that were sent; where the provider is not registered with
/// the engine that the tape was read with, by what it says. Of several that are the same, each is answered
/// once, in the order in which they were logged. Calls that failed fail again. One that was stopped says
/// what had come, and then nothing more: whoever stopped it then is to stop it now.
///
/// Log probabilities are not kept, and do not come.
#[derive(Debug)]
pub struct ReplayProvider {
    tape: Tape,
    mode: Mode,
    /// The calls of each request, in their order.
    by_hash: HashMap<RequestHash, Vec<usize>>,
    /// The call before each on its branch.
    before: Vec<Option<usize>>,
    // A std mutex: held to find an answer, never across an await.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The calls that were answered.
    played: Vec<bool>,
    /// The one that was answered last.
    last: Option<usize>,
    drifts: Vec<Drift>,
}

/// A call that answers a request, and in what that differs.
type Found = (Option<usize>, Option<Drift>);

impl Tape {
    /// A provider that answers just what was logged, and refuses everything else with an error that says
    /// what differs first.
    pub fn strict(self) -> ReplayProvider {
        ReplayProvider::new(self, Mode::Strict)
    }

    /// A provider that answers with what is nearest, and [keeps](ReplayProvider::drifts) what differed.
    pub fn drifting(self) -> ReplayProvider {
        ReplayProvider::new(self, Mode::Drift)
    }
}

impl ReplayProvider {
    fn new(tape: Tape, mode: Mode) -> Self {
        let mut by_hash: HashMap<_, Vec<usize>> = HashMap::new();
        let mut last: BTreeMap<BranchId, usize> = BTreeMap::new();
        let mut before = Vec::with_capacity(tape.len());
        for (index, entry) in tape.entries().enumerate() {
            by_hash.entry(entry.record.call.request.hash).or_default().push(index);
            before.push(last.insert(entry.record.branch, index));
        }
        let state = State { played: vec![false; tape.len()], last: None, drifts: Vec::new() };
        Self { tape, mode, by_hash, before, state: Mutex::new(state) }
    }

    /// What differed so far, in the order in which it was asked; of a strict one, what was refused.
    pub fn drifts(&self) -> Vec<Drift> {
        lock(&self.state).drifts.clone()
    }

    /// The calls that were logged and not asked so far.
    pub fn unasked(&self) -> Vec<Drift> {
        let state = lock(&self.state);
        let unasked = self.tape.entries().zip(&state.played).filter(|(_, played)| !**played);
        unasked.map(|(entry, _)| Drift::Unasked { answer: entry.id() }).collect()
    }

    /// Takes the call that answers `request`.
    fn take(&self, request: &ModelRequest, hash: RequestHash) -> Result<usize, ProviderError> {
        let mut state = lock(&self.state);
        let (found, drift) = self.find(request, hash, &state);
        let refusal = match (&drift, found, self.mode) {
            (Some(drift), _, Mode::Strict) | (Some(drift), None, Mode::Drift) => {
                Some(drift.to_string())
            }
            _ => None,
        };
        state.drifts.extend(drift);
        match (found, refusal) {
            (Some(index), None) => {
                state.last = Some(index);
                if let Some(played) = state.played.get_mut(index) {
                    *played = true;
                }
                Ok(index)
            }
            (_, refusal) => Err(ProviderError::InvalidRequest {
                status: None,
                detail: refusal.unwrap_or_default(),
            }),
        }
    }

    fn find(&self, request: &ModelRequest, hash: RequestHash, state: &State) -> Found {
        let same = self.same(request, hash);
        let is_free = |index: &&usize| state.played.get(**index) == Some(&false);
        let before = |index: usize| self.before.get(index).copied().flatten();
        let is_next = |index: &&usize| before(**index).is_none_or(|one| is_played(state, one));
        if let Some(index) = same.iter().filter(is_free).find(is_next) {
            return (Some(*index), None);
        }
        if let Some(index) = same.iter().find(is_free) {
            let pair =
                (self.tape.entry(*index), before(*index).and_then(|one| self.tape.entry(one)));
            let (Some(entry), Some(before)) = pair else { return (Some(*index), None) };
            let drift = Drift::OutOfOrder { answer: entry.id(), before: before.id() };
            return (Some(*index), Some(drift));
        }
        if let Some((index, entry)) =
            same.last().and_then(|index| Some((*index, self.tape.entry(*index)?)))
        {
            return (Some(index), Some(Drift::Repeated { answer: entry.id() }));
        }
        let Some((index, entry)) = self.nearest(request, state) else {
            let last = state.last.and_then(|index| self.tape.entry(index));
            return (None, Some(Drift::Unlogged { after: last.map(Entry::id) }));
        };
        let mut differences = self.tape.differences(index, request);
        if differences.is_empty() {
            differences.push(self.tape.words(index));
        }
        (Some(index), Some(Drift::Asked { answer: entry.id(), differences }))
    }

    /// The calls that asked what `request` asks, in their order.
    fn same(&self, request: &ModelRequest, hash: RequestHash) -> Vec<usize> {
        if let Some(indices) = self.by_hash.get(&hash) {
            return indices.clone();
        }
        let is_same = |index: &usize| {
            let logged = self.tape.entry(*index).map(Entry::request);
            logged.is_some_and(|logged| difference::is_same(&logged, request))
                && self.tape.differences(*index, request).is_empty()
        };
        (0..self.tape.len()).filter(is_same).collect()
    }

    /// The call that is nearest to `request` of those that were not answered: the one of the branch and the
    /// turn that it has most in common with.
    fn nearest(&self, request: &ModelRequest, state: &State) -> Option<(usize, &Entry)> {
        let free = self.tape.entries().enumerate().filter(|(index, _)| !is_played(state, *index));
        let nearness = |(index, entry): &(usize, &Entry)| {
            let logged = entry.request();
            let shared = difference::shared(&logged, request);
            let apart = logged.messages.len().abs_diff(request.messages.len());
            (std::cmp::Reverse(shared), apart, *index)
        };
        free.min_by_key(nearness)
    }
}

fn is_played(state: &State, index: usize) -> bool {
    state.played.get(index) == Some(&true)
}

#[async_trait]
impl Provider for ReplayProvider {
    fn render(&self, request: &ModelRequest) -> Result<RenderedRequest, ProviderError> {
        self.tape.render(request)
    }

    async fn send(
        &self,
        request: &ModelRequest,
        rendered: RenderedRequest,
    ) -> Result<EventStream, ProviderError> {
        let index = self.take(request, hash(&rendered))?;
        self.tape.play(index, || ())
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, ProviderError> {
        Ok(models(&self.tape))
    }
}

/// The models that were asked for.
pub(super) fn models(tape: &Tape) -> Vec<ModelInfo> {
    let model = |id: &str| ModelInfo { id: id.to_owned(), owner: None, context_tokens: None };
    tape.models().into_iter().map(model).collect()
}
