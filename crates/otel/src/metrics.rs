//! Metrics that are made of spans.

use std::{collections::BTreeMap, fmt, time::Instant};

use branchwork::telemetry::names::{METRICS, Measures, Metric, TOKEN_TYPE, attribute, event};
use opentelemetry::{
    KeyValue, Value,
    metrics::{Histogram, Meter},
};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

/// Makes metrics of the spans of branchwork when they end: histograms, see
/// [`METRICS`](branchwork::telemetry::names::METRICS).
///
/// It needs spans at `info`, and events at `trace` for the time between the pieces of an answer.
#[derive(Debug)]
pub struct MetricsLayer {
    instruments: Vec<(&'static Metric, Instrument)>,
}

/// What a metric is kept in.
#[derive(Debug)]
enum Instrument {
    Tokens(Histogram<u64>),
    Seconds(Histogram<f64>),
}

/// What is known of a span that goes on.
struct Measured {
    begun: Instant,
    chunk: Option<Instant>,
    /// Seconds between pieces of an answer.
    gaps: Vec<f64>,
    told: BTreeMap<&'static str, Value>,
}

impl MetricsLayer {
    /// Keeps metrics in instruments of `meter`.
    pub fn new(meter: &Meter) -> Self {
        let make = |metric: &'static Metric| {
            let (name, unit, is) = (metric.name, metric.unit, metric.is);
            let bounds = metric.boundaries.to_vec();
            let instrument = if metric.measures == Measures::Tokens {
                let tokens = meter.u64_histogram(name).with_unit(unit).with_description(is);
                Instrument::Tokens(tokens.with_boundaries(bounds).build())
            } else {
                let seconds = meter.f64_histogram(name).with_unit(unit).with_description(is);
                Instrument::Seconds(seconds.with_boundaries(bounds).build())
            };
            (metric, instrument)
        };
        Self { instruments: METRICS.iter().map(make).collect() }
    }

    fn record(&self, name: &str, span: &Measured) {
        let took = now().saturating_duration_since(span.begun).as_secs_f64();
        for (metric, instrument) in &self.instruments {
            if !metric.spans.contains(&name) {
                continue;
            }
            match (metric.measures, instrument) {
                (Measures::Duration, Instrument::Seconds(seconds)) => {
                    seconds.record(took, &span.attributes(metric));
                }
                (Measures::Tokens, Instrument::Tokens(tokens)) => {
                    span.record_tokens(tokens, metric);
                }
                (Measures::FirstChunk, Instrument::Seconds(seconds)) => {
                    let attributes = span.attributes(metric);
                    span.first_chunk().iter().for_each(|first| seconds.record(*first, &attributes));
                }
                (Measures::EachChunk, Instrument::Seconds(seconds)) if span.is_streamed() => {
                    let attributes = span.attributes(metric);
                    span.gaps.iter().for_each(|gap| seconds.record(*gap, &attributes));
                }
                _ => {}
            }
        }
    }
}

impl Measured {
    fn begin() -> Self {
        Self { begun: now(), chunk: None, gaps: Vec::new(), told: BTreeMap::new() }
    }

    /// A piece of an answer came; or the call is made anew, and what came before does not count.
    fn hear(&mut self, name: &str) {
        if name == event::RETRY {
            (self.chunk, self.gaps) = (None, Vec::new());
            return;
        }
        let now = now();
        if let Some(before) = self.chunk.replace(now) {
            self.gaps.push(now.saturating_duration_since(before).as_secs_f64());
        }
    }

    fn first_chunk(&self) -> Option<f64> {
        match self.told.get(attribute::RESPONSE_TIME_TO_FIRST_CHUNK) {
            Some(Value::F64(first)) => Some(*first),
            _ => None,
        }
    }

    fn is_streamed(&self) -> bool {
        self.told.get(attribute::REQUEST_STREAM) == Some(&Value::Bool(true))
    }

    /// What values of `metric` have.
    fn attributes(&self, metric: &Metric) -> Vec<KeyValue> {
        let told = metric.attributes.iter().filter_map(|name| self.told.get_key_value(*name));
        told.map(|(name, value)| KeyValue::new(*name, value.clone())).collect()
    }

    fn record_tokens(&self, tokens: &Histogram<u64>, metric: &Metric) {
        for (name, kind) in
            [(attribute::USAGE_INPUT_TOKENS, "input"), (attribute::USAGE_OUTPUT_TOKENS, "output")]
        {
            if let Some(Value::I64(count)) = self.told.get(name)
                && let Ok(count) = u64::try_from(*count)
            {
                let mut attributes = self.attributes(metric);
                attributes.push(KeyValue::new(TOKEN_TYPE, kind));
                tokens.record(count, &attributes);
            }
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for MetricsLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let name = attributes.metadata().name();
        if !METRICS.iter().any(|metric| metric.spans.contains(&name)) {
            return;
        }
        let mut measured = Measured::begin();
        attributes.record(&mut Told(&mut measured.told));
        span.extensions_mut().insert(measured);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(measured) = span.extensions_mut().get_mut::<Measured>() {
            values.record(&mut Told(&mut measured.told));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let name = event.metadata().name();
        if !is_counted(name) {
            return;
        }
        let Some(span) = context.event_span(event) else { return };
        if let Some(measured) = span.extensions_mut().get_mut::<Measured>() {
            measured.hear(name);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let measured = span.extensions_mut().remove::<Measured>();
        if let Some(measured) = measured {
            self.record(span.name(), &measured);
        }
    }
}

/// Whether metrics are made of events of that name.
pub(crate) fn is_counted(name: &str) -> bool {
    name == event::CHUNK || name == event::RETRY
}

/// Takes in what a span says.
struct Told<'a>(&'a mut BTreeMap<&'static str, Value>);

impl Told<'_> {
    fn note(&mut self, field: &Field, value: impl Into<Value>) {
        drop(self.0.insert(field.name(), value.into()));
    }
}

impl Visit for Told<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.note(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.note(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.note(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if needed(field.name()) {
            self.note(field, value.to_owned());
        }
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {
        // Identifiers: no metric has them.
    }
}

/// Whether a text of that name is had by a metric: what was said is long.
fn needed(name: &str) -> bool {
    METRICS.iter().any(|metric| metric.attributes.contains(&name))
}

/// A moment, to measure from and to.
#[expect(
    clippy::disallowed_methods,
    reason = "what it measures is what observers saw, not a test's time"
)]
fn now() -> Instant {
    Instant::now()
}
