//! Keys are told to nobody, whatever a server says of them.

use std::{
    io::{BufRead, BufReader, Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    thread,
};

use branchwork::{
    Engine,
    core::secret::Secret,
    providers::{HttpOptions, HttpProvider},
    telemetry::Telemetry,
};
use branchwork_testkit::Spans;
use serde_json::{Value, json};
use tracing::Level;

const KEY: &str = "sk-planted-7f3a";

/// Answers once, and then refuses with the key in what it says; answers its URL.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let answer = r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#;
    let error = format!(r#"{{"error":{{"message":"bad key {KEY}","code":"{KEY}"}}}}"#);
    let answers = [
        ("200 OK", format!("data: {answer}\n\ndata: [DONE]\n\n")),
        ("401 Unauthorized", error),
        ("503 Unavailable", KEY.to_owned()),
    ];
    thread::spawn(move || {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let length = length_of_body(&mut reader);
            reader.read_exact(&mut vec![0; length]).unwrap();
            let length = body.len();
            let kind = "content-type: text/event-stream\r\nconnection: close";
            write!(stream, "HTTP/1.1 {status}\r\n{kind}\r\ncontent-length: {length}\r\n\r\n{body}")
                .unwrap();
        }
    });
    url
}

/// Reads the head of a request: how many bytes follow it.
fn length_of_body(reader: &mut impl BufRead) -> usize {
    let head: Vec<_> =
        reader.lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
    let length = head.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
    });
    length.unwrap_or_default()
}

#[tokio::test]
async fn no_span_says_a_key() {
    let spans = Spans::at(Level::TRACE);
    let url = server();
    let provider =
        HttpProvider::new(HttpOptions::chat(&url).unwrap().with_key(Secret::new(KEY))).unwrap();
    let engine = Engine::builder().telemetry(Telemetry::new().with_content()).build();
    engine.register("local", Arc::new(provider));
    let session = engine.session("trip").model("local:tiny").create().await.unwrap();
    let main = session.default_branch();
    main.chat("q").await.unwrap();
    main.chat("q").await.unwrap_err();
    main.chat("q").await.unwrap_err();
    let kinds: Vec<_> = spans.named("chat").iter().map(|span| span.get("error.type")).collect();
    assert_eq!(kinds, [Value::Null, json!("auth"), json!("unavailable")]);
    let address = url.trim_start_matches("http://").trim_end_matches("/v1");
    let (host, port) = address.split_once(':').unwrap();
    for chat in spans.named("chat") {
        assert_eq!(chat.get("server.address"), host);
        assert_eq!(chat.get("server.port").to_string(), port);
    }
    assert!(!spans.say(KEY), "{:#?}", spans.all());
}
