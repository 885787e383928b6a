//! A collector that keeps what it is sent.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use branchwork::{Engine, telemetry::Telemetry};
use branchwork_otel::{Otel, OtlpOptions};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{AnyValue, KeyValue, any_value::Value as Any},
    metrics::v1::Metric,
    trace::v1::Span,
};
use prost::Message as _;
use serde_json::Value;
use tokio::task::JoinSet;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;

/// One that answers each request with a status.
pub(crate) struct Collector {
    pub(crate) url: String,
    bodies: Arc<Mutex<Vec<(String, Bytes)>>>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        Self::answering(200)
    }

    pub(crate) fn answering(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        listener.set_nonblocking(true).unwrap();
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bodies);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(serve(listener, status, kept));
        });
        Self { url, bodies }
    }

    pub(crate) fn options(&self) -> OtlpOptions {
        OtlpOptions::new().with_endpoint(&self.url)
    }

    /// Everything that came, as bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bodies.lock().unwrap().iter().flat_map(|(_, body)| body.to_vec()).collect()
    }

    pub(crate) fn traces(&self) -> Vec<ExportTraceServiceRequest> {
        let bodies = self.of("/v1/traces").into_iter();
        bodies.map(|body| ExportTraceServiceRequest::decode(body).unwrap()).collect()
    }

    /// The spans that came, in the order in which they ended.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let resources = self.traces().into_iter().flat_map(|request| request.resource_spans);
        resources.flat_map(|one| one.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    /// The only span of that name.
    pub(crate) fn span(&self, name: &str) -> Span {
        let mut found: Vec<Span> = self.spans();
        found.retain(|span| span.name == name);
        assert_eq!(found.len(), 1, "{name}: {:#?}", self.spans());
        found.remove(0)
    }

    /// The metrics that came last, by name.
    pub(crate) fn metrics(&self) -> BTreeMap<String, Metric> {
        let bodies = self.of("/v1/metrics").into_iter();
        let requests = bodies.map(|body| ExportMetricsServiceRequest::decode(body).unwrap());
        let resources = requests.flat_map(|request| request.resource_metrics);
        let scopes = resources.flat_map(|one| one.scope_metrics);
        let metrics = scopes.flat_map(|scope| scope.metrics);
        metrics.map(|metric| (metric.name.clone(), metric)).collect()
    }

    fn of(&self, path: &str) -> Vec<Bytes> {
        let bodies = self.bodies.lock().unwrap();
        bodies.iter().filter(|(at, _)| at == path).map(|(_, body)| body.clone()).collect()
    }
}

async fn serve(listener: TcpListener, status: u16, kept: Arc<Mutex<Vec<(String, Bytes)>>>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let kept = Arc::clone(&kept);
        let answer = service_fn(move |request: Request<Incoming>| {
            let kept = Arc::clone(&kept);
            async move {
                let path = request.uri().path().to_owned();
                let body = request.into_body().collect().await.unwrap().to_bytes();
                kept.lock().unwrap().push((path, body));
                let answer = Response::builder().status(status).body(Full::new(Bytes::new()));
                Ok::<_, Infallible>(answer.unwrap())
            }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
        connections.spawn(connection);
    }
}

/// Exports what this thread does until it is closed.
pub(crate) struct Exporting {
    pub(crate) otel: Otel,
    _guard: DefaultGuard,
}

impl Exporting {
    pub(crate) fn to(options: &OtlpOptions) -> Self {
        let otel = Otel::otlp(options).unwrap();
        let subscriber = tracing_subscriber::registry().with(otel.layer());
        Self { otel, _guard: tracing::subscriber::set_default(subscriber) }
    }

    pub(crate) fn telemetry(&self) -> Telemetry {
        self.otel.telemetry()
    }
}

/// An attribute, as JSON; `Null` when it is not there.
pub(crate) fn attribute(attributes: &[KeyValue], name: &str) -> Value {
    let found: Vec<&KeyValue> = attributes.iter().filter(|one| one.key == name).collect();
    assert!(found.len() <= 1, "{name} is there twice");
    found.first().map(|one| value(one.value.as_ref().unwrap())).unwrap_or_default()
}

fn value(value: &AnyValue) -> Value {
    match value.value.as_ref().unwrap() {
        Any::StringValue(text) => text.as_str().into(),
        Any::BoolValue(is) => (*is).into(),
        Any::IntValue(number) => (*number).into(),
        Any::DoubleValue(number) => (*number).into(),
        Any::ArrayValue(array) => array.values.iter().map(self::value).collect(),
        other => panic!("{other:?}"),
    }
}

/// An engine in memory.
pub(crate) fn engine(telemetry: Telemetry) -> Engine {
    Engine::builder().telemetry(telemetry).build()
}
