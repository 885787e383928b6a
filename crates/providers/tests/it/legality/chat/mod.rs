//! OpenAI Chat Completions, in the dialects of its servers.

mod rules;

use std::sync::Arc;

use branchwork_core::{
    message::{Body, Message, Native, Outcome, Part},
    provider::{Provider as _, RenderedRequest, ToolChoice, ToolSpec},
};
use branchwork_providers::{HttpOptions, HttpProvider, preset};
use branchwork_testkit::histories;
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use self::rules::{Request, SERVERS, Server};

/// What servers of the protocol make beside text: thoughts, as the decoder keeps them.
fn own() -> impl Strategy<Value = Vec<Part>> {
    let thought = |detail: Option<Value>| Part::Reasoning { text: "hm".to_owned(), detail };
    let piece = |text: &str| json!({ "type": "reasoning.text", "index": 0, "text": text });
    let sealed = json!({ "type": "reasoning.encrypted", "index": 1, "data": "x=" });
    let native = Native::new("chat", "tiny", json!({ "type": "annotations" }));
    select(vec![
        vec![thought(None)],
        vec![thought(Some(piece("hm")))],
        vec![thought(Some(json!([piece("h"), piece("m"), sealed]))), Part::text("so")],
        vec![Part::Audio { url: "data:audio/wav;base64,AA==".to_owned() }],
        vec![Part::text("a"), Part::Native(native)],
    ])
}

fn tool() -> ToolSpec {
    let parameters = json!({ "type": "object" });
    ToolSpec { name: "look".to_owned(), description: String::new(), parameters }
}

fn provider(server: Server) -> HttpProvider {
    let preset = preset(server.name).expect("it is known");
    HttpProvider::new(HttpOptions::from_preset(preset).expect("it has an address")).expect("good")
}

/// `None` for a history that says nothing.
fn render(
    provider: &HttpProvider,
    history: &[Arc<Message>],
    is_streamed: bool,
) -> Option<RenderedRequest> {
    let tools = if is_streamed { vec![tool()] } else { Vec::new() };
    let mut request = super::request("tiny", history).with_tools(tools, ToolChoice::None);
    request.stream = is_streamed;
    super::unless_it_says_nothing(provider.render(&request))
}

fn parts_of(message: &Message) -> &[Part] {
    match &message.body {
        Body::Instruction { parts, .. }
        | Body::Response { parts }
        | Body::ActionRequest { parts, .. } => parts,
        _ => &[],
    }
}

/// What the messages of a request say, in their order.
fn said(body: &Value) -> String {
    let texts = |content: &Value| match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    };
    let messages = body["messages"].as_array().into_iter().flatten();
    messages.map(|message| texts(&message["content"])).collect::<Vec<_>>().join("\n")
}

/// What of `history` must be found in a request, whatever the protocol wants otherwise.
fn kept(history: &[Arc<Message>], body: &Value) -> Result<(), String> {
    let said = said(body);
    let mut rest = said.as_str();
    for message in history {
        let texts: Vec<&str> = match &message.body {
            Body::System { text } => vec![text],
            Body::ActionResponse { outcome: Outcome::Succeeded(Value::String(text)), .. } => {
                vec![text]
            }
            _ => parts_of(message).iter().filter_map(text_of).collect(),
        };
        for text in texts {
            let found = rest.split_once(text);
            (_, rest) = found.ok_or_else(|| format!("{text:?} is lost in {said:?}"))?;
        }
    }
    let sent = body["messages"].as_array().into_iter().flatten();
    let calls = sent.flat_map(|message| message["tool_calls"].as_array().into_iter().flatten());
    let sent: Vec<_> = calls.map(|call| &call["function"]["arguments"]).collect();
    let kept: Vec<_> = history.iter().flat_map(|message| arguments(message)).collect();
    let is_kept = |(sent, kept): (&&Value, &&str)| {
        let sent = sent.as_str().unwrap_or_default();
        let is_object = serde_json::from_str::<Value>(kept).is_ok_and(|value| value.is_object());
        sent == *kept || !is_object && (kept.trim().is_empty() || sent.contains("_malformed"))
    };
    let all = sent.len() == kept.len() && sent.iter().zip(&kept).all(is_kept);
    super::that(all, &format!("{kept:?} were called, {sent:?} are sent"))
}

fn text_of(part: &Part) -> Option<&str> {
    match part {
        Part::Text(text) => Some(text.as_str()),
        _ => None,
    }
}

fn arguments(message: &Message) -> Vec<&str> {
    match &message.body {
        Body::ActionRequest { calls, .. } => {
            calls.iter().map(|call| call.arguments.as_str()).collect()
        }
        _ => Vec::new(),
    }
}

/// Parts of answers that are not sent, by the rule that says so.
fn left_out(history: &[Arc<Message>], server: Server) -> [(&'static str, usize); 3] {
    let answers = history.iter().filter(|message| {
        matches!(message.body, Body::Response { .. } | Body::ActionRequest { .. })
    });
    let parts: Vec<_> = answers.flat_map(|message| parts_of(message)).collect();
    let count = |is: fn(&Part) -> bool| parts.iter().filter(|part| is(part)).count();
    let thoughts = count(|part| matches!(part, Part::Reasoning { .. }));
    [
        ("thought_left_out", if server.thoughts.is_empty() { thoughts } else { 0 }),
        ("native_left_out", count(|part| matches!(part, Part::Native(_)))),
        ("attachment_left_out", count(Part::is_attachment)),
    ]
}

/// Whether a history says anything at all.
fn says_something(history: &[Arc<Message>]) -> bool {
    history.iter().any(|message| match &message.body {
        Body::Response { parts } => parts.iter().any(|part| {
            matches!(part, Part::Data(_)) || text_of(part).is_some_and(|text| !text.is_empty())
        }),
        _ => true,
    })
}

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn what_servers_of_chat_are_sent_is_legal_and_whole(
        history in histories(own()),
        server in select(SERVERS.to_vec()),
        is_streamed in any::<bool>(),
    ) {
        let rendered = render(&provider(server), &history, is_streamed);
        prop_assert_eq!(rendered.is_some(), says_something(&history));
        let Some(rendered) = rendered else { return Ok(()) };
        let body: Value = serde_json::from_str(&rendered.body.to_string()).expect("JSON");
        let breaches = Request::read(server, &body).breaches();
        prop_assert!(breaches.is_empty(), "{} {breaches:#?}\n{body:#}", server.name);
        let kept = kept(&history, &body);
        prop_assert!(kept.is_ok(), "{} {kept:?}\n{body:#}", server.name);
        // What is not sent is told.
        for (rule, count) in left_out(&history, server) {
            let told = rendered.adapted.get(rule).copied().unwrap_or_default();
            prop_assert_eq!(told as usize, count, "{} {}", server.name, rule);
        }
    }

    /// Invariant 10.
    #[test]
    fn a_longer_conversation_begins_with_the_bytes_of_the_shorter_one(
        history in histories(own()),
        server in select(SERVERS.to_vec()),
    ) {
        let provider = provider(server);
        let mut before = String::new();
        for len in 0..=history.len() {
            let Some(rendered) = render(&provider, &history[..len], true) else { continue };
            let body = rendered.body.to_string();
            prop_assert!(body.starts_with(&before), "{} {len}:\n{before}\n{body}", server.name);
            body.strip_suffix("]}").expect("messages are last").clone_into(&mut before);
        }
    }

    /// The rules look at whole requests: whichever message of a legal one is lost, doubled or comes too early
    /// where calls and results are, they see it.
    #[test]
    fn a_request_that_is_tampered_with_is_seen(
        history in histories(own()),
        place in any::<prop::sample::Index>(),
        change in 0..3_u8,
    ) {
        let Some(rendered) = render(&provider(SERVERS[1]), &history, true) else { return Ok(()) };
        let mut body: Value = serde_json::from_str(&rendered.body.to_string()).expect("JSON");
        let messages = body["messages"].as_array_mut().expect("a list");
        let tools: Vec<_> = (0..messages.len()).filter(|at| messages[*at]["role"] == "tool").collect();
        if tools.is_empty() {
            return Ok(());
        }
        let at = tools[place.index(tools.len())];
        match change {
            0 => drop(messages.remove(at)),
            1 => messages.insert(at, messages[at].clone()),
            _ => {
                let first = (0..at).rev().find(|at| messages[*at]["role"] != "tool").expect("a call");
                let moved = messages.remove(at);
                messages.insert(first, moved);
            }
        }
        let breaches = Request::read(SERVERS[1], &body).breaches();
        prop_assert!(breaches.iter().any(|breach| breach.contains("tool")), "{breaches:?}\n{body:#}");
    }
}
