//! The call log: invariant 9, and that what was sent can be rendered again.

use std::time::Duration;

use branchwork::{
    Error,
    core::{
        config::{Change, ConfigPatch},
        filter::Filter,
        message::Role,
        provider::{Finish, ProviderError},
    },
    tools::ToolSelection,
    usage::UsageBy,
};
use branchwork_testkit::{Gate, Script};
use futures_util::StreamExt as _;

use crate::support::{session, texts};

#[tokio::test]
async fn each_call_is_kept_once_with_what_was_asked_and_what_came_of_it() {
    let limited = ProviderError::RateLimited { retry_after: None, detail: "slow down".to_owned() };
    let (session, provider) = session([Script::text("one"), Script::refusal(limited)]).await;
    let main = session.default_branch();
    let patch = ConfigPatch { seed: Change::Set(7), ..ConfigPatch::default() };
    let reply = main.chat("q").with_config(patch.clone()).await.unwrap();
    main.chat("again").await.unwrap_err();
    let calls = session.calls().await.unwrap();
    assert_eq!((calls.len(), calls[0].answer, calls[0].branch), (2, reply.message.id, main.id()));
    let first = &calls[0].call;
    assert_eq!(
        (first.request.config.as_deref(), first.finish.as_deref()),
        (Some(&patch), Some("stop"))
    );
    assert_eq!(first.usage.unwrap().output_tokens, Some(1));
    assert_eq!((first.cost_usd, first.retries), (None, 0), "an unknown cost is not 0");
    let failure = calls[1].call.failure.clone().unwrap();
    assert_eq!(
        (failure.problem.as_str(), failure.detail.as_str()),
        ("the provider limits the rate of calls", "slow down")
    );
    assert_eq!(calls[1].call.finish, None);
    assert_eq!(provider.requests().len(), 2);
}

#[tokio::test]
async fn what_was_sent_is_rendered_again_byte_for_byte() {
    let (session, provider) = session((0..4).map(|_| Script::text("ok"))).await;
    let main = session.default_branch();
    let tools = branchwork::tools::FunctionTool::dynamic(
        branchwork::tools::ToolSpec {
            name: "t".to_owned(),
            description: "T.".to_owned(),
            parameters: serde_json::json!({ "type": "object" }),
        },
        async |arguments, _| Ok(arguments),
    );
    main.register(tools).unwrap();
    main.chat("one").await.unwrap();
    main.chat("two").with_tools(ToolSelection::All).await.unwrap();
    main.chat("three").with_shown(Filter::new().with_role(Role::User)).await.unwrap();
    main.edit(
        main.message("~5").await.unwrap().id,
        branchwork::core::message::Body::instruction("x"),
    )
    .await
    .unwrap();
    main.chat("four").in_one_piece().await.unwrap();
    main.undo().await.unwrap();
    let calls = session.calls().await.unwrap();
    for (call, sent) in calls.iter().zip(provider.requests()) {
        use branchwork::core::provider::Provider as _;
        let again = session.request_of(call).await.unwrap();
        assert_eq!(again, provider.render(&sent).unwrap());
        assert_eq!(call.call.request.stream, sent.stream);
    }
    let mut tampered = calls[0].clone();
    tampered.call.request.head = calls[1].call.request.head;
    assert!(matches!(session.request_of(&tampered).await, Err(Error::RequestDiffers { .. })));
}

#[tokio::test]
async fn usage_is_the_callers_own_and_no_call_counts_twice() {
    let gate = Gate::new();
    let stopped = Script::new().with_start().with_text("half").with_gate(&gate);
    let scripts = [Script::text("a"), Script::text("b"), stopped.with_end(Finish::Stop)];
    let (session, _) = session(scripts).await;
    let main = session.default_branch();
    main.chat("q").await.unwrap();
    let fork = main.fork("fork").await.unwrap();
    assert_eq!(fork.usage().await.unwrap().own, branchwork::usage::Totals::default());
    fork.chat("q").await.unwrap();
    let mut stream = fork.chat("q").stream();
    drop(stream.next().await);
    drop(stream.next().await);
    stream.interrupt().await.unwrap();
    let usage = fork.usage().await.unwrap();
    assert_eq!((usage.own.calls, usage.own.succeeded, usage.own.interrupted), (2, 1, 1));
    assert_eq!((usage.own.input_tokens, usage.own.unknown_tokens), (1, 1));
    assert_eq!((usage.inherited.calls, usage.inherited.cost_usd), (1, None));
    assert_eq!(main.usage().await.unwrap().inherited.calls, 0);
    let rows = async |by| -> Vec<(String, u64)> {
        let rows = session.engine().usage(by).await.unwrap();
        rows.into_iter().map(|row| (row.key, row.totals.calls)).collect()
    };
    let row = |key: &str, calls| (key.to_owned(), calls);
    assert_eq!(rows(UsageBy::Session).await, [row("trip", 3)]);
    assert_eq!(rows(UsageBy::Branch).await, [row("trip@fork", 2), row("trip@main", 1)]);
    assert_eq!(rows(UsageBy::Model).await, [row("local:tiny", 3)]);
    assert_eq!(rows(UsageBy::Day).await.len(), 1);
    session.clear_calls().await.unwrap();
    assert!(session.calls().await.unwrap().is_empty());
    assert_eq!(texts(&fork).await.len(), 6, "the history stays");
}

#[tokio::test]
async fn a_call_with_tools_is_kept_with_its_answer_and_times_are_taken() {
    let (session, _) = session([Script::calls([("c", "nope", "{}")])]).await;
    let main = session.default_branch();
    let reply = main.chat("q").await.unwrap();
    let calls = session.calls().await.unwrap();
    assert_eq!((calls.len(), calls[0].answer), (1, reply.message.id));
    assert_eq!(calls[0].call.finish.as_deref(), Some("tool_calls"));
    assert!(calls[0].call.timings.first.unwrap() <= calls[0].call.timings.total);
    assert!(calls[0].call.timings.queued > Duration::ZERO);
}
