//! The rules of the Responses protocol.
//!
//! | rule | source |
//! |---|---|
//! | `nothing_stored` | items are looked up only where something is stored; we store nothing |
//! | `roles` | `role` is one of `user`, `assistant`, `system`, `developer`; an assistant says text (API reference) |
//! | `contents` | content of a user is a string or a list of `input_text`, `input_image`, `input_file` |
//! | `identifiers` | "Invalid 'input\[5\].call_id': string too long. Expected a string with maximum length 64" |
//! | `names` | "Invalid 'input\[222\].name': string does not match pattern '^\[a-zA-Z0-9_-\]+$'" |
//! | `arguments` | arguments are JSON: templates of open models parse them |
//! | `results` | "No tool output found for function call", "No tool call found for function call output" |
//! | `successors` | "'reasoning' was provided without its required following item" |
//! | `thoughts` | "Unknown parameter: 'input\[1\].status'", "Item with id 'rs_…' not found", a `summary` is required |
//! | `models` | "The encrypted content … could not be verified" |
//! | `duplicates` | "Duplicate item found with id …" |
//! | `pairs` | "No tool output found for custom tool call", "No tool call found for shell call output" |
//! | `containers` | "Expected container_id: cntr_…" |

use std::{collections::BTreeSet, sync::Arc};

use branchwork_core::{
    config::Config,
    message::{Body, Message, Native, Part},
    provider::{ModelRequest, Provider as _, RenderedRequest},
};
use branchwork_providers::{HttpOptions, HttpProvider};
use branchwork_testkit::histories;
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use super::cases;

/// The content of a seal of the model that is asked; those of others have another.
const SEAL: &str = "of tiny";

/// Whether an item, or all of them, keep a rule.
type Of<T> = fn(&T) -> bool;

/// What the rules of the protocol find in the body of a request, each by its name.
fn breaches(body: &Value) -> BTreeSet<&'static str> {
    let empty = Vec::new();
    let items = body["input"].as_array().unwrap_or(&empty);
    let each: [(&str, Of<Value>); 8] = [
        ("roles", roles),
        ("contents", contents),
        ("identifiers", identifiers),
        ("names", names),
        ("arguments", arguments),
        ("thoughts", thoughts),
        ("models", models),
        ("containers", containers),
    ];
    let all: [(&str, Of<[Value]>); 5] = [
        ("input", |items| !items.is_empty()),
        ("results", results),
        ("successors", successors),
        ("duplicates", duplicates),
        ("pairs", pairs),
    ];
    let each = each.into_iter().filter(|(_, keeps)| !items.iter().all(keeps)).map(|(name, _)| name);
    let all = all.into_iter().filter(|(_, keeps)| !keeps(items)).map(|(name, _)| name);
    let stored = (!nothing_stored(body)).then_some("nothing_stored");
    each.chain(all).chain(stored).collect()
}

fn kind(item: &Value) -> &str {
    item["type"].as_str().unwrap_or_default()
}

fn nothing_stored(body: &Value) -> bool {
    let is_said = |name: &str| body.get(name).is_some();
    let refers = ["previous_response_id", "conversation"].into_iter().any(is_said);
    let items = body["input"].as_array();
    let is_text = |item: &Value| matches!(kind(item), "message" | "function_call");
    let names_one = items.is_some_and(|items| {
        items
            .iter()
            .any(|item| kind(item) == "item_reference" || is_text(item) && item.get("id").is_some())
    });
    items.is_some() && body["store"] == false && !refers && !names_one
}

fn roles(item: &Value) -> bool {
    match (kind(item), item["role"].as_str()) {
        ("message", Some("user" | "system" | "developer")) => item.get("phase").is_none(),
        ("message", Some("assistant")) => {
            let phase = item.get("phase").and_then(Value::as_str);
            item["content"].as_str().is_some_and(|text| !text.is_empty())
                && matches!(phase, None | Some("commentary" | "final_answer"))
        }
        ("message" | "", _) => false,
        _ => true,
    }
}

fn contents(item: &Value) -> bool {
    if kind(item) != "message" {
        return true;
    }
    let Value::Array(parts) = &item["content"] else { return item["content"].is_string() };
    let is_text = |value: &Value| value.is_string();
    parts.iter().all(|part| match kind(part) {
        "input_text" => is_text(&part["text"]),
        "input_image" => {
            let detail = part["detail"].as_str();
            is_text(&part["image_url"])
                && matches!(detail, Some("auto" | "low" | "high" | "original"))
        }
        "input_file" => {
            let sources = ["file_data", "file_url", "file_id"];
            let count = sources.iter().filter(|name| is_text(&part[**name])).count();
            count == 1 && (part.get("file_data").is_none() || is_text(&part["filename"]))
        }
        _ => false,
    })
}

fn is_word(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    !text.is_empty() && text.len() <= 64 && text.chars().all(is_letter)
}

fn is_function(item: &Value) -> bool {
    matches!(kind(item), "function_call" | "function_call_output")
}

fn identifiers(item: &Value) -> bool {
    !is_function(item) || item["call_id"].as_str().is_some_and(is_word)
}

fn names(item: &Value) -> bool {
    kind(item) != "function_call" || item["name"].as_str().is_some_and(is_word)
}

fn arguments(item: &Value) -> bool {
    let is_json = |text: &str| serde_json::from_str::<Value>(text).is_ok();
    match kind(item) {
        "function_call" => item["arguments"].as_str().is_some_and(is_json),
        "function_call_output" => item["output"].is_string(),
        _ => true,
    }
}

/// Each call is answered once, before anybody else speaks.
fn results(items: &[Value]) -> bool {
    let mut open: Vec<&Value> = Vec::new();
    for item in items {
        match (kind(item), item["role"].as_str()) {
            ("function_call", _) => open.push(&item["call_id"]),
            ("function_call_output", _) => {
                let Some(place) = open.iter().position(|id| *id == &item["call_id"]) else {
                    return false;
                };
                open.remove(place);
            }
            ("message", Some("user" | "system" | "developer")) if !open.is_empty() => return false,
            _ => {}
        }
    }
    open.is_empty()
}

/// A thought is followed by what the model said or did then.
fn successors(items: &[Value]) -> bool {
    let is_input = |item: &Value| {
        kind(item) == "function_call_output"
            || kind(item) == "message" && item["role"] != "assistant"
    };
    let thoughts = items.iter().enumerate().filter(|(_, item)| kind(item) == "reasoning");
    thoughts.into_iter().all(|(place, _)| {
        let next = items.iter().skip(place + 1).find(|item| kind(item) != "reasoning");
        next.is_some_and(|next| !is_input(next))
    })
}

fn is_sealed(item: &Value) -> bool {
    item["encrypted_content"].as_str().is_some_and(|seal| !seal.is_empty())
}

/// A thought is sealed, and then says nothing of the store; or it is there in full.
fn thoughts(item: &Value) -> bool {
    if kind(item) != "reasoning" {
        return true;
    }
    let is_bare = item.get("id").is_none() && item.get("status").is_none();
    let is_open = item["content"].as_array().is_some_and(|content| !content.is_empty());
    item["summary"].is_array() && if is_sealed(item) { is_bare } else { is_open }
}

fn models(item: &Value) -> bool {
    !is_sealed(item) || item["encrypted_content"] == SEAL
}

fn duplicates(items: &[Value]) -> bool {
    let ids: Vec<_> = items.iter().filter_map(|item| item["id"].as_str()).collect();
    ids.iter().collect::<BTreeSet<_>>().len() == ids.len()
}

/// Calls of tools beside functions and their outputs.
fn pairs(items: &[Value]) -> bool {
    let has = |kind_wanted: &str, id: &Value| {
        items.iter().any(|item| kind(item) == kind_wanted && &item["call_id"] == id)
    };
    let others = items.iter().filter(|item| !is_function(item) && item["call_id"].is_string());
    others.into_iter().all(|item| match kind(item).strip_suffix("_output") {
        Some(call) => has(call, &item["call_id"]),
        None if kind(item).ends_with("_call") => {
            has(&format!("{}_output", kind(item)), &item["call_id"])
        }
        None => true,
    })
}

fn containers(item: &Value) -> bool {
    let names_one = |value: &Value| value["container_id"].is_string();
    !names_one(item) && !names_one(&item["environment"])
}

/// Parts that the protocol made: thoughts and items of every kind, whole or not.
fn own() -> impl Strategy<Value = Vec<Part>> {
    let models = select(vec!["tiny", "tiny", "another-model"]);
    (models, "[a-z0-9]{24}", 0_usize..12).prop_map(|(model, id, kind)| {
        let seal = if model == "tiny" { SEAL } else { "of another" };
        let native = |block: Value| Native::new("responses", model, block);
        let block = |block: Value| Part::Native(native(block));
        let thought = |block: Value| {
            Part::Reasoning { text: "hm".to_owned(), detail: Some(native(block).into_detail()) }
        };
        let sealed =
            json!({ "type": "reasoning", "id": format!("rs_{id}"), "encrypted_content": seal, "status": null });
        let open = json!({ "type": "reasoning", "id": format!("rs_{id}"), "summary": [],
            "content": [{ "type": "reasoning_text", "text": "hm" }], "encrypted_content": "" });
        let search = json!({ "type": "web_search_call", "id": format!("ws_{id}"), "status": "completed" });
        let shell = |kind: &str, environment: Value| {
            block(json!({ "type": kind, "call_id": format!("call_{id}"), "environment": environment }))
        };
        let container = json!({ "container_id": "cntr_1" });
        match kind {
            0 => vec![thought(sealed)],
            1 => vec![thought(sealed), Part::text("a")],
            2 => vec![thought(open), Part::text("a")],
            3 => {
                let detail = json!([native(open).into_detail()]);
                vec![Part::Reasoning { text: "hm".to_owned(), detail: Some(detail) }]
            }
            4 => vec![thought(sealed), block(search), Part::text("a")],
            5 => vec![Part::text("a"), block(json!({ "type": "message", "phase": "commentary" }))],
            6 => vec![Part::text("a"), block(json!({ "type": "message", "annotations": [1] })), Part::text("b")],
            7 => vec![shell("shell_call", Value::Null), Part::text("a"), shell("shell_call_output", Value::Null)],
            8 => vec![shell("shell_call", container.clone()), shell("shell_call_output", Value::Null)],
            9 => vec![block(json!({ "type": "code_interpreter_call", "id": format!("ci_{id}"), "container_id": "cntr_1" }))],
            10 => vec![shell(if model == "tiny" { "computer_call" } else { "shell_call_output" }, Value::Null)],
            _ => vec![block(json!({ "type": "compaction", "encrypted_content": seal }))],
        }
    })
}

fn provider() -> HttpProvider {
    HttpProvider::new(HttpOptions::responses("localhost:1").expect("an address")).expect("good")
}

/// `None` for a history that says nothing.
fn render(provider: &HttpProvider, messages: &[Arc<Message>]) -> Option<RenderedRequest> {
    let mut config = Config::default();
    config.model = Some("tiny".to_owned());
    let request = ModelRequest::new(messages.to_vec(), config);
    super::unless_it_says_nothing(provider.render(&request))
}

/// Blocks of answers that are no part of the text before them.
fn blocks(messages: &[Arc<Message>]) -> usize {
    let parts = messages.iter().filter_map(|message| match &message.body {
        Body::Response { parts } | Body::ActionRequest { parts, .. } => Some(parts),
        _ => None,
    });
    let is_block =
        |part: &&Part| matches!(part, Part::Native(native) if kind(&native.block) != "message");
    parts.flatten().filter(is_block).count()
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_history_that_says_something_is_refused(history in histories(own())) {
        let Some(rendered) = render(&provider(), &history) else { return Ok(()) };
        let body: Value = serde_json::from_str(&rendered.body.to_string()).expect("JSON");
        prop_assert_eq!(breaches(&body), BTreeSet::new(), "{:#}", body);
        // What is not sent is told.
        let items = body["input"].as_array().expect("a list");
        let ours = ["message", "function_call", "function_call_output", "reasoning"];
        let sent = items.iter().filter(|item| !ours.contains(&kind(item))).count();
        let rules = ["native_left_out", "native_of_other_model_left_out", "container_call_left_out", "unpaired_native_left_out"];
        let told = rules.iter().filter_map(|rule| rendered.adapted.get(*rule)).sum::<u32>();
        prop_assert_eq!(sent + usize::try_from(told).expect("few"), blocks(&history));
    }

    #[test]
    fn a_longer_conversation_begins_with_the_bytes_of_the_shorter_one(history in histories(own())) {
        let provider = provider();
        let Some(whole) = render(&provider, &history) else { return Ok(()) };
        let whole = whole.body.to_string();
        for len in 0..history.len() {
            let Some(shorter) = render(&provider, &history[..len]) else { continue };
            let shorter = shorter.body.to_string();
            let open = shorter.strip_suffix("]}").expect("items are last");
            prop_assert!(whole.starts_with(open), "at {}: {} {}", len, open, whole);
        }
    }
}

#[test]
fn every_rule_finds_what_breaks_it() {
    let check = |items: Value, rule: &'static str| {
        let body = json!({ "store": false, "input": items });
        assert_eq!(breaches(&body), BTreeSet::from([rule]), "{body}");
    };
    let said =
        |role: &str, content: Value| json!({ "type": "message", "role": role, "content": content });
    let call = |id: &str| json!({ "type": "function_call", "call_id": id, "name": "f", "arguments": "{}" });
    let output = |id: &str| json!({ "type": "function_call_output", "call_id": id, "output": "" });
    let sealed = json!({ "type": "reasoning", "summary": [], "encrypted_content": SEAL });
    let with = |item: &Value, name: &str, value: Value| {
        let mut item = item.clone();
        item[name] = value;
        item
    };
    check(json!([said("tool", json!("a"))]), "roles");
    check(json!([said("assistant", json!(""))]), "roles");
    check(json!([with(&said("user", json!("a")), "phase", json!("commentary"))]), "roles");
    check(json!([said("user", json!([{ "type": "output_text", "text": "a" }]))]), "contents");
    check(json!([said("user", json!([{ "type": "input_file", "file_data": "a" }]))]), "contents");
    let long = "x".repeat(65);
    check(json!([call(&long), output(&long)]), "identifiers");
    check(json!([with(&call("c"), "name", json!("a.b")), output("c")]), "names");
    check(json!([with(&call("c"), "arguments", json!("{")), output("c")]), "arguments");
    check(json!([with(&call("c"), "id", json!("fc_1")), output("c")]), "nothing_stored");
    check(json!([call("c")]), "results");
    check(json!([output("c")]), "results");
    check(json!([call("c"), said("user", json!("a")), output("c")]), "results");
    check(json!([call("c"), output("c"), output("c")]), "results");
    check(json!([sealed]), "successors");
    check(json!([sealed, said("user", json!("a"))]), "successors");
    let text = said("assistant", json!("a"));
    check(json!([with(&sealed, "status", json!("completed")), text]), "thoughts");
    check(json!([with(&sealed, "summary", Value::Null), text]), "thoughts");
    check(json!([with(&sealed, "encrypted_content", json!("")), text]), "thoughts");
    check(json!([with(&sealed, "encrypted_content", json!("of another")), text]), "models");
    let search = json!({ "type": "web_search_call", "id": "ws_1" });
    check(json!([search, search]), "duplicates");
    check(json!([{ "type": "custom_tool_call", "call_id": "c" }]), "pairs");
    check(json!([{ "type": "shell_call_output", "call_id": "c" }]), "pairs");
    check(json!([{ "type": "code_interpreter_call", "container_id": "cntr_1" }]), "containers");
    for body in [
        json!({ "store": true, "input": [text] }),
        json!({ "store": false, "input": [text], "previous_response_id": "resp_1" }),
        json!({ "store": false, "input": [text], "conversation": "conv_1" }),
    ] {
        assert_eq!(breaches(&body), BTreeSet::from(["nothing_stored"]), "{body}");
    }
    check(json!([]), "input");
    let nothing = json!({ "store": false });
    assert_eq!(breaches(&nothing), BTreeSet::from(["input", "nothing_stored"]));
}
