//! Answers: text, calls, thoughts, ends.

use branchwork_core::{
    message::{Body, Part},
    provider::{Finish, Provider as _, ProviderEvent, ToolChoice, ToolSpec, Usage},
};
use branchwork_providers::Protocol;
use futures_util::StreamExt as _;
use serde_json::json;

use super::{asker, hear, json_of, peer, question, ways};

fn tool(name: &str) -> ToolSpec {
    let parameters = json!({
        "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"],
    });
    ToolSpec { name: name.to_owned(), description: format!("Tells the {name}."), parameters }
}

#[tokio::test]
async fn a_text_is_heard_to_its_end_in_every_protocol() {
    for (protocol, is_streamed) in ways() {
        let heard = hear(&asker(protocol, "text"), &question("Say hello", is_streamed)).await;
        assert_eq!(heard.text, "Hello from Rome: più tardi, 日本, 🙂.", "{protocol}");
        assert_eq!(heard.finish, Some(Finish::Stop), "{protocol}");
        // In one piece or in several, as it was asked for.
        assert_eq!(heard.pieces > 1, is_streamed, "{protocol}: {heard:?}");
        // Gemini's answers of the peer name no model, Ollama's the one that was asked.
        let model = match protocol {
            Protocol::Gemini => None,
            Protocol::Ollama => Some("tiny"),
            _ => Some("peer-1"),
        };
        assert_eq!(heard.model.as_deref(), model, "{protocol}");
    }
}

#[tokio::test]
async fn tokens_are_counted_as_the_peer_counts_them() {
    for (protocol, is_streamed) in ways() {
        let heard = hear(&asker(protocol, "usage"), &question("Say hello", is_streamed)).await;
        let usage = heard.usage.unwrap_or_default();
        // It counts nothing for Ollama.
        let counted = if protocol == Protocol::Ollama { (0, 0) } else { (12, 5) };
        let (input, output) = counted;
        let expected =
            Usage { input_tokens: Some(input), output_tokens: Some(output), ..Usage::default() };
        assert_eq!(usage, expected, "{protocol} {is_streamed}");
    }
}

#[tokio::test]
async fn calls_side_by_side_are_heard_in_every_protocol() {
    let ask = "What is the weather in Paris and Rome?";
    for (protocol, is_streamed) in ways() {
        let request = question(ask, is_streamed);
        let request = request.with_tools(vec![tool("weather"), tool("time")], ToolChoice::Auto);
        let heard = hear(&asker(protocol, "calls"), &request).await;
        let calls: Vec<_> = heard
            .calls
            .iter()
            .map(|(function, arguments)| (function.as_str(), json_of(arguments)))
            .collect();
        let expected = ["Paris", "Rome"].map(|city| ("weather", json!({ "city": city })));
        assert_eq!(calls, expected, "{protocol} {is_streamed}");
        assert_eq!(
            (heard.finish, heard.text.as_str()),
            (Some(Finish::ToolCalls), ""),
            "{protocol}"
        );
        // Ollama's calls have no names of their own; ours must differ.
        if protocol == Protocol::Ollama {
            assert_ne!(heard.ids[0], heard.ids[1]);
        } else {
            assert_eq!(heard.ids, ["call_paris", "call_rome"], "{protocol}");
        }
    }
}

#[tokio::test]
async fn what_is_said_around_a_call_is_heard_around_it() {
    for protocol in Protocol::ALL {
        let request = question("Look, then speak", true);
        let request = request.with_tools(vec![tool("look")], ToolChoice::Auto);
        let mut events = asker(protocol, "blocks").call(&request).await.expect("it is accepted");
        let mut order = Vec::new();
        while let Some(event) = events.next().await {
            order.extend(match event.expect("it is no error") {
                ProviderEvent::Text(text) => Some(text),
                ProviderEvent::CallStarted { function, .. } => Some(function),
                _ => None,
            });
        }
        assert_eq!(order, ["First I look. ", "look", "Then I speak."], "{protocol}");
    }
}

#[tokio::test]
async fn what_a_model_thinks_is_heard_apart_from_what_it_says() {
    for (protocol, is_streamed) in ways() {
        let heard = hear(&asker(protocol, "thoughts"), &question("Think first", is_streamed)).await;
        assert_eq!(heard.text, "42", "{protocol}");
        // The peer calls it `reasoning_content` for Ollama, too, which Ollama does not: it is not heard, and
        // nothing else is lost for that.
        let thoughts =
            if protocol == Protocol::Ollama { "" } else { "Six times seven, is it not?" };
        assert_eq!(heard.thoughts, thoughts, "{protocol} {is_streamed}");
    }
}

/// What is heard as blocks of thought, with what their makers sealed them with.
async fn blocks_of_thought(protocol: Protocol, is_streamed: bool) -> Vec<serde_json::Value> {
    let request = question("Think in secret", is_streamed);
    let mut events = asker(protocol, "seals").call(&request).await.expect("it is accepted");
    let mut blocks = Vec::new();
    while let Some(event) = events.next().await {
        if let ProviderEvent::ReasoningEnded { native: Some(native) } = event.expect("it comes") {
            blocks.push(native.into_detail());
        }
    }
    blocks
}

#[tokio::test]
async fn seals_of_thoughts_go_back_as_they_came() {
    for is_streamed in [true, false] {
        let details = blocks_of_thought(Protocol::Anthropic, is_streamed).await;
        assert_eq!(details.len(), 2, "{details:?}");
        let thought = |detail| Part::Reasoning { text: "Hm.".to_owned(), detail: Some(detail) };
        let mut parts: Vec<Part> = details.into_iter().map(thought).collect();
        parts.push(Part::text("43"));
        let mut next = question("Say hello", is_streamed);
        let mut answer = (*next.messages[0]).clone();
        answer.body = Body::Response { parts };
        next.messages.insert(0, answer.into());
        // The model that thought is the one that hears it again.
        let asker = asker(Protocol::Anthropic, "seals-again");
        let body = json_of(&asker.render(&next).expect("it can be said").body.to_string());
        let blocks = body["messages"].as_array().expect("a list").iter();
        let blocks = blocks.flat_map(|message| message["content"].as_array().expect("a list"));
        let sealed: Vec<_> = blocks
            .filter(|block| block["type"] != "text")
            .map(|block| (block["signature"].as_str(), block["data"].as_str()))
            .collect();
        assert_eq!(sealed, [(None, Some("c2VhbGVk")), (Some("c2lnbmVk"), None)], "{body:#}");
        assert_eq!(hear(&asker, &next).await.finish, Some(Finish::Stop));
    }
}

#[tokio::test]
async fn an_answer_that_reached_the_limit_says_so() {
    for (protocol, is_streamed) in ways() {
        let asker = asker(protocol, "length");
        let heard = hear(&asker, &question("Say more than you may", is_streamed)).await;
        assert_eq!(heard.text, "Once upon", "{protocol}");
        let finish = match protocol {
            // It says that the answer is incomplete, and not why.
            Protocol::Responses(_) => Finish::Other("incomplete".to_owned()),
            // It says `stop`, whatever it is told.
            Protocol::Ollama => Finish::Stop,
            _ => Finish::Length,
        };
        assert_eq!(heard.finish, Some(finish), "{protocol} {is_streamed}");
    }
}

#[tokio::test]
async fn an_answer_as_data_is_asked_for() {
    let schema = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
    let mut request = question("Tell me as data", true);
    request.config.response_schema = Some(schema);
    let heard = hear(&asker(Protocol::ALL[0], "data"), &request).await;
    assert_eq!(json_of(&heard.text), json!({ "name": "Ada", "age": 31 }));
}

/// The peer puts what it reads of every protocol in the words of one: whatever we say in five ways is
/// understood as the same.
#[tokio::test]
async fn a_conversation_is_understood_alike_in_every_protocol() {
    let mut understood = Vec::new();
    for protocol in Protocol::ALL {
        let mut request =
            question("Say hello", true).with_tools(vec![tool("weather")], ToolChoice::Auto);
        let turn = |body: Body| {
            let mut message = (*request.messages[0]).clone();
            message.body = body;
            message.into()
        };
        let mut messages = vec![
            turn(Body::System { text: "You are terse.".to_owned() }),
            turn(Body::instruction("Who are you?")),
            turn(Body::response("Ada.")),
        ];
        messages.append(&mut request.messages);
        request.messages = messages;
        let asker = asker(protocol, "alike");
        hear(&asker, &request).await;
        let asked = peer().asked(&format!("alike-{protocol}")).await;
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert_eq!(asked[0].status, 200);
        let said = asked[0].body["messages"].as_array().expect("a list").iter();
        let said: Vec<_> =
            said.map(|message| (message["role"].clone(), message["content"].clone())).collect();
        let tools = asked[0].body["tools"].as_array().expect("a list").iter();
        let tools: Vec<_> = tools
            .map(|tool| {
                let mut tool = tool["function"].clone();
                // Of Gemini's tools it reads no JSON Schema.
                let arguments = tool["parameters"].take();
                assert_eq!(arguments.is_null(), protocol == Protocol::Gemini, "{protocol}");
                tool
            })
            .collect();
        understood.push((protocol, said, tools));
    }
    let (_, said, tools) = &understood[0];
    assert_eq!(said.len(), 4);
    for (protocol, others_said, others_tools) in &understood {
        assert_eq!(others_said, said, "{protocol}");
        assert_eq!(others_tools, tools, "{protocol}");
    }
}
