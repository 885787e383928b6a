//! A server of the OpenAI protocol on loopback that answers at once, on a thread of its own.
//!
//! It sends each piece of text on its own, as real servers do: a client is woken for each.

use std::{
    convert::Infallible,
    net::SocketAddr,
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

/// Pieces of text in one streamed answer.
pub const PIECES: usize = 200;

/// Starts the server and answers its address. It ends with the process.
///
/// # Panics
///
/// When no port of loopback can be had.
pub fn start() -> SocketAddr {
    let (tell, address) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .expect("a runtime can be made");
        runtime.block_on(serve(&tell));
    });
    address.recv().expect("the server says where it is")
}

async fn serve(tell: &mpsc::Sender<SocketAddr>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("the listener has an address");
    tell.send(address).expect("the caller waits");
    let events: Arc<[Bytes]> = answer().into();
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
fn answer() -> Vec<Bytes> {
    let head = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1764000000,"model":"tiny","choices":[{"index":0,"delta":"#;
    let event = |rest: &str| Bytes::from(format!("data: {head}{rest}\n\n"));
    let mut events =
        vec![event("{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}")];
    for piece in 0..PIECES {
        events
            .push(event(&format!("{{\"content\":\" word{piece}\"}},\"finish_reason\":null}}]}}")));
    }
    events.push(event("{},\"finish_reason\":\"stop\"}]}"));
    events.push(Bytes::from_static(
        b"data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":200,\"total_tokens\":209}}\n\ndata: [DONE]\n\n",
    ));
    events
}
