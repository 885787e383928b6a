//! The calls of a session, as they can be played again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use branchwork_core::{
    call::CallRecord,
    graph::View,
    id::{BranchId, MessageId},
    message::Message,
    provider::{EventStream, ModelRequest, Provider, ProviderError, RenderedRequest},
    store::{StoreError, read},
};
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use serde_json::json;

use super::{
    difference::{self, Difference},
    said::{End, said},
    siblings::{Siblings, siblings},
};
use crate::{branch::Branch, chat::hash, error::Result, session::Session, usage::request_of};

/// What was asked of models and what they answered, in the order in which it was logged.
///
/// It is read once and holds what it needs: the session may change or go. What was asked is put in the
/// words of the providers that are registered with the engine; their keys are not needed.
#[derive(Debug, Clone)]
pub struct Tape {
    entries: Arc<Vec<Entry>>,
    by_answer: Arc<BTreeMap<MessageId, usize>>,
    /// The calls that gave other answers than those that are logged with them.
    by_sibling: Arc<BTreeMap<MessageId, usize>>,
    providers: BTreeMap<String, Arc<dyn Provider>>,
}

/// A call of the log.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) record: CallRecord,
    /// Its answer, as it was first kept.
    answer: Arc<Message>,
    /// The other answers, when several were asked for and are kept.
    siblings: Vec<Arc<Message>>,
    /// The branch as it was when it was asked.
    view: View,
    /// Whether what is stored of it still makes the bytes that were sent, once that was looked at.
    is_as_sent: OnceLock<bool>,
}

impl Entry {
    /// The answer, by which it is known.
    pub(super) const fn id(&self) -> MessageId {
        self.record.answer
    }

    /// What was asked.
    pub(super) fn request(&self) -> ModelRequest {
        request_of(&self.view, &self.record.call.request)
    }
}

impl Session {
    /// The calls of models of this session, all branches together, for replaying them offline.
    ///
    /// Reads the log and the history of each call once.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store).
    pub async fn tape(&self) -> Result<Tape> {
        let calls = self.calls().await?;
        let siblings = siblings(self, &calls).await?;
        Tape::read(self, calls, siblings).await
    }
}

impl Branch {
    /// The calls of models that gave answers on the way of this branch, in its order: also those that other
    /// branches made before it was forked.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store).
    pub async fn tape(&self) -> Result<Tape> {
        let record = self.engine().store().session(self.session_id()).await?;
        let session = Session::new(self.engine().clone(), &record);
        let view = self.view().await?;
        let calls = session.calls().await?;
        let siblings = siblings(&session, &calls).await?;
        let depth_of = |answer: MessageId| view.lineage().depth_of(answer.op());
        let placed = |call: CallRecord| {
            let others = siblings.get(&call.answer).into_iter().flatten();
            let mut answers = std::iter::once(call.answer).chain(others.map(|other| other.id));
            Some((answers.find_map(depth_of)?, call))
        };
        let mut calls: Vec<_> = calls.into_iter().filter_map(placed).collect();
        calls.sort_by_key(|(depth, _)| *depth);
        Tape::read(&session, calls.into_iter().map(|(_, call)| call).collect(), siblings).await
    }
}

impl Tape {
    async fn read(
        session: &Session,
        calls: Vec<CallRecord>,
        mut siblings: Siblings,
    ) -> Result<Self> {
        let store = session.engine().store();
        let mut entries = Vec::with_capacity(calls.len());
        let mut known = Known::default();
        // The longest views come first: the others are cut from them.
        for record in calls.into_iter().rev() {
            let (answer, near) = (record.answer, known.near(&record));
            let view = read::follow(store, session.id(), near, Some(answer.op())).await?;
            known.keep(&record, &view);
            let lacks = || StoreError::corrupt("the history of a call of a model is not whole");
            let message = view.message(answer).map(Arc::clone).ok_or_else(lacks)?;
            let view = view.at(record.call.request.head).map_err(|_elsewhere| lacks())?;
            let siblings = siblings.remove(&answer).unwrap_or_default();
            let is_as_sent = OnceLock::new();
            entries.push(Entry { record, answer: message, siblings, view, is_as_sent });
        }
        entries.reverse();
        Ok(Self::of(session, entries))
    }

    fn of(session: &Session, entries: Vec<Entry>) -> Self {
        let by_answer = entries.iter().enumerate().map(|(index, entry)| (entry.id(), index));
        let by_answer = Arc::new(by_answer.collect());
        let by_sibling = entries.iter().enumerate().flat_map(|(index, entry)| {
            entry.siblings.iter().map(move |sibling| (sibling.id, index))
        });
        let by_sibling = Arc::new(by_sibling.collect());
        let names: BTreeSet<&String> =
            entries.iter().map(|entry| &entry.record.call.request.provider).collect();
        let registered =
            |name: &String| Some((name.clone(), session.engine().provider(name).ok()?));
        let providers = names.into_iter().filter_map(registered).collect();
        Self { entries: Arc::new(entries), by_answer, by_sibling, providers }
    }

    /// How many calls are on it.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The names under which providers were asked: what a program that is replayed registers.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        let names = self.entries.iter().map(|entry| entry.record.call.request.provider.as_str());
        names.collect::<BTreeSet<_>>().into_iter()
    }

    /// The models that were asked for.
    pub(super) fn models(&self) -> BTreeSet<&str> {
        self.entries.iter().map(|entry| entry.record.call.request.model.as_str()).collect()
    }

    pub(super) fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter()
    }

    pub(super) fn entry(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// The call that `answer` answered.
    pub(super) fn index_of(&self, answer: MessageId) -> Option<usize> {
        self.by_answer.get(&answer).copied()
    }

    /// The call that gave `answer` beside the one that went on.
    pub(super) fn index_of_sibling(&self, answer: MessageId) -> Option<usize> {
        self.by_sibling.get(&answer).copied()
    }

    /// Puts a request in the words of its provider, when that is registered; else in plain ones.
    pub(super) fn render(&self, request: &ModelRequest) -> Result<RenderedRequest, ProviderError> {
        let name = request.config.provider.as_deref().unwrap_or_default();
        match self.providers.get(name) {
            Some(provider) => provider.render(request),
            None => Ok(plain(request)),
        }
    }

    /// What `asked` differs in from the call at `index`; nothing when it is what was sent.
    pub(super) fn differences(&self, index: usize, asked: &ModelRequest) -> Vec<Difference> {
        let Some(entry) = self.entry(index) else { return Vec::new() };
        let logged = entry.request();
        // What a provider caches is no part of what is asked.
        let asked = asked.clone().with_cache(logged.cache.clone());
        let kept = &entry.record.call.request;
        let is_known = self.providers.contains_key(&kept.provider);
        let is_sent = || self.render(&asked).is_ok_and(|rendered| hash(&rendered) == kept.hash);
        if is_known && is_sent() {
            return Vec::new();
        }
        let differences = difference::differences(&logged, &asked);
        if differences.is_empty() && is_known {
            return vec![self.words(index)];
        }
        differences
    }

    /// That the call at `index` was sent in other words, and how much of it is known to be as it was.
    pub(super) fn words(&self, index: usize) -> Difference {
        let logged = self.entry(index).map(Entry::request);
        let shared_with = |entry: &Entry| {
            let (earlier, logged) = (entry.request(), logged.as_ref()?);
            let shared = difference::shared(&earlier, logged);
            (shared == earlier.messages.len() && self.is_as_sent(entry)).then_some(shared)
        };
        let earlier = self.entries().take(index).rev();
        Difference::Words { known: earlier.filter_map(shared_with).max().unwrap_or_default() }
    }

    /// Whether what is stored of a call makes the bytes that were sent.
    fn is_as_sent(&self, entry: &Entry) -> bool {
        let kept = &entry.record.call.request;
        let look = || self.render(&entry.request()).is_ok_and(|sent| hash(&sent) == kept.hash);
        self.providers.contains_key(&kept.provider) && *entry.is_as_sent.get_or_init(look)
    }

    /// What the call at `index` said, and how it ended. One that was stopped says no more, and calls
    /// `stopped`.
    pub(super) fn play(
        &self,
        index: usize,
        stopped: impl FnOnce() + Send + 'static,
    ) -> Result<EventStream, ProviderError> {
        let Some(entry) = self.entry(index) else { return Ok(Box::pin(wait(stopped))) };
        let said = said(&entry.answer, &entry.siblings, &entry.record.call);
        if let End::Failed(error) = said.end {
            if said.events.is_empty() {
                return Err(error);
            }
            let events = said.events.into_iter().map(Ok).chain([Err(error)]);
            return Ok(Box::pin(stream::iter(events)));
        }
        let is_stopped = matches!(said.end, End::Stopped);
        let events = stream::iter(said.events.into_iter().map(Ok));
        if is_stopped { Ok(Box::pin(events.chain(wait(stopped)))) } else { Ok(Box::pin(events)) }
    }
}

/// Views that were read, so that what calls share is read once.
#[derive(Debug, Default)]
struct Known {
    of_branches: BTreeMap<BranchId, View>,
    last: View,
}

impl Known {
    /// The view that has most in common with the one that `call` is in.
    fn near(&self, call: &CallRecord) -> &View {
        self.of_branches.get(&call.branch).unwrap_or(&self.last)
    }

    fn keep(&mut self, call: &CallRecord, view: &View) {
        let known = self.of_branches.get(&call.branch);
        if known.is_none_or(|known| known.at(view.head()).is_err()) {
            self.of_branches.insert(call.branch, view.clone());
            self.last.clone_from(view);
        }
    }
}

/// Tells that nothing more comes, and waits for whoever asked to stop.
pub(super) fn wait<T: Send + 'static>(
    stopped: impl FnOnce() + Send + 'static,
) -> BoxStream<'static, T> {
    let waiting = async move {
        stopped();
        std::future::pending().await
    };
    stream::once(waiting).boxed()
}

/// A request in words that no server knows: for a provider that is not registered.
fn plain(request: &ModelRequest) -> RenderedRequest {
    let messages = request.messages.iter().map(|message| {
        json!({ "role": message.role().as_str(), "sender": message.sender, "text": message.text() })
    });
    let tools = request.tools.iter().map(|tool| &tool.name);
    let body = json!({
        "config": request.config.settings(),
        "tools": tools.collect::<Vec<_>>(),
        "messages": messages.collect::<Vec<_>>(),
    });
    let (url, body) = ("replay:".to_owned(), body.to_string());
    RenderedRequest { url, body: body.into(), ..RenderedRequest::default() }
}
