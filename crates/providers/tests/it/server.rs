//! A server that answers each request with the next of its scripted replies.

use std::{collections::VecDeque, convert::Infallible, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::{
    HeaderMap, Request, Response,
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Mutex, Semaphore, mpsc},
    task::JoinSet,
};

/// One answer of the server.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    steps: Vec<Step>,
}

/// What the server does next with the body.
#[derive(Debug, Clone)]
enum Step {
    /// Waits with the head of the answer until the client is gone.
    Hold,
    Send(Bytes),
    /// Waits for [`Server::release`].
    Wait,
    /// Waits until the client is gone.
    Stall,
    /// Breaks the connection.
    Cut,
}

impl Reply {
    pub(crate) fn new(status: u16, kind: &'static str) -> Self {
        Self { status, headers: vec![("content-type", kind)], steps: Vec::new() }
    }

    /// A stream of events.
    pub(crate) fn stream(text: &str) -> Self {
        Self::new(200, "text/event-stream").send(text)
    }

    /// A JSON body.
    pub(crate) fn json(status: u16, text: &str) -> Self {
        Self::new(status, "application/json").send(text)
    }

    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn send(self, text: &str) -> Self {
        self.send_bytes(text.as_bytes())
    }

    pub(crate) fn send_bytes(self, bytes: &[u8]) -> Self {
        self.then(Step::Send(Bytes::copy_from_slice(bytes)))
    }

    pub(crate) fn hold() -> Self {
        Self::new(200, "text/event-stream").then(Step::Hold)
    }

    pub(crate) fn wait(self) -> Self {
        self.then(Step::Wait)
    }

    pub(crate) fn stall(self) -> Self {
        self.then(Step::Stall)
    }

    pub(crate) fn cut(self) -> Self {
        self.then(Step::Cut)
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) query: String,
    pub(crate) google_key: String,
    pub(crate) authorization: String,
    /// Where Azure wants the key.
    pub(crate) api_key: String,
    pub(crate) title: String,
    pub(crate) agent: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// Which connection it came over, from 0.
    pub(crate) connection: usize,
}

impl Seen {
    /// A header; empty when it was not sent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// The running server; it stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) base_url: String,
    seen: mpsc::Receiver<Seen>,
    gone: mpsc::Receiver<()>,
    gate: Arc<Semaphore>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Script {
    replies: Mutex<VecDeque<Reply>>,
    seen: mpsc::Sender<Seen>,
    gone: mpsc::Sender<()>,
    gate: Arc<Semaphore>,
}

impl Server {
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let base_url = format!("http://{}/v1", listener.local_addr().expect("it is bound"));
        let (seen_tx, seen) = mpsc::channel(16);
        let (gone_tx, gone) = mpsc::channel(16);
        let gate = Arc::new(Semaphore::new(0));
        let replies = Mutex::new(replies.into_iter().collect());
        let gate_of_script = Arc::clone(&gate);
        let script = Script { replies, seen: seen_tx, gone: gone_tx, gate: gate_of_script };
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::new(script)));
        Self { base_url, seen, gone, gate, _tasks: tasks }
    }

    /// The next request.
    pub(crate) async fn seen(&mut self) -> Seen {
        self.seen.recv().await.expect("the server runs")
    }

    /// Lets one [`Reply::wait`] pass.
    pub(crate) fn release(&self) {
        self.gate.add_permits(1);
    }

    /// Returns when the server has noticed that a client hung up.
    pub(crate) async fn hung_up(&mut self) {
        self.gone.recv().await.expect("the server runs");
    }
}

async fn serve(listener: TcpListener, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    for connection in 0.. {
        let Ok((socket, _)) = listener.accept().await else { return };
        connections.spawn(converse(socket, Arc::clone(&script), connection));
    }
}

async fn converse(socket: TcpStream, script: Arc<Script>, connection: usize) {
    let service = service_fn(|request| answer(request, Arc::clone(&script), connection));
    // A broken connection is what some tests are about.
    drop(http1::Builder::new().serve_connection(TokioIo::new(socket), service).await);
}

type Piece = Result<Frame<Bytes>, &'static str>;
type Body = StreamBody<futures_util::stream::BoxStream<'static, Piece>>;

async fn answer(
    request: Request<Incoming>,
    script: Arc<Script>,
    connection: usize,
) -> Result<Response<Body>, Infallible> {
    let seen = read(request, connection).await;
    script.seen.send(seen).await.expect("the test listens");
    let reply = script.replies.lock().await.pop_front().expect("a reply is scripted");
    if matches!(reply.steps.first(), Some(Step::Hold)) {
        let _told_when_dropped = Gone(script.gone.clone());
        std::future::pending::<()>().await;
    }
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(*name, *value);
    }
    let state = (reply.steps.into_iter(), script);
    let pieces = futures_util::stream::unfold(state, |(mut steps, script)| async move {
        let piece = piece(&mut steps, &script).await?;
        Some((piece, (steps, script)))
    });
    let body = StreamBody::new(Box::pin(pieces) as _);
    Ok(response.body(body).expect("the head is good"))
}

async fn piece(steps: &mut impl Iterator<Item = Step>, script: &Script) -> Option<Piece> {
    loop {
        match steps.next()? {
            Step::Hold => {}
            Step::Send(bytes) => return Some(Ok(Frame::data(bytes))),
            Step::Wait => script.gate.acquire().await.expect("it is never closed").forget(),
            Step::Stall => {
                let _told_when_dropped = Gone(script.gone.clone());
                std::future::pending::<()>().await;
            }
            Step::Cut => {
                // What was written before is flushed while nothing is ready.
                tokio::task::yield_now().await;
                return Some(Err("cut"));
            }
        }
    }
}

/// Tells when the connection it belongs to is dropped.
struct Gone(mpsc::Sender<()>);

impl Drop for Gone {
    fn drop(&mut self) {
        // The test may be over, or wait for no more of these.
        _ = self.0.try_send(());
    }
}

async fn read(request: Request<Incoming>, connection: usize) -> Seen {
    let line = format!("{} {}", request.method(), request.uri().path());
    let query = request.uri().query().unwrap_or_default().to_owned();
    let header = |name: &str| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (authorization, api_key) = (header("authorization"), header("api-key"));
    let (title, agent) = (header("x-title"), header("user-agent"));
    let google_key = header("x-goog-api-key");
    let headers = request.headers().clone();
    let body = request.into_body().collect().await.expect("the request is whole").to_bytes();
    let body = String::from_utf8(body.to_vec()).expect("requests are text");
    Seen {
        line,
        query,
        google_key,
        authorization,
        api_key,
        title,
        agent,
        headers,
        body,
        connection,
    }
}
