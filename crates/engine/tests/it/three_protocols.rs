//! A real model on a real server, which speaks three of the protocols: the same conversation leaves the same
//! history in each, and is counted alike.
//!
//! The model says what is most likely (temperature 0), and each conversation finds its server with nothing in
//! its cache, so that all of them make it compute the same.

use std::sync::Arc;

use branchwork::{
    Branch, Engine, Reply,
    core::{
        config::ConfigPatch,
        message::Status,
        provider::{Finish, Usage},
    },
    providers::{
        HttpOptions, HttpProvider, Protocol,
        wrap::{RetryOptions, Stack},
    },
};
use branchwork_testkit::RealModel;

use crate::support::texts;

const PROTOCOLS: [&str; 3] = ["chat", "responses", "anthropic"];

/// The longest answer: a small model on a small machine shall not wander off.
const TOKENS_MAX: u32 = 24;

const SYSTEM: &str = "You are a terse guide to Rome. Answer in one short sentence.";

/// What is kept of a turn, and what was told of it.
#[derive(Debug, Clone, PartialEq)]
struct Turn {
    text: String,
    status: Status,
    finish: Option<Finish>,
    usage: Option<Usage>,
}

impl From<Reply> for Turn {
    fn from(reply: Reply) -> Self {
        let Reply { text, finish, usage, .. } = reply;
        Self { text, status: reply.message.status, finish, usage }
    }
}

/// All that a conversation leaves.
#[derive(Debug, Clone, PartialEq)]
struct Talk {
    turns: Vec<Turn>,
    main: Vec<String>,
    aside: Vec<String>,
    /// The tokens of the session, by its log of calls.
    used: Usage,
}

impl Talk {
    /// The same as it is told in `protocols`: in Responses the server says of every answer that it is
    /// completed, also of one that ran into the limit.
    fn told(&self, protocols: &[&str]) -> Self {
        let mut talk = self.clone();
        for (turn, protocol) in talk.turns.iter_mut().zip(protocols.iter().cycle()) {
            if *protocol == "responses" {
                turn.finish = Some(Finish::Stop);
            }
        }
        talk
    }
}

fn asks(protocol: &str) -> ConfigPatch {
    let patch = ConfigPatch::new().with_model(Some(protocol.to_owned()), RealModel::MODEL);
    patch.with_temperature(0.0).with_max_tokens(TOKENS_MAX)
}

/// Asks `text` in `protocol`, as it comes or in one piece.
async fn ask(branch: &Branch, protocol: &str, text: &str, is_streamed: bool) -> Turn {
    branch.configure(asks(protocol)).await.unwrap();
    let chat = branch.chat(text);
    let chat = if is_streamed { chat } else { chat.in_one_piece() };
    Turn::from(chat.await.unwrap())
}

/// A conversation with a fork, whose turns are asked in `protocols`, one after the other and round again.
async fn talk(name: &str, protocols: &[&str]) -> Talk {
    let model = RealModel::start(name);
    let engine = Engine::in_memory();
    for name in PROTOCOLS {
        let protocol = Protocol::from_name(name).unwrap();
        let options = HttpOptions::new(protocol, model.url()).unwrap();
        let provider = Arc::new(HttpProvider::new(options).unwrap());
        // The server closes a connection now and then while the next question is on its way.
        engine.register(name, Stack::over(provider).with_retry(RetryOptions::new()).build());
    }
    let session = engine.session("trip").system(SYSTEM);
    let session = session.config(asks(protocols[0])).create().await.unwrap();
    let main = session.default_branch();
    let mut protocols = protocols.iter().cycle();
    let mut next = || *protocols.next().unwrap();
    let mut turns = vec![ask(&main, next(), "What should I see first?", true).await];
    let first = main.page(1).await.unwrap()[0].id;
    turns.push(ask(&main, next(), "And in the evening?", false).await);
    let aside = main.fork("aside").at(first).await.unwrap();
    turns.push(ask(&aside, next(), "Name one church.", true).await);
    turns.push(ask(&main, next(), "Tell me of ten sights.", true).await);
    turns.push(ask(&aside, next(), "Where do I eat?", false).await);
    let calls = session.calls().await.unwrap();
    let used = calls.iter().fold(Usage::default(), |sum, call| sum.plus(call.call.usage.unwrap()));
    Talk { turns, main: texts(&main).await, aside: texts(&aside).await, used }
}

#[tokio::test]
async fn a_conversation_with_a_real_model_is_the_same_in_three_protocols() {
    let first = talk("chat", &["chat"]).await;
    // It is a conversation: every turn says something; some were done, and some ran into the limit.
    let is_whole = |turn: &Turn| !turn.text.is_empty() && turn.status == Status::Complete;
    assert!(first.turns.iter().all(is_whole), "{first:?}");
    let ended = |finish: Finish| first.turns.iter().any(|turn| turn.finish == Some(finish.clone()));
    assert!(ended(Finish::Stop) && ended(Finish::Length), "{first:?}");
    assert_eq!((first.main.len(), first.aside.len()), (7, 7));
    assert_eq!(first.main[..3], first.aside[..3]);
    // The server finds in its cache what it read before: nothing at first, and where a turn or a fork goes on
    // what they have in common with what it read last.
    let cached: Vec<_> = first
        .turns
        .iter()
        .map(|turn| turn.usage.unwrap().cached_tokens.unwrap_or_default())
        .collect();
    assert!(cached[0] == 0 && cached[1..].iter().all(|cached| *cached > 0), "{cached:?}");
    println!("{:?}; cached by turn: {cached:?}", first.used);

    for protocol in &PROTOCOLS[1..] {
        assert_eq!(talk(protocol, &[protocol]).await, first.told(&[protocol]), "{protocol}");
    }
    // Each turn in another protocol than the one before it.
    assert_eq!(talk("mixed", &PROTOCOLS).await, first.told(&PROTOCOLS), "each after another");
}
