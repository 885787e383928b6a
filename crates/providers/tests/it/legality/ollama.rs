//! What Ollama refuses, and what must not get lost on the way to it.

use std::sync::Arc;

use branchwork_core::{
    message::{Body, FileSource, Message, Native, Part},
    provider::{Provider as _, ProviderError},
};
use branchwork_providers::{HttpOptions, HttpProvider};
use branchwork_testkit::histories::histories;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{cases, request, says_nothing, that};

const FIELDS: [&str; 7] =
    ["role", "content", "thinking", "images", "tool_calls", "tool_name", "tool_call_id"];

/// Parts of an answer of `tiny`, as they are kept.
fn own() -> impl Strategy<Value = Vec<Part>> {
    let drawn = Native::new("ollama", "tiny", json!({ "images": ["AA=="] }));
    prop_oneof![
        Just(vec![Part::Native(drawn)]),
        Just(vec![Part::Reasoning { text: "hm".to_owned(), detail: None }]),
    ]
}

fn render(history: &[Arc<Message>]) -> Result<String, ProviderError> {
    let options = HttpOptions::ollama("127.0.0.1:1").expect("the address is good");
    let provider = HttpProvider::new(options).expect("the options are good");
    provider.render(&request("tiny", history)).map(|rendered| rendered.body.to_string())
}

type Check = fn(&[Value]) -> Result<(), String>;

/// Every rule, by its name.
const RULES: [(&str, Check); 5] = [
    ("a message has a role, a text and known fields", fields),
    ("tool messages answer the calls before them", pairs),
    ("calls have a name and an object", calls),
    ("pictures are bare base64", images),
    ("an answer says something", answers),
];

fn list<'v>(message: &'v Value, field: &str) -> &'v [Value] {
    message[field].as_array().map_or(&[], Vec::as_slice)
}

fn fields(messages: &[Value]) -> Result<(), String> {
    messages.iter().try_for_each(|message| {
        let role = message["role"].as_str().unwrap_or_default();
        that(["system", "user", "assistant", "tool"].contains(&role), message)?;
        let mut fields = message.as_object().into_iter().flat_map(Map::keys);
        that(
            message["content"].is_string() && fields.all(|f| FIELDS.contains(&f.as_str())),
            message,
        )
    })
}

fn pairs(messages: &[Value]) -> Result<(), String> {
    let mut asked: Vec<(Value, Value)> = Vec::new();
    for message in messages {
        if message["role"] == "tool" {
            let told = (message["tool_call_id"].clone(), message["tool_name"].clone());
            that(!asked.is_empty() && asked.remove(0) == told, message)?;
            continue;
        }
        that(asked.is_empty(), message)?;
        let calls = list(message, "tool_calls").iter();
        asked = calls.map(|call| (call["id"].clone(), call["function"]["name"].clone())).collect();
    }
    that(asked.is_empty(), "the last calls have no results")
}

fn calls(messages: &[Value]) -> Result<(), String> {
    messages.iter().try_for_each(|message| {
        list(message, "tool_calls").iter().zip(0..).try_for_each(|(call, index)| {
            let function = &call["function"];
            let is_named = function["name"].as_str().is_some_and(|name| !name.is_empty());
            that(is_named && function["arguments"].is_object(), call)?;
            that(function["index"] == index && message["role"] == "assistant", call)
        })
    })
}

fn images(messages: &[Value]) -> Result<(), String> {
    messages.iter().flat_map(|message| list(message, "images")).try_for_each(|image| {
        that(image.as_str().is_some_and(|image| !image.contains([':', ','])), image)
    })
}

fn answers(messages: &[Value]) -> Result<(), String> {
    messages.iter().filter(|message| message["role"] == "assistant").try_for_each(|message| {
        let lists = ["images", "tool_calls"].map(|field| list(message, field).len());
        that(message["content"] != "" || lists != [0, 0], message)
    })
}

/// Whether the protocol has no word for something the user gave.
fn is_unsayable(history: &[Arc<Message>]) -> bool {
    history.iter().any(|message| match &message.body {
        Body::Instruction { parts, .. } => parts.iter().any(|part| match part {
            Part::Image { url, .. } => !url.starts_with("data:"),
            Part::File { source: FileSource::Url(_) | FileSource::Id(_), .. } => true,
            _ => false,
        }),
        _ => false,
    })
}

/// What of `history` must be found in a request, whatever the protocol wants otherwise.
fn kept(history: &[Arc<Message>], messages: &[Value]) -> Result<(), String> {
    let mut contents = messages.iter().filter_map(|message| message["content"].as_str());
    for message in history {
        let texts: Vec<&str> = match &message.body {
            Body::System { text } => vec![text],
            Body::Instruction { parts, .. }
            | Body::Response { parts }
            | Body::ActionRequest { parts, .. } => parts.iter().filter_map(text_of).collect(),
            _ => continue,
        };
        let is_said = |content: &str| texts.iter().all(|text| content.contains(text));
        that(texts.is_empty() || contents.any(is_said), &format!("{texts:?} is lost"))?;
    }
    Ok(())
}

fn text_of(part: &Part) -> Option<&str> {
    match part {
        Part::Text(text) => Some(text.as_str()).filter(|text| !text.is_empty()),
        _ => None,
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn what_ollama_is_sent_is_legal_and_whole(history in histories(own())) {
        let rendered = render(&history);
        let body = match rendered {
            Err(error) => {
                let is_refused = says_nothing(&error) || is_unsayable(&history);
                prop_assert!(is_refused, "{}", error.detail());
                return Ok(());
            }
            Ok(body) => body,
        };
        prop_assert!(!is_unsayable(&history), "{body}");
        let value: Value = serde_json::from_str(&body).expect("it is JSON");
        let messages = list(&value, "messages");
        for (rule, check) in RULES {
            let checked = check(messages);
            prop_assert!(checked.is_ok(), "{rule}: {checked:?}\n{body}");
        }
        let kept = kept(&history, messages);
        prop_assert!(kept.is_ok(), "{kept:?}\n{body}");
    }

    #[test]
    fn a_longer_conversation_begins_with_the_bytes_of_the_shorter_one(history in histories(own())) {
        let mut before = String::new();
        for len in 1..=history.len() {
            let Ok(body) = render(&history[..len]) else { continue };
            let open = before.strip_suffix("]}").unwrap_or_default();
            prop_assert!(body.starts_with(open), "{len}:\n{before}\n{body}");
            before = body;
        }
    }
}
