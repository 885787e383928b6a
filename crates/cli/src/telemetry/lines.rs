//! Spans and events as lines on standard error.

use std::{fmt, time::Instant};

use branchwork::telemetry::names::attribute;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use crate::output;

/// Letters of a value that are shown.
const VALUE_CHARS_MAX: usize = 1_000;

/// Tells of spans when they end, and of events when they come, each in a line.
#[derive(Debug)]
pub(super) struct Lines;

/// What a span says so far.
struct Said {
    begun: Instant,
    /// Its name, when that is another one than `tracing` has.
    title: Option<String>,
    fields: Vec<(&'static str, String)>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut said = Said { begun: now(), title: None, fields: Vec::new() };
        attributes.record(&mut said);
        span.extensions_mut().insert(said);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(said) = span.extensions_mut().get_mut::<Said>() {
            values.record(said);
        }
    }

    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut said = Said { begun: now(), title: None, fields: Vec::new() };
        event.record(&mut said);
        let metadata = event.metadata();
        // Events without a name of their own are called after their place.
        let has_name = !metadata.name().starts_with("event ");
        let name = if has_name { metadata.name() } else { metadata.target() };
        output::complain(&format!("{} {name}{}", level(*metadata.level()), said.fields()));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(said) = span.extensions_mut().remove::<Said>() else { return };
        let took = now().saturating_duration_since(said.begun).as_secs_f64();
        let title = said.title.as_deref().unwrap_or(span.name());
        let level = level(*span.metadata().level());
        output::complain(&format!("{level} {title} {took:.3} s{}", said.fields()));
    }
}

impl Said {
    fn fields(&self) -> String {
        self.fields
            .iter()
            .fold(String::new(), |line, (name, value)| line + " " + name + "=" + value)
    }

    /// The last word counts.
    fn say(&mut self, field: &Field, value: &str) {
        match field.name() {
            attribute::OTEL_NAME => self.title = Some(output::one_line(value)),
            attribute::OTEL_KIND | attribute::OTEL_STATUS_CODE => {}
            name => {
                let mut value = output::one_line(value);
                if let Some((end, _)) = value.char_indices().nth(VALUE_CHARS_MAX) {
                    value.truncate(end);
                    value.push('…');
                }
                self.fields.retain(|(known, _)| *known != name);
                self.fields.push((name, value));
            }
        }
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.say(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.say(field, &format!("{value:?}"));
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn ",
        Level::INFO => "info ",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// A moment, to measure from and to.
#[expect(clippy::disallowed_methods, reason = "how long something took is told to a person")]
fn now() -> Instant {
    Instant::now()
}
