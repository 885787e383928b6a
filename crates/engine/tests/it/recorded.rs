//! A turn with a tool, as a real model on a real server had it: played again, byte for byte.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::mpsc::{self, Receiver},
    thread,
};

use branchwork::{
    Engine,
    core::message::{Body, Outcome, Status},
};

use crate::tool_loop;

/// A request that was sent, and the bytes that answered it.
type Exchange = (Vec<u8>, Vec<u8>);

pub(crate) fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A server that gives the recorded answers, in their order.
pub(crate) struct Player {
    pub(crate) base_url: String,
    expected: Vec<Vec<u8>>,
    came: Receiver<Vec<u8>>,
}

impl Player {
    /// The recording of that name. It ends with the process.
    pub(crate) fn of(name: &str) -> Self {
        Self::play(name, |exchanges, _| exchanges.remove(0).1)
    }

    /// The recording of that name, whose answers are given in the order in which they are asked for: each to
    /// the request that it answered.
    pub(crate) fn matching(name: &str) -> Self {
        Self::play(name, |exchanges, request| {
            let answered = exchanges.iter().position(|(recorded, _)| recorded == request);
            exchanges.remove(answered.expect("it was recorded")).1
        })
    }

    /// Answers each request with what `answer` takes out of the recording.
    fn play(name: &str, answer: fn(&mut Vec<Exchange>, &[u8]) -> Vec<u8>) -> Self {
        let mut exchanges = recorded(name);
        let expected = exchanges.iter().map(|(request, _)| request.clone()).collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (tell, came) = mpsc::sync_channel(exchanges.len());
        thread::spawn(move || {
            while !exchanges.is_empty() {
                let (mut client, _) = listener.accept().unwrap();
                let request = read_request(&client);
                tell.send(request.clone()).unwrap();
                client.write_all(&answer(&mut exchanges, &request)).unwrap();
            }
        });
        Self { base_url, expected, came }
    }

    /// Checks that just what was recorded was asked, in whatever order.
    pub(crate) fn check_any_order(self) {
        let sorted = |mut all: Vec<String>| {
            all.sort();
            all
        };
        assert_eq!(sorted(texts(self.came.try_iter())), sorted(texts(self.expected)));
    }

    /// Checks that just what was recorded was asked.
    pub(crate) fn check(self) {
        assert_eq!(texts(self.came.try_iter()), texts(self.expected));
    }
}

fn texts(all: impl IntoIterator<Item = Vec<u8>>) -> Vec<String> {
    all.into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect()
}

fn recorded(name: &str) -> Vec<Exchange> {
    let folder = folder(name);
    let read = |name: String| fs::read(folder.join(name)).ok();
    let numbers = 1..;
    let exchange = |number| {
        Some((read(format!("{number}-request.json"))?, read(format!("{number}-response.http"))?))
    };
    numbers.map_while(exchange).collect()
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
    let player = Player::of("tool_loop");
    let engine = Engine::in_memory();
    let reply = tool_loop::ask(&engine, &player.base_url, "qwen1.5b").await.unwrap();
    player.check();
    assert_eq!((reply.rounds, reply.limit, reply.message.status), (2, None, Status::Complete));
    let [result] = reply.results.as_slice() else { panic!("one call, one result") };
    let Body::ActionResponse { outcome, .. } = &result.body else { panic!("a result") };
    let told = serde_json::json!({"city": "Lisbon", "celsius": 18, "sky": "light rain"});
    assert_eq!(*outcome, Outcome::Succeeded(told));
    assert!(reply.text.contains("18"), "the model tells of the result: {}", reply.text);
    assert!(engine.verify().await.unwrap().problems.is_empty());
}
