//! What `tracing` cannot say of a span.

use std::{collections::BTreeSet, time::Duration};

use branchwork::telemetry::names::attribute;
use opentelemetry::{Array, KeyValue, StringValue, Value, trace::Link};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};

use crate::traceparent::parse;

/// Attributes that are arrays of strings, and JSON in `tracing`.
const ARRAYS: [&str; 2] = [attribute::RESPONSE_FINISH_REASONS, attribute::REQUEST_STOP_SEQUENCES];

/// What `tracing-opentelemetry` adds to events.
const ADDED: [&str; 2] = ["level", "target"];

/// What begins the names of our events.
const EVENT: &str = "branchwork.";

/// An exporter behind which spans of branchwork have links and arrays, each attribute once, and events that say
/// what they were told to. Other spans pass it as they are.
#[derive(Debug)]
pub struct ShapedExporter<E> {
    exporter: E,
}

impl<E> ShapedExporter<E> {
    /// Gives `exporter` what it exports.
    pub const fn new(exporter: E) -> Self {
        Self { exporter }
    }
}

impl<E: SpanExporter> SpanExporter for ShapedExporter<E> {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        self.exporter.export(batch.into_iter().map(shaped).collect())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.exporter.shutdown()
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

fn shaped(mut span: SpanData) -> SpanData {
    let attributes = std::mem::take(&mut span.attributes);
    let mut known = BTreeSet::new();
    // What was said last of a name counts.
    let last = attributes.into_iter().rev().filter(|one| known.insert(one.key.clone()));
    let mut kept: Vec<KeyValue> = Vec::new();
    for KeyValue { key, value, .. } in last {
        if key.as_str() == attribute::TURN_LINK {
            let context = parse(&value.as_str());
            span.links.links.extend(context.map(Link::with_context));
        } else if ARRAYS.contains(&key.as_str()) {
            kept.push(KeyValue::new(key, array(value)));
        } else {
            kept.push(KeyValue::new(key, value));
        }
    }
    kept.reverse();
    span.attributes = kept;
    for event in span.events.events.iter_mut().filter(|event| event.name.starts_with(EVENT)) {
        event.attributes.retain(|one| !ADDED.contains(&one.key.as_str()));
    }
    span
}

/// The array that `value` is as JSON; what is none stays as it is.
fn array(value: Value) -> Value {
    match serde_json::from_str::<Vec<String>>(&value.as_str()) {
        Ok(texts) => {
            Value::Array(Array::String(texts.into_iter().map(StringValue::from).collect()))
        }
        Err(_no_array) => value,
    }
}
