//! The shapes of `--json`: the fields of each object, and their types.

use serde_json::Value;

use crate::{
    server::{Answer, Server},
    support::Home,
};

/// The fields of an object and the types of their values, in order of name.
fn shape(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::String(text) => match text.split_once('_') {
            Some((kind @ ("ses" | "br" | "op" | "msg" | "mail"), _)) => kind.to_owned(),
            _ => "text".to_owned(),
        },
        Value::Array(items) => format!("[{}]", items.first().map(shape).unwrap_or_default()),
        Value::Object(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| format!("{name}: {}", shape(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

#[test]
fn objects_have_the_documented_fields() {
    let home = Home::with_trip();
    let branch = "{created: text, default: bool, forked_from: null, head: op, id: br, messages: number, name: text}";
    let message =
        "{at: text, content: text, id: msg, kind: text, role: text, sender: text, status: text}";
    let session = "{archived: null, branches: number, created: text, id: ses, messages: number, name: text, updated: text}";
    let ids = home.ids("trip");
    let written = "{branch: text, head: op, message: msg, session: ses}";
    for (arguments, expected) in [
        (vec!["append", "trip", "--role", "user", "x"], written.to_owned()),
        (vec!["edit", "trip", &ids[1], "y"], written.to_owned()),
        (vec!["remove", "trip", "~0"], written.to_owned()),
        (vec!["undo", "trip"], "{branch: text, head: op, messages: number, session: ses}".to_owned()),
        (vec!["log", "trip", "-n", "1"], format!("{{branch: text, head: op, messages: [{message}], session: ses}}")),
        (vec!["branch", "list", "trip"], format!("{{branches: [{branch}], session: ses}}")),
        (vec!["tree", "trip"], format!("{{branches: [{branch}], session: ses}}")),
        (vec!["sessions", "list"], format!("{{sessions: [{session}]}}")),
        (vec!["fork", "trip"], "{branch: text, head: op, session: ses}".to_owned()),
        (vec!["reflog", "trip", "-n", "1"], "{branch: text, entries: [{at: text, cause: text, from: op, revision: number, to: op}], head: op, session: ses}".to_owned()),
        (vec!["sessions", "search", "Rome"], "{hits: [{at: text, branch: br, message: msg, role: text, session: ses, snippet: text}]}".to_owned()),
        (vec!["mail", "send", "trip", "--to", "main", "x"], "{mail: {at: text, category: text, from: text, id: mail, state: text, to: [text]}}".to_owned()),
        (vec!["mail", "inbox", "trip"], "{mails: [{at: text, category: text, from: text, id: mail, state: text, to: text}]}".to_owned()),
        (vec!["mail", "sync", "trip", "--receive"], "{received: [{branch: text, head: op, left: [], taken: [{category: text, from: text, id: mail, messages: [msg], receipt: op}]}], sent: []}".to_owned()),
        (vec!["db", "verify"], "{ok: bool, ops: number, problems: []}".to_owned()),
        (vec!["db", "stats"], "{blobs: number, branches: number, bytes: number, ops: number, sessions: number}".to_owned()),
        (vec!["version"], "{version: text}".to_owned()),
        (vec!["config", "path"], "{path: text}".to_owned()),
    ] {
        assert_eq!(shape(&home.json(&arguments)), expected, "{arguments:?}");
    }
}

#[test]
fn an_answer_has_the_documented_fields() {
    let (home, server) =
        (Home::new(), Server::start([&["a"][..], &["s"], &["b", "c"]].map(Answer::Text)));
    let ask = |more: &[&str]| home.run(&[&server.options()[..], more, &["q"]].concat()).out;
    let answer: Value = serde_json::from_str(&ask(&["--json"])).unwrap();
    let fields = "branch: text, finish: text, head: op, message: msg, model: text, session: ses, status: text, text: text, usage: {cache_write_tokens: null, cached_tokens: null, input_tokens: number, output_tokens: number, reasoning_tokens: null}";
    assert_eq!(shape(&answer), format!("{{{fields}}}"));
    let asked: Value = serde_json::from_str(&ask(&["-n", "1", "--json"])).unwrap();
    let item = "branch: text, context: null, error: null, finish: text, instruction: text, message: msg, model: null, sample: number, text: text, usage: {cache_write_tokens: null, cached_tokens: null, input_tokens: number, output_tokens: number, reasoning_tokens: null}";
    assert_eq!(shape(&asked), format!("{{branch: text, items: [{{{item}}}], session: ses}}"));
    let events: Vec<Value> =
        ask(&["--stream-json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["started", "text", "text", "usage", "completed"]);
    assert!(events.iter().all(|event| event["session"].is_string() && event["branch"] == "main"));
    assert_eq!(events[4]["text"], "bc");
}

#[test]
fn a_failure_is_an_object_on_standard_error() {
    let home = Home::with_trip();
    let ran = home.run(&["log", "tirp", "--json"]);
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!((ran.code, ran.out.as_str()), (3, ""));
    assert_eq!(error["error"]["code"], "not_found");
    assert_eq!(error["error"]["hint"], "did you mean `trip`?");
    let ran = home.run(&["--json", "log", "--bogus"]);
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!((ran.code, &error["error"]["code"]), (2, &"usage".into()));
}
