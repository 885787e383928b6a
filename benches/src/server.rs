//! A server of the OpenAI protocol on loopback that answers at once, on a thread of its own.

use std::{convert::Infallible, net::SocketAddr, sync::mpsc, thread};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
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
    let answer = Bytes::from(answer());
    let connections = tokio::task::LocalSet::new();
    connections
        .run_until(async {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).ok();
                let answer = answer.clone();
                let serve = service_fn(move |request| respond(request, answer.clone()));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), serve);
                tokio::task::spawn_local(connection);
            }
        })
        .await;
}

async fn respond(
    request: Request<Incoming>,
    answer: Bytes,
) -> Result<Response<Full<Bytes>>, Infallible> {
    // The request is read to its end, as a real server would.
    drop(http_body_util::BodyExt::collect(request.into_body()).await);
    let response = Response::builder().header("content-type", "text/event-stream");
    Ok(response.body(Full::new(answer)).unwrap_or_default())
}

/// A streamed answer as OpenAI sends it.
fn answer() -> String {
    let head = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1764000000,"model":"tiny","choices":[{"index":0,"delta":"#;
    let mut answer = format!(
        "data: {head}{{\"role\":\"assistant\",\"content\":\"\"}},\"finish_reason\":null}}]}}\n\n"
    );
    for piece in 0..PIECES {
        answer += &format!(
            "data: {head}{{\"content\":\" word{piece}\"}},\"finish_reason\":null}}]}}\n\n"
        );
    }
    answer += &format!("data: {head}{{}},\"finish_reason\":\"stop\"}}]}}\n\n");
    answer += "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":200,\"total_tokens\":209}}\n\ndata: [DONE]\n\n";
    answer
}
