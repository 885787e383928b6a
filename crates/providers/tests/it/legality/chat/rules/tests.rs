//! That the rules see what breaks them.

use serde_json::json;

use super::*;

/// A request that keeps every rule of `server`.
fn good(server: Server) -> Value {
    let call = |id: &str| {
        json!({
            "id": id, "type": "function", "function": { "name": "look", "arguments": "{}" },
        })
    };
    let mut calling = json!({
        "role": "assistant", "content": null, "tool_calls": [call("c12345678"), call("c87654321")],
    });
    if server.wants_thoughts {
        calling["reasoning_content"] = json!("");
    }
    json!({
        "model": "tiny", "stream": true, "stream_options": { "include_usage": true },
        "tools": [{ "type": "function" }], "tool_choice": "required",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": [{ "type": "text", "text": "Where?" }] },
            calling,
            { "role": "tool", "tool_call_id": "c12345678", "content": "18" },
            { "role": "tool", "tool_call_id": "c87654321", "content": "" },
            { "role": "assistant", "content": "Rome." },
            { "role": "user", "content": "And then?" },
        ],
    })
}

fn named(name: &str) -> Server {
    let server = SERVERS.into_iter().find(|server| server.name == name);
    server.unwrap_or_else(|| panic!("{name} is listed"))
}

/// Checks that the good request for `server` breaks `rule`, and no other, when it has `value` at `place`.
fn check_at(server: &str, place: &str, value: Value, rule: &str) {
    let server = named(server);
    let mut body = good(server);
    if let Some(found) = body.pointer_mut(place) {
        *found = value;
    } else {
        let (parent, name) = place.rsplit_once('/').expect("it is a place");
        body.pointer_mut(parent).expect("it is there")[name] = value;
    }
    let breaches = Request::read(server, &body).breaches();
    let [breach] = breaches.as_slice() else { panic!("{rule}: {breaches:?} in {body:#}") };
    assert!(breach.contains(rule), "{rule}: {breach}");
}

fn check(place: &str, value: Value, rule: &str) {
    check_at("openai", place, value, rule);
}

#[test]
fn what_servers_take_is_no_breach() {
    for server in SERVERS {
        assert_eq!(Request::read(server, &good(server)).breaches(), [""; 0], "{server:?}");
    }
}

#[test]
fn each_breach_of_a_rule_is_seen() {
    let messages = "/messages/2/tool_calls";
    check("/messages", json!([]), "one message at least");
    check("/messages/0/role", json!("narrator"), "is not one of");
    check("/messages/0/name", json!("x"), "Additional properties");
    check("/messages/5/reasoning_content", json!("hm"), "Additional properties");
    check("/messages/6/content", json!(null), "content of a user");
    check("/messages/1/content", json!([]), "content of a user");
    for part in [
        json!({ "type": "output_text", "text": "a" }),
        json!({ "type": "image_url", "image_url": { "url": "a", "detail": "fine" } }),
        json!({ "type": "input_audio", "input_audio": { "data": "a", "format": "ogg" } }),
        json!({ "type": "file", "file": { "file_data": "a" } }),
    ] {
        check("/messages/1/content/0", part, "content of a user");
    }
    check("/messages/0/content", json!([]), "content of a system message");
    check("/messages/5/content", json!(""), "an answer has content or calls");
    check("/messages/5/content", json!(null), "an answer has content or calls");
    check("/messages/5/tool_calls", json!([]), "[] is too short");
    check(&format!("{messages}/0/type"), json!("tool"), "[] is too short");
    check(&format!("{messages}/0/index"), json!(0), "[] is too short");
    check(&format!("{messages}/0/function/name"), json!("a.b"), "function.name");
    check(&format!("{messages}/0/function/name"), json!("x".repeat(65)), "function.name");
    check(&format!("{messages}/0/function/arguments"), json!("{"), "function.arguments");
    check(&format!("{messages}/0/function/arguments"), json!({}), "function.arguments");
    check("/messages/4/content", json!(null), "must be a response");
}

#[test]
fn each_breach_of_the_pairing_of_calls_and_results_is_seen() {
    let server = named("openai");
    let broken = |change: fn(&mut Vec<Value>)| {
        let mut body = good(server);
        change(body["messages"].as_array_mut().expect("a list"));
        Request::read(server, &body).breaches()
    };
    let (unanswered, lone) = (RULES[11].0, RULES[12].0);
    assert_eq!(broken(|messages| drop(messages.remove(4))), [unanswered]);
    assert_eq!(broken(|messages| messages.swap(4, 5)), [unanswered, lone]);
    assert_eq!(broken(|messages| messages.insert(4, messages[3].clone())), [unanswered]);
    assert_eq!(broken(|messages| messages.push(messages[3].clone())), [lone]);
    assert_eq!(broken(|messages| drop(messages.remove(2))), [lone]);
    assert_eq!(broken(|messages| drop(messages.drain(..3))), [lone]);
    assert_eq!(broken(|messages| messages[3]["tool_call_id"] = json!("c1")), [unanswered, lone]);
    let same = broken(|messages| {
        messages[2]["tool_calls"][1]["id"] = json!("c12345678");
        messages[4]["tool_call_id"] = json!("c12345678");
    });
    assert_eq!(same, [RULES[8].0, unanswered]);
}

#[test]
fn each_breach_of_what_one_server_wants_is_seen() {
    for (server, id) in
        [("openai", "x".repeat(41)), ("mistral", "call_1".to_owned()), ("lmstudio", String::new())]
    {
        let server = named(server);
        let mut body = good(server);
        body["messages"][2]["tool_calls"][0]["id"] = json!(id);
        body["messages"][3]["tool_call_id"] = json!(id);
        assert_eq!(Request::read(server, &body).breaches(), [RULES[7].0], "{server:?}");
    }
    check_at("deepseek", "/messages/2/reasoning_content", json!(null), "must be passed back");
    let server = named("mistral");
    let mut body = good(server);
    drop(body["messages"].as_array_mut().expect("a list").remove(5));
    assert_eq!(Request::read(server, &body).breaches(), [RULES[14].0]);
    check("/stream", json!(false), "only allowed when 'stream'");
    check("/tools", json!([]), "only allowed when 'tools'");
}
