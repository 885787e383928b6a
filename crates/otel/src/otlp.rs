//! Spans and metrics, sent as OTLP over HTTP.

use std::{fmt, thread, time::Duration};

use branchwork::telemetry::Telemetry;
use opentelemetry::{
    InstrumentationScope, Key, metrics::MeterProvider as _, trace::TracerProvider as _,
};
use opentelemetry_otlp::{
    MetricExporter, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::{
    Resource, error::OTelSdkError, metrics::SdkMeterProvider, trace::SdkTracerProvider,
};
use tracing::{Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter, registry::LookupSpan};

use crate::{
    client::{OtlpClient, Problem},
    error::OtelError,
    metrics::{MetricsLayer, is_counted},
    shape::ShapedExporter,
    traceparent::traceparent,
};

/// How long a collector may take for an answer unless it is said otherwise.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// How long the last batch may take.
const CLOSE_WAIT: Duration = Duration::from_secs(10);

/// What begins the targets of spans that are exported.
const TARGET: &str = "branchwork";

/// What is sent where. Headers, sampling, sizes of batches and the like are read from the environment by the
/// OpenTelemetry SDK.
#[derive(Debug, Clone)]
#[must_use]
pub struct OtlpOptions {
    endpoint: Option<String>,
    service: String,
    wait: Duration,
    spans: bool,
    metrics: bool,
}

impl Default for OtlpOptions {
    fn default() -> Self {
        let (endpoint, service) = (None, "branchwork".to_owned());
        Self { endpoint, service, wait: ANSWER_WAIT, spans: true, metrics: true }
    }
}

impl OtlpOptions {
    /// Sends spans and metrics where the environment says, else to `http://localhost:4318`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends them to this URL, behind which `/v1/traces` and `/v1/metrics` are put.
    pub fn with_endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// Calls the program so, unless the environment does; `branchwork` when it is not said.
    pub fn with_service(mut self, name: impl Into<String>) -> Self {
        self.service = name.into();
        self
    }

    /// Waits so long for each answer; 10 seconds when it is not said.
    pub const fn with_timeout(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Sends no spans.
    pub const fn without_spans(mut self) -> Self {
        self.spans = false;
        self
    }

    /// Sends no metrics.
    pub const fn without_metrics(mut self) -> Self {
        self.metrics = false;
        self
    }

    fn endpoint(&self, path: &str) -> Option<String> {
        self.endpoint.as_ref().map(|base| format!("{}/{path}", base.trim_end_matches('/')))
    }
}

/// What exports spans and metrics. It has threads of its own; [`close`](Self::close) ends them.
#[derive(Debug)]
pub struct Otel {
    spans: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
    problem: Problem,
}

impl Otel {
    /// Sends as OTLP over HTTP, in batches, with the HTTP client of branchwork.
    ///
    /// # Errors
    ///
    /// [`OtelError::BadSetup`]; nobody was asked.
    pub fn otlp(options: &OtlpOptions) -> Result<Self, OtelError> {
        let problem = Problem::default();
        let client = || OtlpClient::new(options.wait, problem.clone()).map_err(bad_setup);
        let resource = resource(&options.service);
        let (mut all_spans, mut all_metrics) = (None, None);
        if options.spans {
            all_spans = Some(spans(options, client()?, resource.clone())?);
        }
        if options.metrics {
            all_metrics = Some(metrics(options, client()?, resource)?);
        }
        Ok(Self { spans: all_spans, metrics: all_metrics, problem })
    }

    /// What makes spans and metrics of what `tracing` tells of branchwork, and of nothing else.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let scope = InstrumentationScope::builder("branchwork")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        // No options: one that is none would turn off what is beside it.
        let mut layers: Vec<Box<dyn Layer<S> + Send + Sync>> = Vec::new();
        if let Some(provider) = &self.spans {
            let tracer = provider.tracer_with_scope(scope.clone());
            let layer = tracing_opentelemetry::layer().with_tracer(tracer);
            let layer = layer.with_location(false).with_threads(false).with_target(false);
            let targets = filter::Targets::new().with_target(TARGET, LevelFilter::INFO);
            layers.push(layer.with_tracked_inactivity(false).with_filter(targets).boxed());
        }
        if let Some(provider) = &self.metrics {
            let metrics = MetricsLayer::new(&provider.meter_with_scope(scope));
            layers.push(metrics.with_filter(filter::filter_fn(is_measured)).boxed());
        }
        layers
    }

    /// What an engine is to tell, so that forks are linked.
    pub fn telemetry(&self) -> Telemetry {
        let telemetry = Telemetry::new();
        if self.spans.is_some() { telemetry.with_traceparent(traceparent) } else { telemetry }
    }

    /// Sends what waits, and ends the threads. Blocks until then, ten seconds at most. Spans that end later are
    /// lost.
    ///
    /// # Errors
    ///
    /// [`OtelError::NotSent`] when something could not be sent, now or earlier.
    pub fn close(self) -> Result<(), OtelError> {
        let Self { spans, metrics, problem } = self;
        let closed = thread::scope(|scope| {
            // Both at once, so that a collector that does not answer is waited for once.
            let spans =
                spans.map(|spans| scope.spawn(move || spans.shutdown_with_timeout(CLOSE_WAIT)));
            let metrics = metrics.map(|metrics| metrics.shutdown_with_timeout(CLOSE_WAIT));
            // A thread that panicked has sent nothing.
            let spans =
                spans.map(|closing| closing.join().unwrap_or(Err(OTelSdkError::AlreadyShutdown)));
            [spans, metrics].into_iter().flatten().find_map(Result::err)
        });
        match problem.take().or_else(|| closed.map(|error| error.to_string())) {
            Some(problem) => Err(OtelError::NotSent { problem }),
            None => Ok(()),
        }
    }
}

fn spans(
    options: &OtlpOptions,
    client: OtlpClient,
    resource: Resource,
) -> Result<SdkTracerProvider, OtelError> {
    let exporter = SpanExporter::builder().with_http().with_http_client(client);
    let exporter = match options.endpoint("v1/traces") {
        Some(endpoint) => exporter.with_endpoint(endpoint),
        None => exporter,
    };
    let exporter = ShapedExporter::new(exporter.build().map_err(bad_setup)?);
    let provider = SdkTracerProvider::builder().with_resource(resource);
    Ok(provider.with_batch_exporter(exporter).build())
}

fn metrics(
    options: &OtlpOptions,
    client: OtlpClient,
    resource: Resource,
) -> Result<SdkMeterProvider, OtelError> {
    let exporter = MetricExporter::builder().with_http().with_http_client(client);
    let exporter = match options.endpoint("v1/metrics") {
        Some(endpoint) => exporter.with_endpoint(endpoint),
        None => exporter,
    };
    let exporter = exporter.build().map_err(bad_setup)?;
    let provider = SdkMeterProvider::builder().with_resource(resource);
    Ok(provider.with_periodic_exporter(exporter).build())
}

/// Who sends: as the environment says, else `service`.
fn resource(service: &str) -> Resource {
    let found = Resource::builder().build();
    let name = found.get(&Key::from_static_str("service.name"));
    if name.is_some_and(|name| !name.as_str().starts_with("unknown_service")) {
        return found;
    }
    Resource::builder().with_service_name(service.to_owned()).build()
}

fn is_measured(metadata: &Metadata<'_>) -> bool {
    let is_ours = metadata.target().starts_with(TARGET);
    is_ours && (metadata.is_span() || is_counted(metadata.name()))
}

/// What is wrong with the setup, without the value in quotes: an endpoint may hold a password.
fn bad_setup(error: impl fmt::Display) -> OtelError {
    let text = error.to_string();
    let problem = text.split_once('\'').map_or(text.as_str(), |(before, _)| before.trim_end());
    OtelError::BadSetup { source: problem.into() }
}
