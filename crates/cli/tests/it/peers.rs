//! Against servers that others wrote: a real model, and a peer that misbehaves.
//!
//! Both come from the Python registry through `cargo xtask`, and end with this process.

use std::{
    io::Read as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::support::{Home, Ran, prefix};

/// Starts a server by `cargo xtask`; answers its base URL.
fn start(arguments: &[&str]) -> String {
    let name = format!("test-{}", std::process::id());
    let owner = std::process::id().to_string();
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "xtask", "--"])
        .args(arguments)
        .args(["--port", "0", "--state-name", &name, "--owner-pid", &owner])
        .output()
        .unwrap();
    let ran = Ran::new(&output);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.out.trim().to_owned()
}

#[test]
fn a_conversation_with_a_real_model() {
    let url = start(&["model", "start"]);
    let home = Home::new();
    let ask = |more: &[&str]| {
        let options =
            ["--base-url", &url, "--max-tokens", "32", "--seed", "7", "--temperature", "0"];
        let ran = home.run(&[&options[..], more].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.out
    };
    // Chat, whole and streamed: the answer is what is kept.
    let first: Value = serde_json::from_str(&ask(&["-t", "rome", "--json", "Say hello."])).unwrap();
    assert!(first["usage"]["input_tokens"].as_u64().unwrap() > 0);
    assert_eq!(home.texts("rome"), ["Say hello.", first["text"].as_str().unwrap()]);
    let events = ask(&["-S", "rome", "--stream-json", "Say it in French."]);
    let events: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let pieces = events.iter().filter(|event| event["event"] == "text");
    let text: String = pieces.map(|event| event["text"].as_str().unwrap()).collect();
    assert_eq!(home.texts("rome")[3], text);
    // Fork at the first answer; both branches go on.
    let ids = home.ids("rome");
    home.json(&["fork", "rome", "--at", &prefix(&ids[1]), "--name", "aside"]);
    ask(&["-S", "rome", "-b", "aside", "And in German?"]);
    ask(&["-S", "rome", "-b", "main", "And in Latin?"]);
    assert_eq!((home.texts("rome").len(), home.texts("rome@aside").len()), (6, 4));
    assert_eq!(home.ids("rome")[..2], home.ids("rome@aside")[..2]);
    // Go back, and back again.
    home.json(&["rewind", "rome", "--to", &ids[1]]);
    assert_eq!(home.texts("rome").len(), 2);
    home.json(&["undo", "rome"]);
    assert_eq!(home.texts("rome").len(), 6);
    interrupt_and_kill(&home, &url);
    assert_eq!(home.json(&["db", "verify"])["ok"], true);
}

/// Ctrl-C keeps the part; SIGKILL keeps the question; the file is whole after both.
fn interrupt_and_kill(home: &Home, url: &str) {
    for (signal, session) in [("-INT", "stopped"), ("-KILL", "killed")] {
        let prompt = "Count from one to five hundred, in words.";
        let arguments = ["--base-url", url, "--max-tokens", "400", "-t", session, prompt];
        let mut command = home.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        assert!(
            Command::new("kill")
                .args([signal, &child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
        let ran = Ran::new(&child.wait_with_output().unwrap());
        let log = home.json(&["log", session]);
        let messages = log["messages"].as_array().unwrap();
        assert_eq!(messages[0]["content"], prompt);
        if signal == "-INT" {
            assert_eq!((ran.code, &messages[1]["status"]), (130, &"interrupted".into()));
            assert_ne!(messages[1]["content"], "");
        } else {
            assert_eq!(messages.len(), 1, "no half turn is taken for a whole one");
        }
    }
}

/// Tells the peer how to behave next.
fn behave(url: &str, behaviours: &str) {
    use std::io::Write as _;
    let authority = url.trim_start_matches("http://").trim_end_matches("/v1");
    let body = format!("{{\"behaviors\":[{behaviours}]}}");
    let mut stream = std::net::TcpStream::connect(authority).unwrap();
    write!(
        stream,
        "POST /_llmock/scenario HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
}

#[test]
fn a_peer_of_another_make_calls_tools_and_fails_in_every_way() {
    let url = start(&["peer", "start", "llmock"]);
    let home = Home::new();
    let ask = |session: &str| {
        let options = ["--base-url", &url, "-m", "gpt-4o", "--json", "-t", session, "Hello"];
        home.run(&options)
    };
    let fine = ask("fine");
    assert_eq!(fine.code, 0, "{fine:?}");
    behave(
        &url,
        r#"{"type":"reply","tool_calls":[{"name":"get_weather","arguments":{"city":"Rome"}}]}"#,
    );
    let called = ask("called");
    assert_eq!(called.code, 0, "{called:?}");
    let log = home.json(&["log", "called"]);
    let kinds: Vec<_> =
        log["messages"].as_array().unwrap().iter().map(|m| m["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["instruction", "action_request", "action_response"]);
    assert_eq!(log["messages"][1]["calls"][0]["function"], "get_weather");
    for (session, behaviour) in [
        ("limited", r#"{"type":"fail","status":429,"retry_after":2,"times":1}"#),
        ("broken", r#"{"type":"fail","status":500,"times":1}"#),
        ("cut", r#"{"type":"stream_fault","kind":"truncate","after_chunks":2}"#),
        ("gone", r#"{"type":"stream_fault","kind":"disconnect","after_chunks":2}"#),
        ("garbled", r#"{"type":"stream_fault","kind":"malformed","after_chunks":2}"#),
    ] {
        behave(&url, behaviour);
        let ran = ask(session);
        assert_eq!(ran.code, 5, "{session}: {ran:?}");
        let log = home.json(&["log", session]);
        assert_eq!(log["messages"][0]["content"], "Hello", "{session}");
        assert_eq!(log["messages"][1]["status"], "failed", "{session}");
    }
    assert_eq!(home.json(&["db", "verify"])["ok"], true);
}
