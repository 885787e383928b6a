//! What branchwork tells observers, as OpenTelemetry spans and metrics, sent as OTLP over HTTP.
//!
//! The engine makes spans of `tracing`, see [`branchwork::telemetry`]. [`Otel`] subscribes to them:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use branchwork::Engine;
//! use branchwork_otel::{Otel, OtlpOptions};
//! use tracing_subscriber::layer::SubscriberExt as _;
//!
//! let otel = Otel::otlp(&OtlpOptions::new().with_endpoint("http://127.0.0.1:4318"))?;
//! let subscriber = tracing_subscriber::registry().with(otel.layer());
//! tracing::subscriber::set_global_default(subscriber)?;
//! let engine = Engine::builder().telemetry(otel.telemetry()).build();
//! // … and before the program ends:
//! engine.close().await?;
//! otel.close()?;
//! # Ok(()) }
//! ```
//!
//! A program that exports spans of its own takes the parts it needs instead:
//!
//! | item | is |
//! |---|---|
//! | [`MetricsLayer`] | makes metrics of spans |
//! | [`ShapedExporter`] | gives spans what `tracing` cannot say: links of forks, arrays |
//! | [`traceparent`] | what [`Telemetry::with_traceparent`](branchwork::telemetry::Telemetry::with_traceparent) wants |
//!
//! Versions of OpenTelemetry do not mix: this is 0.33, with `tracing-opentelemetry` 0.34.

mod client;
mod error;
mod metrics;
mod otlp;
mod shape;
mod traceparent;

pub use self::{
    error::OtelError,
    metrics::MetricsLayer,
    otlp::{Otel, OtlpOptions},
    shape::ShapedExporter,
    traceparent::traceparent,
};

/// The blocks of the guide, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/telemetry.md")]
struct Guide;
