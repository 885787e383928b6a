//! What goes over the wire, kept without keys, and answered again without the wire.

use std::{
    fs::{self, File},
    io::{BufReader, ErrorKind},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    sync::Arc,
};

use branchwork_core::provider::{ModelRequest, Provider as _, ProviderError, ProviderEvent};
use branchwork_providers::{Cassette, FileRecorder, HttpOptions, HttpProvider, Protocol, Secret};
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::Value;

use super::{
    calls::{HEAD, options},
    listener::request,
    server::{Reply, Server},
};

const KEY: &str = "sk-secret/0";

/// A file that is not there.
fn new_file(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.jsonl"));
    if path.exists() {
        fs::remove_file(&path).expect("it can be removed");
    }
    path
}

/// A provider with a key that records into `path`.
fn recording(server: &Server, path: &PathBuf) -> (HttpProvider, Arc<FileRecorder>) {
    let recorder = Arc::new(FileRecorder::open(path).expect("it can be made"));
    let options = options(server)
        .with_key(Secret::new(KEY))
        .with_header("X-Title", Secret::new("my program"))
        .with_recorder(Arc::clone(&recorder) as _);
    (HttpProvider::new(options).expect("the options are good"), recorder)
}

/// A provider that asks the recording in `path`, with another key and another server.
fn playing(path: &PathBuf) -> (HttpProvider, Arc<Cassette>) {
    let mut file = BufReader::new(File::open(path).expect("it is there"));
    let cassette = Arc::new(Cassette::read(&mut file).expect("it is a recording"));
    let options = HttpOptions::chat("http://nowhere.invalid/v1").expect("the address is good");
    let options = options.with_key(Secret::new("another")).with_cassette(Arc::clone(&cassette));
    (HttpProvider::new(options).expect("the options are good"), cassette)
}

/// The exchanges in `path`, of which no part of the key is left.
fn exchanges(path: &PathBuf) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("it is text");
    assert!(!text.contains("sk-s") && !text.contains("ret/0"), "{text}");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(r#"{"recording":"branchwork-wire","version":1}"#));
    lines.map(|line| serde_json::from_str(line).expect("it is JSON")).collect()
}

/// What a call says; an error as what it says of itself.
async fn ask(
    provider: &HttpProvider,
    request: &ModelRequest,
) -> Vec<Result<ProviderEvent, String>> {
    let told = |error: ProviderError| format!("{error}: {}", error.detail());
    match provider.call(request).await {
        Err(error) => vec![Err(told(error))],
        Ok(events) => events.map(|event| event.map_err(told)).collect().await,
    }
}

fn delta(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
}

const END: &str =
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

#[tokio::test]
async fn a_key_that_the_server_echoes_in_pieces_is_not_in_the_file() {
    let path = new_file("echo");
    let (begin, end) = (delta("your key: sk-secret/0"), delta("again: sk-secret\\/0"));
    let (first, second) = begin.split_at(begin.find("ret").expect("it is there"));
    let reply = Reply::stream(first).with("x-echo", "Bearer sk-secret/0").with("set-cookie", "a=b");
    let server = Server::start([reply.wait().send(second).send(&end).send(END)]).await;
    let (provider, recorder) = recording(&server, &path);
    let asked = request();
    let asking = ask(&provider, &asked);
    let release = async {
        tokio::task::yield_now().await;
        server.release();
    };
    let (live, ()) = tokio::join!(asking, release);
    assert!(
        live.iter()
            .any(|event| matches!(event, Ok(ProviderEvent::Text(text)) if text.contains(KEY)))
    );
    assert!(recorder.take_failure().is_none());
    let mode = fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let [exchange] = exchanges(&path).try_into().expect("there is one");
    let headers = |of: &str| exchange[of]["headers"].to_string();
    assert!(headers("request").contains(r#"["authorization","***"]"#), "{exchange}");
    assert!(headers("request").contains(r#"["x-title","***"]"#), "{exchange}");
    assert!(headers("response").contains(r#"["x-echo","Bearer ***"]"#), "{exchange}");
    assert!(headers("response").contains(r#"["set-cookie","***"]"#), "{exchange}");
    let rendered = provider.render(&request()).expect("it renders").body;
    assert_eq!(exchange["request"]["body"], rendered.to_string());
    assert_eq!((&exchange["method"], &exchange["ended"]), (&"POST".into(), &"whole".into()));
    let pieces = exchange["response"]["pieces"].as_array().expect("there are some");
    let text: String = pieces.iter().map(|piece| piece["text"].as_str().expect("text")).collect();
    assert_eq!(text, format!("{}{}{END}", delta("your key: ***"), delta("again: ***")));
    let times: Vec<_> = pieces.iter().map(|piece| piece["ms"].as_u64().expect("a time")).collect();
    assert!(times.is_sorted() && times.last() <= exchange["ms"].as_u64().as_ref(), "{times:?}");
}

#[tokio::test]
async fn whatever_came_comes_again_from_the_recording() {
    let path = new_file("again");
    let cut_letter = delta("é");
    let place = cut_letter.find('é').expect("it is there") + 1;
    let (first, second) = cut_letter.as_bytes().split_at(place);
    let limited = r#"{"error":{"message":"slow down, sk-secret/0"}}"#;
    let json = r#"{"choices":[{"message":{"content":"Rome"},"finish_reason":"stop"}]}"#;
    let server = Server::start([
        Reply::stream("").send_bytes(first).wait().send_bytes(second).send(END),
        Reply::stream(HEAD).cut(),
        Reply::json(429, limited).with("retry-after", "7"),
        Reply::json(200, json),
        Reply::json(200, r#"{"data":[{"id":"tiny"}]}"#),
        Reply::new(200, "text/html").send("<title>Log in</title>"),
    ])
    .await;
    let (provider, recorder) = recording(&server, &path);
    server.release();
    let asked = [request(), request(), request(), request().without_stream()];
    let mut live = Vec::new();
    for request in &asked {
        live.push(ask(&provider, request).await);
    }
    let models = provider.models().await.expect("they are listed");
    let page = ask(&provider, &request()).await;
    assert!(recorder.take_failure().is_none());
    let ended: Vec<_> = exchanges(&path)
        .iter()
        .map(|one| one["ended"].as_str().expect("text").to_owned())
        .collect();
    assert_eq!(ended, ["whole", "broken", "whole", "whole", "whole", "whole"]);

    let (player, cassette) = playing(&path);
    for (request, live) in asked.iter().zip(&live) {
        let played = ask(&player, request).await;
        assert_eq!(&played, live);
    }
    assert_eq!(player.models().await.expect("they are listed"), models);
    assert_eq!(ask(&player, &request()).await, page);
    assert_eq!(cassette.unplayed(), 0);
    let wait =
        |error: &str| error.contains("the provider limits the rate of calls: slow down, ***");
    assert!(live[2][0].as_ref().is_err_and(|error| wait(error)), "{:?}", live[2]);
}

/// A streamed answer of `protocol` that says these two texts.
fn saying(protocol: Protocol, [one, two]: [&str; 2]) -> Reply {
    match protocol {
        Protocol::Responses(_) => {
            let delta = |text: &str| {
                let kind = "\"type\":\"response.output_text.delta\",\"output_index\":0";
                format!("data: {{{kind},\"delta\":\"{text}\"}}\n\n")
            };
            let end = "data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}\n\n";
            Reply::stream(&delta(one)).send(&delta(two)).send(end)
        }
        Protocol::Anthropic => {
            let delta = |text: &str| {
                let delta = format!("\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}");
                format!("data: {{\"type\":\"content_block_delta\",\"index\":0,{delta}}}\n\n")
            };
            let head = "data: {\"type\":\"message_start\",\"message\":{}}\n\n\
                data: {\"type\":\"content_block_start\",\"index\":0,\
                \"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";
            let end = "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
                data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n\
                data: {\"type\":\"message_stop\"}\n\n";
            Reply::stream(head).send(&delta(one)).send(&delta(two)).send(end)
        }
        Protocol::Gemini => {
            let piece = |text: &str, more: &str| {
                let parts = format!("{{\"parts\":[{{\"text\":\"{text}\"}}]}}");
                format!("data: {{\"candidates\":[{{\"content\":{parts}{more}}}]}}\r\n\r\n")
            };
            let end = piece(two, ",\"finishReason\":\"STOP\"");
            Reply::stream(&piece(one, "")).send(&end)
        }
        Protocol::Ollama => {
            let line =
                |text: &str| format!("{{\"message\":{{\"content\":\"{text}\"}},\"done\":false}}\n");
            let end = "{\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}\n";
            let reply = Reply::new(200, "application/x-ndjson").send(&line(one));
            reply.send(&line(two)).send(end)
        }
        _ => Reply::stream(&delta(one)).send(&delta(two)).send(END),
    }
}

fn said(events: &[Result<ProviderEvent, String>]) -> String {
    let text = |event: &Result<_, _>| match event {
        Ok(ProviderEvent::Text(text)) => Some(text.clone()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

/// Long enough for answers to be looked at for it.
const LONG_KEY: &str = "sk-long/0123456789+abcdef";

#[tokio::test]
async fn every_protocol_is_recorded_and_played_and_no_key_that_is_spelt_is_kept() {
    let (left, right) = LONG_KEY.split_at(11);
    for protocol in Protocol::ALL {
        let path = new_file(&format!("protocol-{}", protocol.as_str()));
        let replies = [["Rome", " is it"], ["echo ", LONG_KEY], [left, right]];
        let server = Server::start(replies.map(|texts| saying(protocol, texts))).await;
        let recorder = Arc::new(FileRecorder::open(&path).expect("it can be made"));
        let options = HttpOptions::new(protocol, &server.base_url).expect("the address is good");
        let keyed = options.clone().with_key(Secret::new(LONG_KEY)).with_recorder(recorder);
        let live = HttpProvider::new(keyed).expect("the options are good");
        let mut told = Vec::new();
        for _ in replies {
            told.push(ask(&live, &request()).await);
        }
        drop(live);
        let texts: Vec<_> = told.iter().map(|events| said(events)).collect();
        assert_eq!(texts, ["Rome is it", "echo ***", "***"], "{protocol:?}");

        let text = fs::read_to_string(&path).expect("it is text");
        let parts = [LONG_KEY, left, right, "0123", "cdef"];
        assert!(parts.iter().all(|part| !text.contains(part)), "{text}");
        let kept = exchanges(&path);
        let ended: Vec<_> = kept.iter().map(|exchange| &exchange["ended"]).collect();
        assert_eq!(ended, ["whole", "whole", "withheld"], "{protocol:?}");
        assert_eq!(kept[2]["response"]["pieces"], Value::Array(Vec::new()));

        let mut file = BufReader::new(File::open(&path).expect("it is there"));
        let cassette = Arc::new(Cassette::read(&mut file).expect("it is a recording"));
        let player = HttpProvider::new(options.with_cassette(cassette)).expect("they are good");
        for live in told.iter().take(2) {
            assert_eq!(&ask(&player, &request()).await, live, "{protocol:?}");
        }
        let withheld = ask(&player, &request()).await;
        let last = withheld.last().and_then(|event| event.as_ref().err());
        assert_eq!(last.map(String::as_str), Some("the answer was cut off: "), "{withheld:?}");
    }
}

#[tokio::test]
async fn calls_that_nobody_waits_for_and_servers_that_are_not_there_are_recorded() {
    let path = new_file("dropped");
    let server = Server::start([Reply::stream(HEAD).stall(), Reply::hold()]).await;
    let (provider, _) = recording(&server, &path);
    let mut events = provider.call(&request()).await.expect("it is accepted");
    events.next().await.expect("more comes").expect("it is no error");
    drop(events);
    {
        let asked = request();
        assert!(provider.call(&asked).now_or_never().is_none(), "nobody answers");
    }
    let port = 1; // Nobody listens there.
    let options = HttpOptions::chat(&format!("127.0.0.1:{port}")).expect("the address is good");
    let recorder = Arc::new(FileRecorder::open(&path).expect("it goes on"));
    let gone = HttpProvider::new(options.with_recorder(recorder)).expect("the options are good");
    gone.call(&request()).await.err().expect("nobody is there");
    let exchanges = exchanges(&path);
    let ended: Vec<_> = exchanges.iter().map(|exchange| &exchange["ended"]).collect();
    assert_eq!(ended, ["dropped", "dropped", "unanswered"]);
    assert!(exchanges[1].get("response").is_none() && exchanges[2].get("response").is_none());
    assert!(exchanges[2]["problem"].as_str().expect("text").starts_with("http://127.0.0.1:1"));

    let (player, _) = playing(&path);
    let played = ask(&player, &request()).await;
    assert_eq!(played[1], Ok(ProviderEvent::Text("Rome ".to_owned())));
    assert_eq!(played.last(), Some(&Err("the answer was cut off: ".to_owned())));
    for _ in 0..2 {
        let refused = player.call(&request()).await.err().expect("nothing came");
        assert!(matches!(refused, ProviderError::Unavailable { .. }), "{refused:?}");
    }
}

#[tokio::test]
async fn what_is_not_in_a_recording_is_refused_with_where_it_differs() {
    let path = new_file("other");
    let server = Server::start([Reply::stream(HEAD).send(END)]).await;
    let (provider, _) = recording(&server, &path);
    ask(&provider, &request()).await;
    let (player, cassette) = playing(&path);
    let mut other = request();
    other.config.temperature = Some(0.5);
    let sent = provider.render(&request()).expect("it renders").body.to_string();
    let asked = provider.render(&other).expect("it renders").body.to_string();
    let byte = sent.bytes().zip(asked.bytes()).take_while(|(one, other)| one == other).count();
    let refused = ask(&player, &other).await;
    let clause = format!("exchange 1 differs from byte {byte} on");
    assert!(refused[0].as_ref().is_err_and(|error| error.contains(&clause)), "{refused:?}");
    assert_eq!(cassette.unplayed(), 1);
    assert!(ask(&player, &request()).await.iter().all(Result::is_ok));
    let refused = ask(&player, &request()).await;
    let clause = "or was asked as often as it is";
    assert!(refused[0].as_ref().is_err_and(|error| error.contains(clause)), "{refused:?}");
}

/// Why `text` is no recording.
fn refused(text: &str) -> String {
    Cassette::read(&mut text.as_bytes()).expect_err("it is none").to_string()
}

#[test]
fn damaged_and_foreign_recordings_are_refused_by_what_is_wrong() {
    let head = "{\"recording\":\"branchwork-wire\",\"version\":1}\n";
    assert_eq!(refused(""), "it does not begin as a recording");
    assert_eq!(refused(&head.replace("wire", "tape")), "it is a recording of something else");
    let newer = head.replace(":1}", ":2}");
    assert_eq!(refused(&newer), "it is a recording of version 2, 1 is known");
    let cut = format!("{head}{{\"method\":\"POST\"");
    assert!(refused(&cut).starts_with("line 2 is no exchange: EOF"), "{}", refused(&cut));
    let piece = |piece: &str| {
        format!(
            "{head}{{\"method\":\"GET\",\"url\":\"u\",\"request\":{{\"headers\":[],\"body\":\"\"}},\
             \"response\":{{\"status\":200,\"headers\":[],\"pieces\":[{piece}]}},\
             \"ended\":\"whole\",\"ms\":1}}\n"
        )
    };
    assert!(Cassette::read(&mut piece("{\"ms\":1,\"hex\":\"c3\"}").as_bytes()).is_ok());
    let wrong = refused(&piece("{\"ms\":1,\"hex\":\"c\"}"));
    assert_eq!(wrong, "line 2 has a piece whose `hex` is no pairs of hexadecimal digits");
    let wrong = refused(&piece("{\"ms\":1}"));
    assert_eq!(wrong, "line 2 has a piece without one of `text` and `hex`");
    assert!(refused(&piece("{\"ms\":1,\"more\":1}")).contains("unknown field `more`"));
}

#[test]
fn a_recorder_goes_on_behind_a_recording_and_writes_into_nothing_else() {
    let path = new_file("foreign");
    fs::write(&path, "dear diary\n").expect("it can be written");
    let refused = FileRecorder::open(&path).expect_err("it is no recording");
    assert_eq!(refused.kind(), ErrorKind::InvalidData);
    assert_eq!(fs::read_to_string(&path).expect("it is text"), "dear diary\n");
    let path = new_file("twice");
    drop(FileRecorder::open(&path).expect("it can be made"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("it is ours");
    drop(FileRecorder::open(&path).expect("it goes on"));
    assert_eq!(exchanges(&path), Vec::<Value>::new());
    let mode = fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_recording_does_not_become_longer_than_it_may() {
    let path = new_file("long");
    drop(FileRecorder::open(&path).expect("it can be made"));
    // A hole: it takes no space.
    let file = File::options().append(true).open(&path).expect("it is there");
    file.set_len(512 * 1024 * 1024).expect("it can be longer");
    let server = Server::start([Reply::stream(HEAD).send(END)]).await;
    let (provider, recorder) = recording(&server, &path);
    assert!(ask(&provider, &request()).await.iter().all(Result::is_ok), "the call is not touched");
    assert_eq!(recorder.left_out(), 1);
    let failure = recorder.take_failure().expect("it is told");
    assert_eq!(failure.kind(), ErrorKind::FileTooLarge);
    fs::remove_file(&path).expect("it is ours");
}
