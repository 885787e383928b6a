//! A server of the OpenAI protocol on loopback that does what the test says.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
};

use serde_json::{Value, json};

/// What it does with one request.
pub(crate) enum Answer {
    /// Streams these pieces of text, whole.
    Text(&'static [&'static str]),
    /// Says this, and calls a tool with these arguments.
    Call(&'static str, &'static str, &'static str),
    /// Sends these bytes as the body of a streamed 200, and hangs up.
    Raw(&'static str),
    /// Refuses: status, headers, body.
    Refuse(u16, &'static str, String),
    /// Streams these pieces, tells, and sends nothing more until the client has hung up.
    Stall(&'static [&'static str], mpsc::Sender<()>),
}

/// A running server.
pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Seen>>>,
    listed: Arc<Mutex<Vec<Listed>>>,
}

/// The first line of a request for the list of models, and the key that came with it.
pub(crate) type Listed = (String, Option<String>);

/// One request that asked for an answer.
struct Seen {
    key: Option<String>,
    body: Value,
}

/// What a server does, and what it has seen.
struct Desk {
    lists: Mutex<VecDeque<Answer>>,
    answers: Mutex<VecDeque<Answer>>,
    requests: Arc<Mutex<Vec<Seen>>>,
    listed: Arc<Mutex<Vec<Listed>>>,
}

impl Server {
    /// Answers requests in order; beyond the last answer it says 503.
    pub(crate) fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::listing([], answers)
    }

    /// The same; requests for the list of models are answered by `lists`, beyond the last one as ever.
    pub(crate) fn listing(
        lists: impl IntoIterator<Item = Answer>,
        answers: impl IntoIterator<Item = Answer>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (requests, listed) = (Arc::default(), Arc::default());
        let desk = Arc::new(Desk {
            lists: Mutex::new(lists.into_iter().collect()),
            answers: Mutex::new(answers.into_iter().collect()),
            requests: Arc::clone(&requests),
            listed: Arc::clone(&listed),
        });
        thread::spawn(move || {
            for stream in listener.incoming() {
                let desk = Arc::clone(&desk);
                thread::spawn(move || serve(&stream.unwrap(), &desk));
            }
        });
        Self { url, requests, listed }
    }

    /// The bodies of the requests so far.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().iter().map(|seen| seen.body.clone()).collect()
    }

    /// The keys that came with the requests so far.
    pub(crate) fn keys(&self) -> Vec<Option<String>> {
        self.requests.lock().unwrap().iter().map(|seen| seen.key.clone()).collect()
    }

    /// The first lines of the requests for the list of models, and the keys that came with them.
    pub(crate) fn listed(&self) -> Vec<Listed> {
        self.listed.lock().unwrap().clone()
    }

    /// Options that ask this server.
    pub(crate) fn options(&self) -> [&str; 4] {
        ["--base-url", &self.url, "-m", "tiny"]
    }
}

fn serve(stream: &TcpStream, desk: &Desk) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some((line, key, body)) = request(&mut reader) {
        if line.starts_with("GET") {
            desk.listed.lock().unwrap().push((line, key));
            let list = desk.lists.lock().unwrap().pop_front();
            if let Some(Answer::Refuse(status, headers, body)) = list {
                respond(stream, status, headers, &body);
            } else {
                let body = r#"{"object":"list","data":[{"id":"first"},{"id":"second"}]}"#;
                respond(stream, 200, "content-type: application/json\r\n", body);
            }
            continue;
        }
        let body = serde_json::from_slice(&body).unwrap();
        desk.requests.lock().unwrap().push(Seen { key, body });
        let answer = desk.answers.lock().unwrap().pop_front();
        let sse = "content-type: text/event-stream\r\n";
        match answer {
            Some(Answer::Text(pieces)) => respond(stream, 200, sse, &(chunks(pieces) + &end())),
            Some(Answer::Call(text, function, arguments)) => {
                respond(stream, 200, sse, &(chunks(&[text]) + &call(function, arguments)));
            }
            Some(Answer::Raw(body)) => {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
                let mut out = stream;
                drop(out.write_all(format!("{head}{body}").as_bytes()));
                drop(stream.shutdown(std::net::Shutdown::Both));
                return;
            }
            Some(Answer::Refuse(status, headers, body)) => respond(stream, status, headers, &body),
            Some(Answer::Stall(pieces, told)) => {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
                let mut out = stream;
                out.write_all(format!("{head}{}", chunks(pieces)).as_bytes()).unwrap();
                told.send(()).unwrap();
                // Returns when the client hangs up.
                drop(reader.read(&mut [0]));
                return;
            }
            None => respond(stream, 503, "", "{}"),
        }
    }
}

/// The first line, the key and the body of the next request; `None` when the client is gone.
fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, Option<String>, Vec<u8>)> {
    let (mut first, mut key, mut length) = (String::new(), None, 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if ["authorization:", "x-api-key:"]
            .iter()
            .any(|name| line.to_ascii_lowercase().starts_with(name))
        {
            key = line.rsplit_once(' ').map(|(_, key)| key.to_owned());
        }
        if first.is_empty() {
            line.clone_into(&mut first);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first, key, body))
}

fn respond(mut stream: &TcpStream, status: u16, headers: &str, body: &str) {
    let head = format!("HTTP/1.1 {status} x\r\n{headers}content-length: {}\r\n\r\n", body.len());
    drop(stream.write_all(format!("{head}{body}").as_bytes()));
}

/// Pieces of text as events of a stream.
pub(crate) fn chunks(pieces: &[&str]) -> String {
    let chunk = |piece: &&str| {
        let piece = Value::from(*piece);
        format!(
            "data: {{\"model\":\"tiny-1\",\"choices\":[{{\"delta\":{{\"content\":{piece}}}}}]}}\n\n"
        )
    };
    pieces.iter().map(chunk).collect()
}

/// A tool call, and the end of the stream.
fn call(function: &str, arguments: &str) -> String {
    let function = json!({ "name": function, "arguments": arguments });
    let calls = json!([{ "index": 0, "id": "c1", "type": "function", "function": function }]);
    let called = json!({ "choices": [{ "delta": { "tool_calls": calls } }] });
    let end = json!({ "choices": [{ "delta": {}, "finish_reason": "tool_calls" }] });
    format!("data: {called}\n\ndata: {end}\n\ndata: [DONE]\n\n")
}

/// The end of a stream, with what it cost.
fn end() -> String {
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
     data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n\
     data: [DONE]\n\n"
        .to_owned()
}
