//! Section 3.1: what was said, searched, replaced and filtered.

use branchwork::{
    BaseBranch as _,
    core::{
        clock::Timestamp,
        codec::{self, OpPlace},
        filter::{Case, Filter, Keyword},
        graph::{Op, OpKind, Step},
        message::{Body, Draft, Message, Part, Role},
    },
};
use serde_json::json;

use super::support::f5;
use crate::support::{says, texts};

fn text(keyword: &str) -> Filter {
    Filter::new().with_keyword(Keyword::text(keyword, Case::Ignored).unwrap())
}

#[tokio::test]
async fn s026_replacing_changes_what_was_said_and_never_its_shape() {
    let branch = f5().await.branch;
    let keyword = |text| Keyword::text(text, Case::Ignored).unwrap();
    let count = branch.replace_keyword(&keyword("Assistant response"), "Helper feedback").await;
    assert_eq!(count.unwrap(), 1);
    assert_eq!(branch.messages(&text("Helper feedback")).await.unwrap().len(), 1);
    let kinds = async || {
        let view = branch.view().await.unwrap();
        view.messages().map(|message| message.body.kind()).collect::<Vec<_>>()
    };
    let before = kinds().await;
    assert_eq!(branch.replace_keyword(&keyword("response"), "\"answer").await.unwrap(), 0);
    assert_eq!(branch.replace_keyword(&keyword("message"), "a \"quote").await.unwrap(), 2);
    assert_eq!(kinds().await, before, "results are a record, kinds are no text");
    assert_eq!(texts(&branch).await[1], "User a \"quote");
    branch.undo().await.unwrap();
    assert_eq!(texts(&branch).await[..2], ["System message", "User message"]);
}

/// What a reader of the stored form of `body` finds.
fn stored_and_read(message: &Message) -> Body {
    let (id, at) = (message.id.op(), message.at);
    let (target, body) = (message.id, message.body.clone());
    let kind = OpKind::Edit { target, body };
    let op = Op { id, parent: None, at, step: Step::Alone, standing: 1, author: None, kind };
    let stored = codec::encode(&op).unwrap();
    let place = OpPlace { id, parent: None, at, standing: 1 };
    let read = codec::decode(codec::VERSION, place, &stored.head, &stored.body).unwrap();
    match read.kind {
        OpKind::Edit { body, .. } => body,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn s026_replacing_renames_no_key_and_quotes_leave_every_body_whole() {
    let branch = f5().await.branch;
    let asked = |said: &str| {
        let text = |before: &str| format!("{before}{said}");
        Body::Instruction {
            parts: vec![
                Part::text(text("Your ")),
                Part::Data(json!({ "response": { "responses": text("no ") }, "n": [said, 1] })),
            ],
            context: Some(json!({ "response": text("a "), "my response": [said, null, true] })),
        }
    };
    branch.append(Draft::new(asked("response"))).await.unwrap();
    let kinds = async || {
        let view = branch.view().await.unwrap();
        view.messages().map(|message| message.body.kind()).collect::<Vec<_>>()
    };
    let before = kinds().await;
    let keyword = Keyword::text("response", Case::Ignored).unwrap();
    for (said, count) in [("\"response\": {", 6), ("\\", 6)] {
        assert_eq!(branch.replace_keyword(&keyword, said).await.unwrap(), count, "{said}");
        assert_eq!(kinds().await, before);
        let view = branch.view().await.unwrap();
        for message in view.messages() {
            assert_eq!(stored_and_read(message), message.body);
        }
        assert_eq!(view.last().unwrap().body, asked(said));
        assert_eq!(texts(&branch).await[2], format!("Assistant {said}"));
        branch.undo().await.unwrap();
    }
    assert_eq!(branch.last_message().await.unwrap().unwrap().body, asked("response"));
}

#[tokio::test]
async fn s027_to_s030_a_search_is_literal_and_in_what_was_said() {
    let branch = f5().await.branch;
    let found = async |filter: Filter| -> Vec<String> {
        let messages = branch.messages(&filter).await.unwrap();
        messages.iter().map(|message| message.text()).collect()
    };
    branch.append(says("Ask the ASSISTANT")).await.unwrap();
    for keyword in ["Assistant", "aSSISTANT"] {
        let hits = ["Assistant response", "Ask the ASSISTANT"];
        assert_eq!(found(text(keyword)).await, hits, "{keyword}");
    }
    let exact = Keyword::text("Assistant", Case::Exact).unwrap();
    assert_eq!(found(Filter::new().with_keyword(exact)).await, ["Assistant response"]);
    for (said, keywords) in [
        ("f(x) is 1.", &["(", ".", "(X)"][..]),
        ("café 你好", &["café", "CAFÉ", "你好"]),
        ("an Instruction", &["instruction"]),
    ] {
        for keyword in keywords {
            assert!(found(text(keyword)).await.is_empty(), "{keyword} means itself");
        }
        branch.append(says(said)).await.unwrap();
        for keyword in keywords {
            assert_eq!(found(text(keyword)).await, [said], "{keyword}");
        }
    }
}

#[tokio::test]
async fn s035_to_s039_filters_by_role_time_sender_and_keywords() {
    let branch = f5().await.branch;
    let of = async |filter: Filter| -> Vec<String> {
        let messages = branch.messages(&filter).await.unwrap();
        messages.into_iter().map(|message| message.text()).collect()
    };
    assert_eq!(of(Filter::new().with_role(Role::User)).await, ["User message"]);
    assert_eq!(of(Filter::new().with_sender("user1")).await, ["User message"]);
    let first = branch.first_system().await.unwrap().unwrap().at;
    let after = |minutes: i64| Timestamp::from_micros(first.as_micros() + minutes * 60_000_000);
    let second = after(1);
    let half = Timestamp::from_micros(second.as_micros() - 30_000_000);
    assert_eq!(of(Filter::new().with_time(half..after(2))).await, ["User message"]);
    branch.append(says("hi there")).await.unwrap();
    let keywords = |case| {
        let filter = Filter::new().with_role(Role::User);
        ["HI", "yo"]
            .into_iter()
            .fold(filter, |filter, text| filter.with_keyword(Keyword::text(text, case).unwrap()))
    };
    assert_eq!(of(keywords(Case::Ignored)).await, ["hi there"]);
    assert!(of(keywords(Case::Exact)).await.is_empty());
}
