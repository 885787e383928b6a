//! Section 3.2: what an answer is follows from its structure, never from its text.

use branchwork::core::{
    message::{Body, BodyKind, Part},
    provider::Finish,
};
use branchwork_testkit::Script;

use crate::support::session;

async fn body_of(script: Script) -> Body {
    let main = session([script]).await.0.default_branch();
    main.chat("q").await.unwrap().message.body.clone()
}

#[tokio::test]
async fn s057_to_s064_text_is_text_whatever_it_looks_like() {
    for text in [
        "{\"response\":\"Test response\"}",
        "{\"tool_uses\":[{\"action\":\"f\",\"arguments\":{}}]}",
        "none",
        "None",
        "{\"response\":\"x\",\"confidence\":0.9}",
        "{\"a\":1}",
        "\"I like tool_uses\"",
    ] {
        assert_eq!(body_of(Script::text(text)).await, Body::response(text), "{text}");
    }
}

#[tokio::test]
async fn s061_text_beside_calls_is_kept_with_the_calls() {
    for text in ["Let me look", ""] {
        let script = Script::new().with_start().with_text(text).with_call(0, ("c1", "f", "{}"));
        let body = body_of(script.with_end(Finish::ToolCalls)).await;
        let Body::ActionRequest { parts, calls } = &body else { panic!("{body:?}") };
        assert_eq!((calls.len(), calls[0].id.as_str()), (1, "c1"));
        assert_eq!(parts, &[Part::text(text)]);
    }
}

#[tokio::test]
async fn s066_who_asks_changes_nothing_of_what_the_answer_is() {
    let main = session([Script::calls([("c1", "f", "{}")])]).await.0.default_branch();
    let reply = main.chat("q").with_sender("alice").await.unwrap();
    assert_eq!(reply.message.body.kind(), BodyKind::ActionRequest);
    assert_eq!(reply.message.sender, "assistant");
    let view = main.view().await.unwrap();
    assert_eq!(view.messages().next().unwrap().sender, "alice");
}
