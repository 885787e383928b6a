//! What observers are told while a test runs.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::DefaultGuard,
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
};

/// The spans of this thread, from when it is made until it is dropped.
#[derive(Debug)]
#[must_use = "spans are seen while it lives"]
pub struct Spans {
    seen: Seen,
    #[expect(dead_code, reason = "it is held, not used")]
    watching: DefaultGuard,
}

/// A span, as far as it was told of.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenSpan {
    /// Its name in `tracing`.
    pub name: &'static str,
    /// Where it was made.
    pub target: &'static str,
    /// The one it is in, by its place among all.
    pub parent: Option<usize>,
    /// The names of what it may say.
    pub declared: Vec<&'static str>,
    /// What it says.
    pub fields: BTreeMap<&'static str, Value>,
    /// What happened in it.
    pub events: Vec<SeenEvent>,
    /// Whether it ended.
    pub is_closed: bool,
}

/// What happened in a span.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenEvent {
    /// Its name.
    pub name: &'static str,
    /// Where it was made.
    pub target: &'static str,
    /// The names of what it may say.
    pub declared: Vec<&'static str>,
    /// What it says.
    pub fields: BTreeMap<&'static str, Value>,
}

#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<Vec<(Id, SeenSpan)>>>);

impl Spans {
    /// Begins to look at spans of this level, and of those above it.
    pub fn at(level: Level) -> Self {
        let seen = Seen::default();
        let layer = seen.clone().with_filter(LevelFilter::from_level(level));
        let watching = tracing::subscriber::set_default(Registry::default().with(layer));
        Self { seen, watching }
    }

    /// Begins to look at the spans that are told of by default.
    pub fn watch() -> Self {
        Self::at(Level::INFO)
    }

    /// All that were seen, in the order in which they began.
    pub fn all(&self) -> Vec<SeenSpan> {
        self.seen.lock().iter().map(|(_, span)| span.clone()).collect()
    }

    /// Those of that name, in the order in which they began.
    pub fn named(&self, name: &str) -> Vec<SeenSpan> {
        self.all().into_iter().filter(|span| span.name == name).collect()
    }

    /// The only one of that name.
    ///
    /// # Panics
    ///
    /// When there is none, or there are several.
    #[expect(clippy::panic, reason = "it fails a test")]
    pub fn one(&self, name: &str) -> SeenSpan {
        match <[SeenSpan; 1]>::try_from(self.named(name)) {
            Ok([span]) => span,
            Err(spans) => panic!("there are {} spans `{name}`", spans.len()),
        }
    }

    /// Whether any of them, or any event in them, says `text` anywhere.
    pub fn say(&self, text: &str) -> bool {
        let says = |value: &Value| value.to_string().contains(text);
        self.all().iter().any(|span| {
            let events = span.events.iter().flat_map(|event| event.fields.values());
            span.fields.values().chain(events).any(says)
        })
    }
}

impl SeenSpan {
    /// What it says of `name`; `Value::Null` when that is nothing.
    pub fn get(&self, name: &str) -> Value {
        self.fields.get(name).cloned().unwrap_or_default()
    }

    /// The names of what happened in it.
    pub fn event_names(&self) -> Vec<&'static str> {
        self.events.iter().map(|event| event.name).collect()
    }
}

fn names(metadata: &Metadata<'static>) -> Vec<&'static str> {
    metadata.fields().iter().map(|field| field.name()).collect()
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, Vec<(Id, SeenSpan)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the newest span that has `id`: identifiers are given anew when a span ended.
    fn change(&self, id: &Id, change: impl FnOnce(&mut SeenSpan)) {
        if let Some((_, span)) = self.lock().iter_mut().rev().find(|(seen, _)| seen == id) {
            change(span);
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let parent = context.span(id).and_then(|span| span.parent()).map(|parent| parent.id());
        let metadata = attributes.metadata();
        let mut fields = BTreeMap::new();
        attributes.record(&mut Fields(&mut fields));
        let mut seen = self.lock();
        let place = |parent: &Id| seen.iter().rposition(|(id, _)| id == parent);
        let span = SeenSpan {
            name: metadata.name(),
            target: metadata.target(),
            parent: parent.as_ref().and_then(place),
            declared: names(metadata),
            fields,
            events: Vec::new(),
            is_closed: false,
        };
        seen.push((id.clone(), span));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _context: Context<'_, S>) {
        self.change(id, |span| values.record(&mut Fields(&mut span.fields)));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if let Some(span) = context.event_span(event) {
            let metadata = event.metadata();
            let (name, target) = (metadata.name(), metadata.target());
            let mut fields = BTreeMap::new();
            event.record(&mut Fields(&mut fields));
            let seen = SeenEvent { name, target, declared: names(metadata), fields };
            self.change(&span.id(), |span| span.events.push(seen));
        }
    }

    fn on_close(&self, id: Id, _context: Context<'_, S>) {
        self.change(&id, |span| span.is_closed = true);
    }
}

/// Takes values in as JSON.
struct Fields<'a>(&'a mut BTreeMap<&'static str, Value>);

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        drop(self.0.insert(field.name(), value.into()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        drop(self.0.insert(field.name(), value.into()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        drop(self.0.insert(field.name(), value.into()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        drop(self.0.insert(field.name(), value.into()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        drop(self.0.insert(field.name(), format!("{value:?}").into()));
    }
}
