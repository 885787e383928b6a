//! Anthropic Messages.

mod rules;

use std::{collections::BTreeSet, sync::Arc};

use branchwork_core::{
    message::{Body, Draft, Message, Native, Part},
    provider::{Provider as _, ToolChoice, ToolSpec},
};
use branchwork_providers::{HttpOptions, HttpProvider};
use branchwork_testkit::histories;
use proptest::{collection::btree_set, prelude::*, sample::select};
use serde_json::{Value, json};

use self::rules::{Request, SIGNATURE};

/// What a server of the protocol makes itself, whole and in parts.
fn own() -> impl Strategy<Value = Vec<Part>> {
    let native = |block| Native::new("anthropic", "tiny", block);
    let thought = |block| {
        vec![Part::Reasoning { text: "hm".into(), detail: Some(native(block).into_detail()) }]
    };
    let call = json!({ "type": "server_tool_use", "id": "s1", "name": "web_search", "input": {} });
    let found = json!({ "type": "web_search_tool_result", "tool_use_id": "s1", "content": [] });
    let call = Part::Native(native(call));
    let found = Part::Native(native(found));
    let cited = Part::Native(native(json!([
        { "type": "text", "text": "18 " },
        { "type": "text", "text": "C", "citations": [{ "type": "char_location" }] },
    ])));
    select(vec![
        thought(json!({ "type": "thinking", "thinking": "hm", "signature": SIGNATURE })),
        thought(json!({ "type": "redacted_thinking", "data": SIGNATURE })),
        vec![call.clone(), found.clone()],
        vec![call],
        vec![found],
        vec![Part::text("18 C"), cited.clone()],
        vec![cited],
        vec![Part::Native(native(json!({ "type": "container_upload", "file_id": "f1" })))],
    ])
}

fn tool() -> ToolSpec {
    let parameters = json!({ "type": "object" });
    ToolSpec { name: "look".to_owned(), description: String::new(), parameters }
}

/// The bytes of the request to go on with `history`.
fn rendered(history: &[Arc<Message>], shared: &BTreeSet<usize>, has_tools: bool) -> String {
    let options = HttpOptions::anthropic("localhost:1").expect("a good address");
    let provider = HttpProvider::new(options).expect("the options are good");
    let tools = if has_tools { vec![tool()] } else { Vec::new() };
    let mut request = super::request("tiny", history).with_tools(tools, ToolChoice::Auto);
    request.cache.shared = shared.iter().copied().filter(|len| *len <= history.len()).collect();
    provider.render(&request).expect("it can be said").body.to_string()
}

/// As far as it stays when another message follows; `None` where the last one says something else then.
fn stays(body: &str) -> Option<&str> {
    let open = body.strip_suffix("]}]}")?;
    let go_on = "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Go on.\"}";
    match open.strip_suffix(go_on) {
        Some(before) => Some(before.strip_suffix("]},").unwrap_or(before)),
        // A call that ends it is run by the server, and is left out when something follows.
        None if open.ends_with("\"type\":\"server_tool_use\"}") => None,
        None => Some(open),
    }
}

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn whatever_a_branch_holds_becomes_a_legal_request(
        history in histories(own()),
        shared in btree_set(1..30_usize, 0..5),
        has_tools in any::<bool>(),
    ) {
        let sent = rendered(&history, &shared, has_tools);
        let body: Value = serde_json::from_str(&sent).expect("JSON");
        let breaches = Request::read(&body).breaches();
        prop_assert!(breaches.is_empty(), "{breaches:#?}\n{body:#}");
        prop_assert_eq!(&sent, &rendered(&history, &shared, has_tools));
    }

    /// Invariant 10.
    #[test]
    fn the_request_of_a_longer_conversation_begins_with_that_of_the_shorter_one(
        history in histories(own()),
    ) {
        let mut before = String::new();
        for len in 0..=history.len() {
            let whole: Vec<_> = history.iter().take(len).cloned().collect();
            let system = whole.iter().filter(|message| message.role().as_str() == "system").count();
            let sent = rendered(&whole, &BTreeSet::new(), true);
            // The system prompt comes before the messages.
            if system < len {
                prop_assert!(sent.starts_with(&before), "{before}\n{sent}");
            }
            if let Some(stays) = stays(&sent) {
                stays.clone_into(&mut before);
            }
        }
    }
}

/// Pictures that are each small enough may be too much together; with one less they are not.
#[test]
fn a_request_that_is_too_large_is_refused_before_it_is_sent() {
    let picture = format!("data:image/png;base64,{}", "A".repeat(8 * 1024 * 1024));
    let asked = |count: usize| {
        let parts = vec![Part::Image { url: picture.clone(), detail: None }; count];
        let message = Draft::new(Body::Instruction { parts, context: None }).preview();
        let options = HttpOptions::anthropic("localhost:1").expect("an address");
        let provider = HttpProvider::new(options).expect("good");
        provider.render(&super::request("tiny", &[Arc::new(message)]))
    };
    assert!(asked(3).is_ok());
    let refused = asked(4).expect_err("it is too large");
    let problem = refused.detail();
    assert!(problem.ends_with("bytes, and this protocol takes 33554432"), "{problem}");
}
