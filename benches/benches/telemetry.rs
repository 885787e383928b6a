//! What telemetry adds to a turn: when nobody subscribes, for a subscriber that reads every field, and with spans and
//! metrics sent to a collector on loopback.
//!
//! The order matters: `tracing` knows of no subscriber only until there was one.

use std::{
    convert::Infallible,
    fmt,
    hint::black_box,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use branchwork::{
    Branch, Engine,
    core::provider::Provider,
    providers::{HttpOptions, HttpProvider},
    telemetry::{Telemetry, names::span},
};
use branchwork_benches::{at_once::AtOnce, report, server};
use branchwork_otel::{Otel, OtlpOptions};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};
use tracing::{
    Event, Level, Subscriber,
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

/// Pieces of an answer that comes over HTTP.
const PIECES: usize = 200;

/// Who is told of the turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Observer {
    Nobody,
    /// Reads the spans that are told of by default.
    Spans,
    /// Reads everything.
    Trace,
    /// Sends spans and metrics.
    Otlp,
}

impl Observer {
    const SOMEBODY: [Self; 3] = [Self::Spans, Self::Trace, Self::Otlp];

    const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Spans => "spans are read",
            Self::Trace => "spans and events are read",
            Self::Otlp => "spans and metrics are sent",
        }
    }
}

/// Reads every field of every span and event.
struct Reader;

impl Visit for Reader {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        black_box((field.name(), format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        black_box((field.name(), value));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Reader {
    fn on_new_span(&self, attributes: &Attributes<'_>, _id: &Id, _context: Context<'_, S>) {
        attributes.record(&mut Self);
    }

    fn on_record(&self, _id: &Id, values: &Record<'_>, _context: Context<'_, S>) {
        values.record(&mut Self);
    }

    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        event.record(&mut Self);
    }
}

/// A collector that counts the spans it is sent, on a thread that ends with the process.
struct Collector {
    url: String,
    spans: Arc<AtomicU64>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        listener.set_nonblocking(true).expect("it can be set");
        let spans = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&spans);
        thread::spawn(move || runtime().block_on(collect(listener, &counted)));
        Self { url, spans }
    }
}

async fn collect(listener: TcpListener, counted: &Arc<AtomicU64>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("it does not block");
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let counted = Arc::clone(counted);
        let answer = service_fn(move |request| take(request, Arc::clone(&counted)));
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}

async fn take(
    request: Request<Incoming>,
    counted: Arc<AtomicU64>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let is_traces = request.uri().path() == "/v1/traces";
    let body = request.into_body().collect().await.expect("it comes").to_bytes();
    if is_traces {
        counted.fetch_add(count(body), Ordering::Relaxed);
    }
    Ok(Response::new(Empty::new()))
}

fn count(body: Bytes) -> u64 {
    let request = ExportTraceServiceRequest::decode(body).expect("it is well formed");
    let scopes = request.resource_spans.iter().flat_map(|one| &one.scope_spans);
    scopes.map(|scope| u64::try_from(scope.spans.len()).unwrap_or_default()).sum()
}

/// What watches, until it is dropped.
struct Watch {
    telemetry: Telemetry,
    otel: Option<Otel>,
    #[expect(dead_code, reason = "it is held, not used")]
    watching: Option<DefaultGuard>,
}

impl Watch {
    fn begin(observer: Observer, collector: &Collector) -> Self {
        let read = |level| {
            let layer = Reader.with_filter(LevelFilter::from_level(level));
            Some(tracing::subscriber::set_default(Registry::default().with(layer)))
        };
        let (otel, watching) = match observer {
            Observer::Nobody => (None, None),
            Observer::Spans => (None, read(Level::INFO)),
            Observer::Trace => (None, read(Level::TRACE)),
            Observer::Otlp => {
                let options = OtlpOptions::new().with_endpoint(&collector.url);
                let otel = Otel::otlp(&options).expect("the endpoint is a URL");
                let subscriber = Registry::default().with(otel.layer());
                let watching = tracing::subscriber::set_default(subscriber);
                (Some(otel), Some(watching))
            }
        };
        let telemetry = otel.as_ref().map_or_else(Telemetry::new, Otel::telemetry);
        Self { telemetry, otel, watching }
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime can be made")
}

/// Turns, each on a fork of its own, so that all are equally long.
fn turns(
    criterion: &mut Criterion,
    what: &str,
    provider: &Arc<dyn Provider>,
    observers: &[Observer],
) {
    let runtime = runtime();
    let collector = Collector::start();
    let mut group = criterion.benchmark_group(what);
    let mut asked = 0;
    for observer in observers {
        let watch = Watch::begin(*observer, &collector);
        let main = runtime.block_on(talk(watch.telemetry, Arc::clone(provider)));
        group.bench_function(observer.name(), |bencher| {
            bencher.iter_batched(
                || runtime.block_on(main.fork_unnamed().into_future()).expect("it can be forked"),
                |fork| {
                    asked += u64::from(*observer == Observer::Otlp);
                    let reply = runtime.block_on(fork.chat("Where is it warm?").into_future());
                    (reply.expect("it is answered"), fork)
                },
                BatchSize::SmallInput,
            );
        });
        watch.otel.map_or(Ok(()), Otel::close).expect("the collector takes all");
    }
    group.finish();
    if asked > 0 {
        let came = collector.spans.load(Ordering::Relaxed);
        // A turn and its call; and once, the one before all forks.
        report::line(&format!("{came} of {} spans came to the collector", 2 * asked + 2));
    }
}

/// A branch on which something was said.
async fn talk(telemetry: Telemetry, provider: Arc<dyn Provider>) -> Branch {
    let engine = Engine::builder().telemetry(telemetry).build();
    engine.register("local", provider);
    let session = engine.session("bench").model("local:tiny").create().await;
    let main = session.expect("it can be made").default_branch();
    main.chat("Where?").await.expect("it is answered");
    main
}

/// A span that nobody wants.
fn spans(criterion: &mut Criterion) {
    criterion.bench_function("a span of which nobody is told", |bencher| {
        bencher.iter(|| tracing::info_span!(span::STEP, answer = black_box(42)));
    });
}

fn both(criterion: &mut Criterion, observers: &[Observer]) {
    let what = "a turn in memory, answered at once";
    turns(criterion, what, &(Arc::new(AtOnce { pieces: 1 }) as _), observers);
    let url = format!("http://{}/v1", server::start(PIECES));
    let options = HttpOptions::chat(&url).expect("it is a URL");
    let provider = HttpProvider::new(options).expect("it can be set up");
    let what = format!("a turn in memory, answered over HTTP in {PIECES} pieces");
    turns(criterion, &what, &(Arc::new(provider) as _), observers);
}

fn nobody(criterion: &mut Criterion) {
    both(criterion, &[Observer::Nobody]);
}

fn somebody(criterion: &mut Criterion) {
    both(criterion, &Observer::SOMEBODY);
}

criterion_group!(benches, spans, nobody, somebody);
criterion_main!(benches);
