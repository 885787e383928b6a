//! Breakpoints of the cache, and the bytes that it compares.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use branchwork_core::{
    message::{Body, CallId, Outcome, Part},
    provider::ModelRequest,
};
use serde_json::{Value, json};

use super::{call, message, native, offered, render, request, response, result, sent, signed};

/// The request of a conversation that other branches share up to these messages.
fn shared(bodies: Vec<Body>, shared: &[usize]) -> ModelRequest {
    let mut request = request(bodies);
    request.cache.shared = shared.to_vec();
    request
}

/// How many breakpoints there are in `value`.
fn breakpoints(value: &Value) -> usize {
    match value {
        Value::Object(fields) => {
            let own = usize::from(fields.contains_key("cache_control"));
            own + fields.values().map(breakpoints).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(breakpoints).sum(),
        _ => 0,
    }
}

/// The texts that are breakpoints in messages.
fn marked(request: &ModelRequest) -> Vec<String> {
    let body = sent(request);
    let messages = body["messages"].as_array().expect("a list");
    let blocks = messages.iter().filter_map(|message| message["content"].as_array()).flatten();
    let marked = blocks.filter(|block| block.get("cache_control").is_some());
    marked.map(|block| block["text"].as_str().unwrap_or("?").to_owned()).collect()
}

fn counted(count: usize) -> Vec<Body> {
    let system = Body::System { text: "Be brief".to_owned() };
    let said = (1..count).map(|place| match place % 2 {
        1 => Body::instruction(place.to_string()),
        _ => Body::response(place.to_string()),
    });
    std::iter::once(system).chain(said).collect()
}

#[test]
fn the_last_points_where_branches_part_count() {
    let request = |at: &[usize]| shared(counted(8), at);
    assert_eq!(marked(&request(&[])), [""; 0]);
    assert_eq!(marked(&request(&[3])), ["2"]);
    assert_eq!(marked(&request(&[2, 4, 5, 7])), ["4", "6"]);
    for count in 0..8 {
        let at: Vec<_> = (1..=count).collect();
        let found = breakpoints(&sent(&request(&at)));
        // The tail, the system prompt, two of the forks; the first message is the system prompt.
        assert_eq!(found, 2 + count.saturating_sub(1).min(2), "{at:?}");
        let rendered = render(&request(&at));
        assert_eq!(rendered, render(&request(&at)), "the same request is the same bytes");
    }
}

#[test]
fn tools_are_a_breakpoint_where_there_is_no_system_prompt() {
    let found = |request: &ModelRequest| {
        let body = sent(request);
        (breakpoints(&body["tools"]), breakpoints(&body["system"]), breakpoints(&body))
    };
    let mut offered = offered(vec![Body::instruction("hi")]);
    assert_eq!(found(&offered), (1, 0, 2));
    offered.messages.insert(0, message(Body::System { text: "Be brief".to_owned() }));
    assert_eq!(found(&offered), (0, 1, 2));
    // A breakpoint that the tools of the server bring takes the place of ours.
    let own = json!([{"type": "bash_20250124", "cache_control": {"type": "ephemeral"}}]);
    offered.config.extras.insert("tools".to_owned(), own);
    assert_eq!(found(&offered), (1, 0, 2));
    let two = json!([{"cache_control": {}}, {"cache_control": {}}]);
    offered.config.extras.insert("tools".to_owned(), two);
    let refused = "the extra parameter `tools` has 2 breakpoints of the cache, and 1 is free";
    assert_eq!(render(&offered), Err(refused.to_owned()));
}

#[test]
fn how_long_is_cached_is_said_everywhere_or_nowhere() {
    let mut request = shared(counted(4), &[2, 3]);
    let control = json!({"type": "ephemeral", "ttl": "1h"});
    request.config.extras.insert("cache_control".to_owned(), control.clone());
    let rendered = render(&request).expect("a good request");
    assert_eq!(rendered.matches(&format!(r#""cache_control":{control}"#)).count(), 4);
    assert_eq!(breakpoints(&sent(&request)), 4);
    request.config.extras.insert("cache_control".to_owned(), Value::Null);
    assert_eq!(breakpoints(&sent(&request)), 0);
}

#[test]
fn what_is_hidden_or_empty_is_no_breakpoint() {
    let thought = json!({"type": "thinking", "thinking": "hm", "signature": "s"});
    let answer = response(vec![
        Part::text("a"),
        signed("tiny", thought),
        native("tiny", json!({"type": "unheard_of"})),
    ]);
    let bodies = vec![Body::instruction("hi"), answer, Body::instruction("hi")];
    assert_eq!(marked(&shared(bodies, &[2])), ["a"]);
    let calls = Body::ActionRequest { parts: vec![], calls: vec![call("c1", "{}")] };
    let empty = result(Outcome::Succeeded(json!("")));
    let bodies = vec![Body::instruction("hi"), calls, empty, Body::instruction("ho")];
    assert_eq!(marked(&shared(bodies.clone(), &[3])), [""; 0]);
    assert_eq!(marked(&shared(bodies, &[2])), ["?"]);
}

/// Bodies of every kind that are no system prompt.
fn talk() -> Vec<Body> {
    let thought = json!({"type": "thinking", "thinking": "hm", "signature": "s"});
    let search = json!({"type": "server_tool_use", "id": "s1", "name": "a", "input": {}});
    let found = json!({"type": "web_search_tool_result", "tool_use_id": "s1", "content": []});
    let calls = vec![call("look#1", "{\"a\":")];
    vec![
        Body::response("begin"),
        Body::instruction("look"),
        Body::ActionRequest { parts: vec![signed("tiny", thought), Part::text("a")], calls },
        Body::ActionResponse {
            call: CallId::new("look#1"),
            function: "look".to_owned(),
            outcome: Outcome::Unknown,
        },
        Body::response(""),
        response(vec![native("tiny", search), native("tiny", found), Part::text("done ")]),
        Body::response("more"),
        Body::instruction(" "),
        super::asked(vec![Part::text("and?")], Some(json!({"z": 1, "a": 2}))),
        Body::instruction("please"),
    ]
}

/// What was hashed of each block of the messages, without the breakpoints: what the cache compares.
fn hashes(request: &ModelRequest) -> Vec<u64> {
    let mut body = sent(request);
    let mut hashes = Vec::new();
    for message in body["messages"].as_array_mut().expect("a list") {
        let role = message["role"].clone();
        for block in message["content"].as_array_mut().expect("a list") {
            block.as_object_mut().expect("a block").remove("cache_control");
            let mut hasher = DefaultHasher::new();
            (&role, &*block).hash(&mut hasher);
            hashes.push(hasher.finish());
        }
    }
    hashes
}

#[test]
fn what_the_cache_compares_stays_when_the_conversation_grows_and_forks() {
    let go_on = hashes(&request(vec![]));
    for shorter in 0..talk().len() {
        for forks in [vec![], vec![1], vec![2, 3, shorter]] {
            let before = shared(talk().into_iter().take(shorter).collect(), &[]);
            let mut before = hashes(&before);
            let after = hashes(&shared(talk(), &forks));
            // What is asked where an answer is the last, or where there is nothing.
            if !after.starts_with(&before) {
                assert_eq!(before.pop().as_slice(), go_on.as_slice(), "{shorter}");
            }
            assert!(after.starts_with(&before), "{shorter}");
        }
    }
}

/// Invariant 10: the request of a longer conversation begins with that of the shorter one.
#[test]
fn invariant_10_a_longer_conversation_begins_with_the_bytes_of_the_shorter_one() {
    for model in ["tiny", "claude-opus-5", "claude-fable-5-1"] {
        let mut request = offered(Vec::new());
        request.config.model = Some(model.to_owned());
        let mut prefix = String::new();
        for len in 0..=talk().len() {
            request.messages = talk().into_iter().take(len).map(message).collect();
            let rendered = render(&request).expect("good");
            assert!(!rendered.contains("msg_") && !rendered.contains("\"ada\""), "{rendered}");
            assert!(rendered.starts_with(&prefix), "{model} at {len}: {prefix} {rendered}");
            let go_on = super::GO_ON;
            let open = rendered.strip_suffix("]}").expect("messages are last");
            let open = open.strip_suffix(go_on).unwrap_or(open);
            let open = open.trim_end_matches(',');
            open.strip_suffix("]}").unwrap_or(open).clone_into(&mut prefix);
        }
    }
}
