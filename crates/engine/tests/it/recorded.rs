//! A turn with a tool, as a real model on a real server had it: played again, byte for byte.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    thread::{self, JoinHandle},
};

use branchwork::{
    Engine,
    core::message::{Body, Outcome, Status},
};

use crate::tool_loop;

/// A request that was sent, and the bytes that answered it.
type Exchange = (Vec<u8>, Vec<u8>);

fn recorded() -> Vec<Exchange> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tool_loop");
    let read = |name: String| fs::read(folder.join(name)).ok();
    let numbers = 1..;
    let exchange = |number| {
        Some((read(format!("{number}-request.json"))?, read(format!("{number}-response.http"))?))
    };
    numbers.map_while(exchange).collect()
}

/// A server that gives the recorded answers, in their order. Ends with the requests that came.
fn play(exchanges: Vec<Exchange>) -> (String, JoinHandle<Vec<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let playing = thread::spawn(move || {
        let answer = |(_, response): Exchange| {
            let (mut client, _) = listener.accept().unwrap();
            let request = read_request(&client);
            client.write_all(&response).unwrap();
            request
        };
        exchanges.into_iter().map(answer).collect()
    });
    (base_url, playing)
}

fn read_request(client: &TcpStream) -> Vec<u8> {
    let mut reader = BufReader::new(client);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        let header = line.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    body
}

#[tokio::test]
async fn a_recorded_turn_with_a_tool_sends_the_same_bytes_and_ends_the_same() {
    let exchanges = recorded();
    let requests: Vec<_> = exchanges.iter().map(|(request, _)| request.clone()).collect();
    let (base_url, playing) = play(exchanges);
    let engine = Engine::in_memory();
    let reply = tool_loop::ask(&engine, &base_url, "qwen1.5b").await.unwrap();
    let came = playing.join().unwrap();
    let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).unwrap();
    assert_eq!(
        came.iter().map(text).collect::<Vec<_>>(),
        requests.iter().map(text).collect::<Vec<_>>()
    );
    assert_eq!((reply.rounds, reply.limit, reply.message.status), (2, None, Status::Complete));
    let [result] = reply.results.as_slice() else { panic!("one call, one result") };
    let Body::ActionResponse { outcome, .. } = &result.body else { panic!("a result") };
    let told = serde_json::json!({"city": "Lisbon", "celsius": 18, "sky": "light rain"});
    assert_eq!(*outcome, Outcome::Succeeded(told));
    assert!(reply.text.contains("18"), "the model tells of the result: {}", reply.text);
    assert!(engine.verify().await.unwrap().problems.is_empty());
}
