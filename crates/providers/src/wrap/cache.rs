//! Answers that are given again to the same request.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use async_trait::async_trait;
use branchwork_core::provider::{
    CacheHints, EventStream, Finish, ModelInfo, ModelRequest, Provider, ProviderError,
    ProviderEvent, RenderedRequest, Usage,
};
use futures_util::{Stream, stream};
use tokio::time::Instant;

use super::shelf::{Key, Shelf, bytes_of};

/// Answers that are kept.
const ENTRIES_MAX: usize = 1_000;

/// Bytes of all of them: what a program can spare without noticing.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// How many answers a [`Cache`] keeps, and how long.
#[derive(Debug, Clone, Copy)]
pub struct CacheOptions {
    entries: usize,
    bytes: usize,
    time: Option<Duration>,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self { entries: ENTRIES_MAX, bytes: BYTES_MAX, time: None }
    }
}

impl CacheOptions {
    /// 1 000 answers at most, of 64 MiB together, as long as there is room.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps `count` answers at most.
    #[must_use]
    pub const fn with_entries_max(mut self, count: usize) -> Self {
        self.entries = count;
        self
    }

    /// Keeps `bytes` of answers at most, as they are in memory. A longer answer is not kept.
    #[must_use]
    pub const fn with_bytes_max(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Keeps an answer for `time` at most.
    #[must_use]
    pub const fn with_time_max(mut self, time: Duration) -> Self {
        self.time = Some(time);
        self
    }
}

/// Gives the answer to a request again when the same one comes: to the byte but for what is said to the server's
/// own cache, and for the same address.
///
/// Kept in memory, by hash. Only whole answers that ended well are: the model was done, or calls tools; of
/// several to one request, all of them. The one that was not wanted for longest makes way for new ones. An answer
/// belongs to what the provider was set up with, its key included: a cache serves one provider, and whoever shares
/// that.
///
/// What is given again costs nothing, so its [`Usage`] says 0 tokens read and 0 written, which no call that
/// was made ever has: that is the mark of it. Its events are else as they came, the server's
/// identifier of the answer included; they come at once.
///
/// Requests that are made while the first of them is not answered yet are all made. Who asks the same
/// question several times for different answers, as tournaments do, has no use for a cache.
///
/// # Cancel safety
///
/// As for every provider. An answer that is dropped before its end is not kept.
#[derive(Debug)]
pub struct Cache {
    inner: Arc<dyn Provider>,
    shelf: Arc<Mutex<Shelf>>,
    bytes_max: usize,
}

impl Cache {
    /// Keeps answers of `inner`.
    pub fn new(inner: Arc<dyn Provider>, options: CacheOptions) -> Self {
        let CacheOptions { entries, bytes, time } = options;
        let shelf = Arc::new(Mutex::new(Shelf::new(entries, bytes, time)));
        Self { inner, shelf, bytes_max: bytes }
    }

    /// What says to a server with a cache of its own where to look differs between branches that ask the same.
    fn key(
        &self,
        request: &ModelRequest,
        rendered: &RenderedRequest,
    ) -> Result<Key, ProviderError> {
        if request.cache == CacheHints::default() {
            return Ok(Key::of(rendered));
        }
        let without = request.clone().with_cache(CacheHints::default());
        Ok(Key::of(&self.inner.render(&without)?))
    }

    /// How many answers are kept.
    pub fn entries(&self) -> usize {
        lock(&self.shelf).size().0
    }

    /// How many bytes they have, about.
    pub fn bytes(&self) -> usize {
        lock(&self.shelf).size().1
    }
}

fn lock(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    // A std mutex: a section is a search in a tree, and no await is in any.
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Provider for Cache {
    fn render(&self, request: &ModelRequest) -> Result<RenderedRequest, ProviderError> {
        self.inner.render(request)
    }

    async fn send(
        &self,
        request: &ModelRequest,
        rendered: RenderedRequest,
    ) -> Result<EventStream, ProviderError> {
        let key = self.key(request, &rendered)?;
        let found = lock(&self.shelf).find(key, Instant::now());
        if let Some(events) = found {
            return Ok(again(&events));
        }
        let events = self.inner.send(request, rendered).await?;
        let shelf = Arc::clone(&self.shelf);
        let recording = Recording { shelf, key, bytes_max: self.bytes_max, said: Said::default() };
        Ok(Box::pin(Recorded { events, recording: Some(recording) }))
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, ProviderError> {
        self.inner.models().await
    }
}

/// An answer that is given again. The last event is its end.
fn again(events: &[ProviderEvent]) -> EventStream {
    let nothing = Usage { input_tokens: Some(0), output_tokens: Some(0), ..Usage::default() };
    let mut events: VecDeque<ProviderEvent> = events.iter().cloned().collect();
    let end = events.pop_back();
    events.push_back(ProviderEvent::Usage(nothing));
    events.extend(end);
    Box::pin(stream::iter(events.into_iter().map(Ok)))
}

/// An answer that is recorded while it is read.
struct Recorded {
    events: EventStream,
    /// `None` once it is kept, or will not be.
    recording: Option<Recording>,
}

struct Recording {
    shelf: Arc<Mutex<Shelf>>,
    key: Key,
    bytes_max: usize,
    said: Said,
}

/// What was said so far that counts.
#[derive(Default)]
struct Said {
    events: Vec<ProviderEvent>,
    bytes: usize,
    /// Whether one of the other answers did not end well.
    is_spoilt: bool,
}

impl Recorded {
    fn hear(&mut self, event: &ProviderEvent) {
        let Some(recording) = &mut self.recording else { return };
        match event {
            // What it cost then, it does not cost again.
            ProviderEvent::Usage(_) => return,
            ProviderEvent::Retried(_) => {
                recording.said = Said::default();
                return;
            }
            event => recording.said.push(event),
        }
        let Said { bytes, is_spoilt, .. } = recording.said;
        if let ProviderEvent::Finished(finish) = event {
            self.end(ends_well(finish) && !is_spoilt);
        } else if bytes > recording.bytes_max {
            self.end(false);
        }
    }

    /// Records no more; keeps what there is when it is `good`.
    fn end(&mut self, good: bool) {
        if let Some(Recording { shelf, key, said, .. }) = self.recording.take()
            && good
        {
            lock(&shelf).keep(key, said.events, said.bytes);
        }
    }
}

impl Said {
    fn push(&mut self, event: &ProviderEvent) {
        if let ProviderEvent::Sibling { event, .. } = event
            && let ProviderEvent::Finished(finish) = &**event
        {
            self.is_spoilt |= !ends_well(finish);
        }
        self.bytes += bytes_of(event);
        self.events.push(event.clone());
    }
}

const fn ends_well(finish: &Finish) -> bool {
    matches!(finish, Finish::Stop | Finish::ToolCalls)
}

impl Stream for Recorded {
    type Item = Result<ProviderEvent, ProviderError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = ready!(self.events.as_mut().poll_next(context));
        match &event {
            Some(Ok(event)) => self.hear(event),
            Some(Err(_)) | None => self.recording = None,
        }
        Poll::Ready(event)
    }
}
