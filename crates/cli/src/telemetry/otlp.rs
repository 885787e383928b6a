//! Sending spans and metrics to a collector, when the environment says where to.

use std::time::Duration;

use branchwork::{core::causes::with_causes, telemetry::Telemetry};
use branchwork_otel::{Otel, OtlpOptions};
use tracing_subscriber::{Layer, Registry};

use super::ENDPOINTS;
use crate::env;

/// The variables that say which protocol is spoken. One is.
const PROTOCOLS: [&str; 3] = [
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
];
const PROTOCOL: &str = "http/protobuf";

/// The variable that says how long an answer may take, in milliseconds.
const TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";

/// What sends spans and metrics.
#[derive(Debug)]
pub(super) struct Export(Otel);

impl Export {
    /// Begins, when there is an endpoint. What keeps it from that is noted: it keeps nobody from their work.
    pub(super) fn begin(notes: &mut Vec<String>) -> Option<Self> {
        let [all, spans, metrics] = ENDPOINTS.map(|name| env::text(name).is_some());
        let is_off = env::text("OTEL_SDK_DISABLED").is_some_and(|off| off == "true");
        let wanted = |exporter: &str, endpoint: bool| {
            (all || endpoint) && env::text(exporter).is_none_or(|name| name != "none")
        };
        let spans = wanted("OTEL_TRACES_EXPORTER", spans);
        let metrics = wanted("OTEL_METRICS_EXPORTER", metrics);
        if is_off || !(spans || metrics) {
            return None;
        }
        for name in PROTOCOLS {
            if let Some(protocol) = env::text(name).filter(|protocol| protocol != PROTOCOL) {
                notes.push(format!(
                    "{name} is `{protocol}`, and branchwork speaks {PROTOCOL} only: nothing is sent"
                ));
                return None;
            }
        }
        let mut options = OtlpOptions::new();
        if !spans {
            options = options.without_spans();
        }
        if !metrics {
            options = options.without_metrics();
        }
        match Otel::otlp(&timed(options, notes)) {
            Ok(otel) => Some(Self(otel)),
            Err(error) => {
                notes.push(format!("nothing is sent: {}", with_causes(&error)));
                None
            }
        }
    }

    pub(super) fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        self.0.layer().boxed()
    }

    pub(super) fn telemetry(&self) -> Telemetry {
        self.0.telemetry()
    }

    pub(super) fn close(self) -> Option<String> {
        self.0.close().err().map(|error| error.to_string())
    }
}

/// `options`, with the time that the environment gives an answer.
fn timed(options: OtlpOptions, notes: &mut Vec<String>) -> OtlpOptions {
    let Some(text) = env::text(TIMEOUT) else { return options };
    match text.parse() {
        Ok(millis) => options.with_timeout(Duration::from_millis(millis)),
        Err(_no_number) => {
            notes.push(format!("{TIMEOUT} is `{text}`, which are no milliseconds"));
            options
        }
    }
}
