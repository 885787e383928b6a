//! One conversation with tools in every protocol, against a peer of another make that speaks them all.
//!
//! The peer answers out of a file (`crates/testkit/src/aimock.json`), and only when it finds there what it was
//! told: the system text, the question, the result of a call.

use std::sync::{Arc, OnceLock};

use branchwork::{
    Branch, Engine, Session,
    core::{
        config::ConfigPatch,
        message::{Body, Part},
        provider::Finish,
        tool::ToolSelection,
    },
    providers::{HttpOptions, HttpProvider, Protocol, Secret},
    tools::{FunctionTool, ToolError, schemars::JsonSchema},
};
use branchwork_testkit::{Aimock, aimock::TEST};
use serde::Deserialize;
use serde_json::Value;

use crate::support::texts;

/// The peer, which all tests share.
fn peer() -> &'static Aimock {
    static PEER: OnceLock<Aimock> = OnceLock::new();
    PEER.get_or_init(Aimock::start)
}

#[derive(Deserialize, JsonSchema)]
struct Place {
    city: String,
}

async fn weather(Place { city }: Place) -> Result<String, ToolError> {
    let celsius = if city == "Rome" { 24 } else { 18 };
    Ok(format!("{celsius} C in {city}"))
}

/// A session whose engine knows the peer in every protocol, by the name of that; it begins with `protocol`.
async fn session(test: &str, protocol: Protocol) -> Session {
    let engine = Engine::in_memory();
    for protocol in Protocol::ALL {
        let test = Secret::new(format!("{test}-{protocol}"));
        let options = HttpOptions::new(protocol, peer().url()).unwrap().with_header(TEST, test);
        let provider = HttpProvider::new(options.with_key(Secret::new("sk-test"))).unwrap();
        engine.register(protocol.as_str(), Arc::new(provider));
    }
    let session = engine.session("trip").system("You are terse.").config(asks(protocol));
    let session = session.create().await.unwrap();
    session.register(FunctionTool::new("weather", "The weather of a city.", weather)).unwrap();
    session
}

/// Asks in `protocol` from now on.
fn asks(protocol: Protocol) -> ConfigPatch {
    ConfigPatch::new().with_model(Some(protocol.to_string()), "tiny").with_max_tokens(64)
}

const FIRST: &str = "What is the weather in Paris and Rome?";

/// Who said what in a branch: roles, texts, calls with their arguments.
async fn history(branch: &Branch) -> Vec<String> {
    let view = branch.view().await.unwrap();
    let told = view.messages().map(|message| {
        let calls: Vec<String> = match &message.body {
            Body::ActionRequest { calls, .. } => calls
                .iter()
                .map(|call| {
                    let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
                    format!("{}({arguments})", call.function)
                })
                .collect(),
            _ => Vec::new(),
        };
        let text = message.text();
        format!("{} {:?} {text} {}", message.role().as_str(), message.status, calls.join(" "))
    });
    told.map(|line| line.trim_end().to_owned()).collect()
}

/// The conversation: a turn with calls side by side, a turn, a fork before it with another.
async fn talk(session: &Session, is_streamed: bool) -> [Vec<String>; 2] {
    let main = session.default_branch();
    let ask = |branch: &Branch, text: &str| {
        let chat = branch.chat(text).with_tools(ToolSelection::All);
        if is_streamed { chat } else { chat.in_one_piece() }
    };
    let reply = ask(&main, FIRST).await.unwrap();
    assert_eq!((reply.rounds, reply.finish), (2, Some(Finish::Stop)));
    let fork = main.fork("aside").await.unwrap();
    ask(&main, "Which is warmer?").await.unwrap();
    ask(&fork, "Which is colder?").await.unwrap();
    [history(&main).await, history(&fork).await]
}

#[tokio::test]
async fn a_conversation_with_tools_leaves_the_same_history_in_every_protocol() {
    let calls = r#"assistant Complete  weather({"city":"Paris"}) weather({"city":"Rome"})"#;
    let start = [
        "system Complete You are terse.",
        &format!("user Complete {FIRST}"),
        calls,
        "tool Complete 18 C in Paris",
        "tool Complete 24 C in Rome",
        "assistant Complete Paris 18 C, Rome 24 C.",
    ];
    let expected = |asked: &str, answered: &str| {
        let turn = [format!("user Complete {asked}"), format!("assistant Complete {answered}")];
        start.iter().map(|line| (*line).to_owned()).chain(turn).collect::<Vec<_>>()
    };
    let expected = [expected("Which is warmer?", "Rome."), expected("Which is colder?", "Paris.")];
    for protocol in Protocol::ALL {
        for (is_streamed, test) in [(true, "streamed"), (false, "whole")] {
            let session = session(test, protocol).await;
            assert_eq!(talk(&session, is_streamed).await, expected, "{protocol} {test}");
            // Four calls went to the peer, in this protocol, and each was answered.
            let asked = peer().asked(&format!("{test}-{protocol}")).await;
            assert_eq!(asked.iter().map(|asked| asked.status).collect::<Vec<_>>(), [200; 4]);
            assert!(
                asked.iter().all(
                    |asked| asked.body["stream"] == is_streamed || protocol == Protocol::Gemini
                )
            );
        }
    }
}

/// Each turn in another protocol, and the whole way round from each of them.
#[tokio::test]
async fn a_session_goes_through_all_protocols_and_is_refused_by_none() {
    for start in 0..Protocol::ALL.len() {
        let mut protocols = Protocol::ALL;
        protocols.rotate_left(start);
        let session = session(&format!("round{start}"), protocols[0]).await;
        let main = session.default_branch();
        for protocol in protocols {
            main.configure(asks(protocol)).await.unwrap();
            // Thoughts come, sealed or not, and calls; what another protocol made of them must not stand in
            // the way of this one.
            let thought = main.chat("Think first").await.unwrap();
            assert_eq!(thought.text, "42", "{protocol}");
            let reply = main.chat(FIRST).with_tools(ToolSelection::All).await.unwrap();
            assert_eq!(reply.text, "Paris 18 C, Rome 24 C.", "{protocol}");
            let asked = peer().asked(&format!("round{start}-{protocol}")).await;
            assert_eq!(asked.iter().map(|asked| asked.status).collect::<Vec<_>>(), [200; 3]);
        }
        let said = texts(&main).await;
        assert_eq!(said.len(), 1 + 7 * protocols.len());
        for call in session.calls().await.unwrap() {
            session.request_of(&call).await.unwrap();
        }
    }
}

/// A thought that its maker sealed goes back to it with the seal, and to no other.
#[tokio::test]
async fn seals_of_thoughts_go_back_to_their_maker_alone() {
    let session = session("seals", Protocol::Anthropic).await;
    let main = session.default_branch();
    let thought = main.chat("Think first").await.unwrap();
    let Body::Response { parts } = &thought.message.body else { panic!("{thought:?}") };
    assert!(parts.iter().any(|part| matches!(part, Part::Reasoning { detail: Some(_), .. })));
    main.chat("Which is warmer?").await.unwrap();
    main.configure(asks(Protocol::Ollama)).await.unwrap();
    main.chat("Which is warmer?").await.unwrap();
    main.configure(asks(Protocol::Anthropic)).await.unwrap();
    main.chat("Which is colder?").await.unwrap();
    let mut sealed = Vec::new();
    for call in session.calls().await.unwrap() {
        sealed.push(session.request_of(&call).await.unwrap().body.to_string().contains("c2lnbmVk"));
    }
    assert_eq!(sealed, [false, true, false, true]);
}
