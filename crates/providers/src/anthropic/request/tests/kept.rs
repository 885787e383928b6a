//! What a server said comes back to it as it was.

use branchwork_core::{message::Body, turn::Answer};
use serde_json::{Map, Value, json};

use super::{offered, sent};
use crate::{
    anthropic::answer::Decoder,
    framing::Framing,
    testing::{self, fixture, reporter},
};

fn recorded(name: &str) -> Vec<u8> {
    fixture(&format!("anthropic/{name}"))
}

/// The answer of that fixture, as a history keeps it.
fn answered(name: &str) -> Body {
    kept(name, &recorded(name))
}

fn kept(name: &str, recorded: &[u8]) -> Body {
    let decoder = Decoder::new(reporter(), &testing::request(Vec::new()));
    let (events, ended) = if recorded.starts_with(b"{") {
        testing::decode_whole(decoder, recorded)
    } else {
        testing::decode(decoder, Framing::Events, [recorded])
    };
    assert!(ended.is_ok(), "{name}: {ended:?}");
    let mut answer = Answer::default();
    for event in events {
        answer.push(event);
    }
    answer.body()
}

/// Checks that the blocks of the answer of that fixture are sent back as they are.
fn check(name: &str, blocks: Vec<Value>) {
    let request = offered(vec![Body::instruction("hi"), answered(name)]);
    let expected: Vec<_> = blocks.into_iter().map(without_defaults).collect();
    assert_eq!(sent(&request)["messages"][1]["content"], Value::from(expected), "{name}");
}

/// A list without citations is not sent, nor that a call of ours is one of the model itself; both say
/// nothing.
fn without_defaults(mut block: Value) -> Value {
    let is_uncited = block["citations"].as_array().is_none_or(Vec::is_empty);
    let is_direct = block["type"] == "tool_use" && block["caller"]["type"] == "direct";
    let fields = block.as_object_mut().expect("an object");
    if is_uncited {
        fields.remove("citations");
    }
    if is_direct {
        fields.remove("caller");
    }
    block
}

/// The blocks of a recorded stream, put together as the documentation says.
fn blocks_of(stream: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stream).expect("text");
    let (mut blocks, mut input) = (Vec::new(), String::new());
    for line in text.lines().filter_map(|line| line.strip_prefix("data:")) {
        let event: Value = serde_json::from_str(line).expect("JSON");
        match event["type"].as_str() {
            Some("content_block_start") => blocks.push(event["content_block"].clone()),
            Some("content_block_delta") => {
                let block = blocks.last_mut().and_then(Value::as_object_mut).expect("it began");
                add(block, &event["delta"], &mut input);
            }
            Some("content_block_stop") if !input.is_empty() => {
                let block = blocks.last_mut().expect("it began");
                block["input"] = serde_json::from_str(&input).expect("JSON");
                input.clear();
            }
            _ => {}
        }
    }
    blocks
}

fn add(block: &mut Map<String, Value>, delta: &Value, input: &mut String) {
    for (name, more) in delta.as_object().expect("an object") {
        match (name.as_str(), block.get_mut(name), more) {
            ("type", ..) => {}
            ("partial_json", _, Value::String(more)) => input.push_str(more),
            ("citation", _, more) => {
                let cited = block.get_mut("citations").and_then(Value::as_array_mut);
                cited.expect("a list").push(more.clone());
            }
            (_, Some(Value::String(text)), Value::String(more)) => text.push_str(more),
            (_, _, more) => {
                block.insert(name.clone(), more.clone());
            }
        }
    }
}

#[test]
fn whole_answers_go_back_unchanged() {
    for name in ["thinking.json", "calls.json", "structured.json"] {
        let body: Value = serde_json::from_slice(&recorded(name)).expect("JSON");
        check(name, body["content"].as_array().expect("blocks").clone());
    }
}

#[test]
fn streamed_answers_go_back_unchanged() {
    for (name, kinds) in [
        ("thinking.sse", "thinking text"),
        ("calls.sse", "text tool_use tool_use"),
        ("sdk_tool_use.sse", "text tool_use"),
        ("sdk_compaction.sse", "compaction text"),
        ("sdk_fallback.sse", "fallback text"),
        ("sdk_server_tool_use.sse", "server_tool_use web_search_tool_result text"),
    ] {
        let blocks = blocks_of(&recorded(name));
        let found: Vec<_> = blocks.iter().map(|block| block["type"].as_str()).collect();
        let found = found.into_iter().collect::<Option<Vec<_>>>().expect("each has a type");
        assert_eq!(found.join(" "), kinds, "{name}");
        check(name, blocks);
    }
}

/// The API refuses a call whose caller it does not know.
#[test]
fn what_else_is_said_of_a_call_goes_back_with_it_and_its_caller_where_that_is_sent() {
    let server =
        json!({ "type": "server_tool_use", "id": "s1", "name": "code_execution", "input": {} });
    let result =
        json!({ "type": "code_execution_tool_result", "tool_use_id": "s1", "content": [] });
    let caller = json!({ "type": "code_execution_20260120", "tool_id": "s1" });
    let call = json!({ "type": "tool_use", "id": "c1", "name": "look", "input": {}, "new": [1], "caller": caller });
    let mut orphan = call.clone();
    orphan.as_object_mut().expect("an object").remove("caller");
    for (blocks, expected) in [
        (vec![&server, &result, &call], vec![&server, &result, &call]),
        (vec![&server, &call], vec![&orphan]),
    ] {
        let body = json!({ "type": "message", "content": blocks, "stop_reason": "tool_use" });
        let body = kept("a call", body.to_string().as_bytes());
        let sent_back = sent(&offered(vec![Body::instruction("hi"), body.clone()]));
        assert_eq!(sent_back["messages"][1]["content"], json!(expected));
        // Another server would not know what it means.
        let mut other = offered(vec![Body::instruction("hi"), body]);
        other.config.model = Some("deepseek-chat".to_owned());
        let content = &sent(&other)["messages"][1]["content"];
        let sent_back = content.as_array().expect("blocks").last().expect("the call");
        assert_eq!((&sent_back["new"], &sent_back["caller"]), (&Value::Null, &Value::Null));
    }
}
