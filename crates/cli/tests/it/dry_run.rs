//! `--dry-run`: what it prints is what is sent.

use serde_json::Value;

use crate::{
    server::{Answer, Server},
    support::Home,
};

/// A whole answer in the words of Anthropic, whose requests mark where branches part.
const ANSWER: &str = "\
event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"x\",\"content\":[],\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n\
event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Rome.\"}}\n\n\
event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\n\
event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// The request that a dry run with `arguments` prints, which is also what is sent then.
fn asked(home: &Home, server: &Server, arguments: &[&str]) -> Value {
    let planned = home.run(&[&["--dry-run"], arguments].concat());
    assert_eq!(planned.code, 0, "{arguments:?}: {planned:?}");
    let planned: Value = serde_json::from_str(&planned.out).unwrap();
    let ran = home.run(arguments);
    assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    assert_eq!(server.requests().last(), Some(&planned["body"]), "{arguments:?}");
    planned["body"].clone()
}

/// The texts after which the provider is told that branches part.
fn marked(body: &Value) -> Vec<&str> {
    let messages = body["messages"].as_array().unwrap().iter();
    let blocks = messages.flat_map(|message| message["content"].as_array().into_iter().flatten());
    let marked = blocks.filter(|block| block.get("cache_control").is_some());
    marked.map(|block| block["text"].as_str().unwrap()).collect()
}

#[test]
fn a_dry_run_prints_what_is_sent_also_after_an_undo_and_on_a_fork() {
    let (home, server) = (Home::new(), Server::start((0..6).map(|_| Answer::Raw(ANSWER))));
    home.json(&["config", "set", "providers.lab.base_url", &server.url]);
    home.json(&["config", "set", "providers.lab.protocol", "anthropic"]);
    let first = ["-m", "lab:x", "-t", "trip", "-s", "Be brief.", "Warm?"];
    assert!(marked(&asked(&home, &server, &first)).is_empty(), "one way so far");
    let next = ["-S", "trip", "Cold?"];
    assert!(marked(&asked(&home, &server, &next)).is_empty());
    home.json(&["undo", "trip"]);
    assert_eq!(marked(&asked(&home, &server, &next)), ["Rome."], "the way that was undone");
    let question = home.ids("trip")[1].clone();
    let aside = asked(&home, &server, &["-S", "trip", "--from", &question, "Dry?"]);
    assert_eq!(marked(&aside), ["Warm?"]);
    let last = home.ids("trip").pop().unwrap();
    asked(&home, &server, &["-S", "trip", "--from", &last, "Wet?"]);
    asked(&home, &server, &["-S", "trip", "-b", "main-2", "Windy?"]);
}

#[test]
fn a_dry_run_of_openai_names_the_key_of_the_cache() {
    let (home, server) = (Home::new(), Server::start([]));
    home.json(&["config", "set", "providers.openai.base_url", &server.url]);
    let plan = |arguments: &[&str]| {
        let ran = home.run(&[&["--dry-run", "-m", "openai:x"], arguments].concat());
        serde_json::from_str::<Value>(&ran.out).unwrap()["body"]["prompt_cache_key"].clone()
    };
    assert_eq!(plan(&["q"]), Value::Null, "it follows from a session that is not there yet");
    home.json(&["append", "trip", "--create", "--role", "user", "Warm?"]);
    let key = plan(&["-S", "trip", "q"]);
    assert!(key.as_str().unwrap().starts_with("branchwork-"), "{key}");
    assert_eq!(plan(&["-S", "trip", "another"]), key);
}

#[test]
fn a_dry_run_refuses_what_would_be_refused() {
    let home = Home::with_trip();
    let ran = home.run(&["--dry-run", "-m", "ollama:x", "-S", "trip", "-s", "Be kind.", "q"]);
    ran.fails(2, "a system message for a session that is there");
}

#[test]
fn asking_from_an_old_message_asks_the_model_of_that_moment() {
    let home = Home::new();
    let server = Server::start((0..2).map(|_| Answer::Text(&["well"])));
    home.json(&["config", "set", "providers.lab.base_url", &server.url]);
    assert_eq!(home.run(&["-m", "lab:old", "-t", "trip", "Warm?"]).code, 0);
    let question = home.ids("trip")[0].clone();
    home.json(&["config-branch", "set", "trip", "model", "new"]);
    assert_eq!(home.run(&["-S", "trip", "--from", &question, "Cold?"]).code, 0);
    assert_eq!(server.requests()[1]["model"], "old");
}
