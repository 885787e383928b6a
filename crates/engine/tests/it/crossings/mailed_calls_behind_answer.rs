use std::sync::Arc;

use branchwork::core::message::{Body, CallId, Draft, Outcome, ToolCall};
use branchwork_testkit::legal::breaches;
use serde_json::json;

use crate::support::{says, session};

/// No calls stand right behind an answer: some providers refuse that.
#[tokio::test]
async fn mailed_calls_do_not_follow_an_answer() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let other = session.create_branch("other").await.unwrap();
    let calls = vec![ToolCall {
        id: CallId::new("c1"),
        function: "look".to_owned(),
        arguments: "{}".to_owned(),
    }];
    let asks = Draft::new(Body::ActionRequest { parts: Vec::new(), calls });
    let result = Draft::result(CallId::new("c1"), "look", Outcome::Succeeded(json!("sun")));
    let ids = main.append_all(vec![says("look"), asks, result]).await.unwrap().messages;
    other.append_all(vec![says("hi"), Draft::new(Body::response("Hello."))]).await.unwrap();
    main.send(&other, ids[1]).await.unwrap();
    other.receive().await.unwrap();
    let messages: Vec<_> = other.view().await.unwrap().messages().map(Arc::clone).collect();
    assert_eq!(breaches(&messages), Vec::<String>::new());
}
