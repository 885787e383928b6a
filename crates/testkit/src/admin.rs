//! What peers are asked beside what they are asked as models.

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What the peer at `url` answers to `method` at `path`.
///
/// # Panics
///
/// When it does not answer, or does not want to.
pub(crate) async fn ask(url: &str, method: &str, path: &str, body: &Value) -> Value {
    let host = url.trim_start_matches("http://").trim_end_matches("/v1");
    let body = body.to_string();
    // In this version an answer comes in one piece, and its end is the end of the connection.
    let request = format!(
        "{method} {path} HTTP/1.0\r\nhost: {host}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(host).await.expect("it listens");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    let status = answer.split(' ').nth(1).unwrap_or_default();
    assert!(status.starts_with('2'), "{method} {path}: {answer}");
    let (_, body) = answer.split_once("\r\n\r\n").expect("it has a body");
    serde_json::from_str(body).expect("the body is JSON")
}
