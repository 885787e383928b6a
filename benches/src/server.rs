//! A server of the OpenAI protocol on loopback that answers at once, on a thread or in a process of its
//! own.
//!
//! It sends each piece of text on its own, as real servers do: a client is woken for each.

use std::{
    convert::Infallible,
    env,
    io::{self, BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{Arc, mpsc},
    thread,
};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::{
    Request, Response,
    body::{Body, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// The argument that makes a bench be the server of another one: see [`be_process`].
pub const ARGUMENT: &str = "serve";

/// Starts the server, which sends `pieces` of text in each answer, and answers its address. It ends with
/// the process.
///
/// # Panics
///
/// When no port of loopback can be had.
pub fn start(pieces: usize) -> SocketAddr {
    let (tell, address) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .expect("a runtime can be made");
        runtime.block_on(serve(&tell, pieces));
    });
    address.recv().expect("the server says where it is")
}

/// The server in a process of its own, which ends when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    /// Starts this program again with [`ARGUMENT`].
    ///
    /// # Panics
    ///
    /// When it cannot be started, or does not say where it is.
    pub fn start() -> Self {
        let program = env::current_exe().expect("the program knows where it is");
        let mut child = Command::new(program)
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts again");
        let mut line = String::new();
        let said = child.stdout.take().expect("its output is piped");
        BufReader::new(said).read_line(&mut line).expect("it says where it is");
        let address = line.trim().parse().expect("that is an address");
        Self { child, address }
    }

    /// Where it is.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its identifier.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It ends when its input does; waiting leaves nothing behind.
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

/// Is the server of another process until that is gone.
///
/// # Panics
///
/// As [`start`].
pub fn be_process(pieces: usize) {
    crate::report::line(&start(pieces).to_string());
    drop(io::stdin().read_to_end(&mut Vec::new()));
}

async fn serve(tell: &mpsc::Sender<SocketAddr>, pieces: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("the listener has an address");
    tell.send(address).expect("the caller waits");
    let events: Arc<[Bytes]> = answer(pieces).into();
    let connections = tokio::task::LocalSet::new();
    connections
        .run_until(async {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).ok();
                let events = Arc::clone(&events);
                let serve = service_fn(move |request| respond(request, Arc::clone(&events)));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), serve);
                tokio::task::spawn_local(connection);
            }
        })
        .await;
}

async fn respond(
    request: Request<Incoming>,
    events: Arc<[Bytes]>,
) -> Result<Response<impl Body<Data = Bytes, Error = Infallible>>, Infallible> {
    // The request is read to its end, as a real server would.
    drop(http_body_util::BodyExt::collect(request.into_body()).await);
    let frames = stream::unfold(0, move |index| {
        let event = events.get(index).cloned();
        async move {
            // Lets the connection send what it has before there is more.
            tokio::task::yield_now().await;
            Some((Ok(Frame::data(event?)), index + 1))
        }
    });
    let body = StreamBody::new(Box::pin(frames));
    let response = Response::builder().header("content-type", "text/event-stream").body(body);
    Ok(response.expect("the header is sound"))
}

/// A streamed answer as OpenAI sends it.
fn answer(pieces: usize) -> Vec<Bytes> {
    let head = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1764000000,"model":"tiny","choices":["#;
    let event = |rest: &str| Bytes::from(format!("data: {head}{rest}\n\n"));
    let delta =
        |delta: &str| event(&format!(r#"{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#));
    let mut events = vec![delta(r#"{"role":"assistant","content":""}"#)];
    events.extend((0..pieces).map(|piece| delta(&format!(r#"{{"content":" word{piece}"}}"#))));
    events.push(event(r#"{"index":0,"delta":{},"finish_reason":"stop"}]}"#));
    let (written, all) = (pieces, pieces + 9);
    let usage =
        format!(r#"{{"prompt_tokens":9,"completion_tokens":{written},"total_tokens":{all}}}"#);
    let last = event(&format!(r#"],"usage":{usage}}}"#));
    events.push([&last[..], b"data: [DONE]\n\n"].concat().into());
    events
}
