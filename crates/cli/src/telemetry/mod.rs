//! What is told of a run: on standard error, and to a collector.
//!
//! - `level` says which spans and events are told of on standard error, `lines` tells of them.
//! - `otlp` sends spans and metrics, when it is built with that.

mod level;
mod lines;
#[cfg(not(feature = "otlp"))]
mod no_otlp;
#[cfg(feature = "otlp")]
mod otlp;

use branchwork::telemetry::Telemetry;
use tracing::Metadata;
use tracing_subscriber::{
    Layer, Registry,
    filter::{FilterExt as _, filter_fn},
    layer::SubscriberExt as _,
};

use self::lines::Lines;
#[cfg(not(feature = "otlp"))]
use self::no_otlp::Export;
#[cfg(feature = "otlp")]
use self::otlp::Export;
use crate::{args::Global, env, exit::Failure};

/// The variable that says whether what was said is told.
const CONTENT: &str = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";

/// The variables that say where to send something.
const ENDPOINTS: [&str; 3] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
];

/// What tells of a run, until it is closed.
#[derive(Debug, Default)]
pub(crate) struct Told {
    has_content: bool,
    export: Option<Export>,
}

type Layers = Vec<Box<dyn Layer<Registry> + Send + Sync>>;

impl Told {
    /// Begins to tell what the options and the environment want told; with it, what a person should know.
    ///
    /// # Errors
    ///
    /// A usage failure when `BRANCHWORK_LOG` cannot be read.
    pub(crate) fn begin(global: &Global) -> Result<(Self, Vec<String>), Failure> {
        let mut notes = Vec::new();
        let mut layers: Layers = Vec::new();
        if let Some(targets) = level::targets(global.verbose, &mut notes)? {
            layers.push(Lines.with_filter(targets.and(filter_fn(is_ours))).boxed());
        }
        let export = Export::begin(&mut notes);
        layers.extend(export.as_ref().map(Export::layer));
        let has_content = has_content(&mut notes);
        if !layers.is_empty() {
            // It is the first: nothing in this process sets another one.
            drop(tracing::subscriber::set_global_default(Registry::default().with(layers)));
        }
        Ok((Self { has_content, export }, notes))
    }

    /// What an engine is to tell.
    pub(crate) fn telemetry(&self) -> Telemetry {
        let telemetry = self.export.as_ref().map_or_else(Telemetry::new, Export::telemetry);
        if self.has_content { telemetry.with_content() } else { telemetry }
    }

    /// Sends what waits; answers what a person should know of that. Spans that end later are lost.
    pub(crate) fn close(&mut self) -> Option<String> {
        self.export.take().and_then(Export::close)
    }
}

/// Whether we tell it ourselves. What we depend on tells of whatever a server says, keys included.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with(level::TARGET)
}

/// Whether what was said is told. The values are those that OpenTelemetry instrumentations share.
fn has_content(notes: &mut Vec<String>) -> bool {
    let Some(value) = env::text(CONTENT) else { return false };
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "span_only" | "span_and_event" => true,
        "false" | "0" | "no_content" => false,
        _ => {
            notes.push(format!(
                "{CONTENT} is `{value}`, not `true` or `false`: what is said is not told"
            ));
            false
        }
    }
}
