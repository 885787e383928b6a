//! Section 3.7: flows; those of more than one turn come with theirs.

use branchwork::{
    BaseBranch as _, Error,
    core::{
        config::{Change, ConfigPatch},
        message::{Body, Part, Status},
        provider::{ProviderError, ToolChoice},
    },
    tools::ToolSelection,
};
use branchwork_testkit::{Gate, Script};

use super::support::add;
use crate::support::{session, texts};

#[tokio::test]
async fn s147_to_s149_a_chat_is_one_question_one_call_one_answer_and_one_entry() {
    let (session, provider) = session([Script::text("hello")]).await;
    let main = session.default_branch();
    let reply = main.chat("hi").with_sender("ada").await.unwrap();
    assert_eq!((reply.text.as_str(), provider.requests().len()), ("hello", 1));
    let view = main.view().await.unwrap();
    let said: Vec<_> =
        view.messages().map(|message| (message.sender.as_str(), message.body.clone())).collect();
    let question = Body::Instruction { parts: vec![Part::text("hi")], context: None };
    assert_eq!(said, [("ada", question), ("assistant", Body::response("hello"))]);
    let calls = session.calls().await.unwrap();
    let log: Vec<_> = calls.iter().map(|call| (call.branch, call.answer)).collect();
    assert_eq!(log, [(main.id(), reply.message.id)]);
    assert_eq!((calls[0].call.finish.as_deref(), &calls[0].call.failure), (Some("stop"), &None));
    let own = main.usage().await.unwrap().own;
    assert_eq!((own.calls, own.succeeded, own.failed, own.interrupted), (1, 1, 0, 0));
}

#[tokio::test]
async fn s151_and_s152_a_failure_is_an_error_with_its_cause_and_a_retry_doubles_nothing() {
    let detail = "boom".to_owned();
    let failure = ProviderError::Unavailable {
        status: Some(500),
        retry_after: None,
        detail,
        source: Some("the line is dead".into()),
    };
    let (session, _) = session([Script::refusal(failure), Script::text("fine")]).await;
    let main = session.default_branch();
    let error = main.chat("q").await.unwrap_err();
    let Error::Provider(provider) = &error else { panic!("{error:?}") };
    assert!(std::error::Error::source(provider).is_some());
    assert_eq!(main.last_message().await.unwrap().unwrap().status, Status::Failed);
    assert_eq!(main.retry().await.unwrap().text, "fine");
    assert_eq!(texts(&main).await, ["q", "fine"]);
}

#[tokio::test]
async fn s155_an_answer_that_is_json_is_its_text() {
    for text in ["{\"response\":{\"x\":1}}", "{\"response\":[]}"] {
        let main = session([Script::text(text)]).await.0.default_branch();
        assert_eq!(main.chat("q").await.unwrap().text, text);
    }
}

#[tokio::test]
async fn s156_and_s157_options_of_a_call_hold_for_it_and_zero_and_none_are_sent() {
    let (session, provider) = session((0..2).map(|_| Script::text("ok"))).await;
    let main = session.default_branch();
    main.register(add()).unwrap();
    let seed = Change::Set(0);
    let patch = ConfigPatch { temperature: Change::Set(0.5), seed, ..ConfigPatch::default() };
    let chat = main.chat("q").with_config(patch).with_tools(ToolSelection::All);
    chat.with_tool_choice(ToolChoice::None).await.unwrap();
    main.chat("q").await.unwrap();
    let requests = provider.requests();
    assert_eq!((requests[0].config.temperature, requests[0].config.seed), (Some(0.5), Some(0)));
    assert_eq!((requests[0].tools.len(), &requests[0].tool_choice), (1, &ToolChoice::None));
    assert_eq!((requests[1].config.temperature, requests[1].config.seed), (None, None));
    assert_eq!(main.config().await.unwrap().temperature, None);
    // An unknown option does not compile; an unknown key of a configuration is refused by name.
}

#[tokio::test]
async fn s168_turns_of_one_branch_wait_for_each_other() {
    let gate = Gate::new();
    let slow = Script::new().with_start().with_gate(&gate).with_text("A1");
    let slow = slow.with_end(branchwork::core::provider::Finish::Stop);
    let (session, _) = session([slow, Script::text("A2")]).await;
    let main = session.default_branch();
    let open = async {
        gate.reached().await;
        gate.release();
    };
    let (first, second, ()) =
        tokio::join!(main.chat("Q1").into_future(), main.chat("Q2").into_future(), open);
    assert_eq!((first.unwrap().text.as_str(), second.unwrap().text.as_str()), ("A1", "A2"));
    assert_eq!(texts(&main).await, ["Q1", "A1", "Q2", "A2"]);
}

#[tokio::test]
async fn s169_turns_of_different_branches_run_side_by_side() {
    let (left, right) = (Gate::new(), Gate::new());
    let gated = |gate: &Gate| {
        let script = Script::new().with_start().with_gate(gate).with_text("ok");
        script.with_end(branchwork::core::provider::Finish::Stop)
    };
    let (session, _) = session([gated(&left), gated(&right)]).await;
    let (one, two) = (session.default_branch(), session.create_branch("two").await.unwrap());
    // Neither ends until both have begun.
    let both = async {
        left.reached().await;
        right.reached().await;
        left.release();
        right.release();
    };
    let config = one.config().await.unwrap();
    let patch = ConfigPatch::default().with_model(config.provider, config.model.unwrap());
    two.configure(patch).await.unwrap();
    let (first, second, ()) =
        tokio::join!(one.chat("q").into_future(), two.chat("q").into_future(), both);
    assert_eq!((first.unwrap().text.as_str(), second.unwrap().text.as_str()), ("ok", "ok"));
}

#[tokio::test]
async fn a_system_text_given_with_the_question_comes_first_and_stays() {
    let (session, provider) = session(["1", "2", "3"].map(Script::text)).await;
    let main = session.default_branch();
    main.chat("q1").with_system("old").await.unwrap();
    main.chat("q2").with_system("new").await.unwrap();
    main.retry().with_system("newest").await.unwrap();
    let sent = |index: usize| {
        let request = &provider.requests()[index];
        request.messages.iter().map(|message| message.text()).collect::<Vec<_>>()
    };
    assert_eq!(sent(0), ["old", "q1"]);
    assert_eq!(sent(1), ["new", "q1", "1", "q2"]);
    assert_eq!(sent(2), ["newest", "q1", "1", "q2"]);
    // The system text is of the same step as the question.
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await, ["new", "q1", "1", "q2", "2"]);
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await, ["old", "q1", "1"]);
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await, Vec::<String>::new());
}
