//! Turns: what is asked and answered, in order, once.

use branchwork::{
    Error, TurnEvent,
    core::{
        config::{Change, ConfigPatch},
        message::{Body, Draft, Status},
        provider::{Finish, ProviderError},
    },
};
use branchwork_testkit::{Gate, Script};
use futures_util::StreamExt as _;

use crate::support::{says, session, texts};

#[tokio::test]
async fn a_chat_sends_the_conversation_and_keeps_the_answer() {
    let (session, provider) = session([Script::text("Rome."), Script::text("Oslo.")]).await;
    let main = session.default_branch();
    let reply = main.chat("Warm?").await.unwrap();
    assert_eq!((reply.text.as_str(), reply.finish.clone()), ("Rome.", Some(Finish::Stop)));
    assert_eq!(main.record().await.unwrap().head, Some(reply.head));
    main.chat("Cold?").await.unwrap();
    assert_eq!(texts(&main).await, ["Warm?", "Rome.", "Cold?", "Oslo."]);
    let requests = provider.requests();
    let sent: Vec<_> = requests[1].messages.iter().map(|message| message.text()).collect();
    assert_eq!(sent, ["Warm?", "Rome.", "Cold?"]);
    assert_eq!(requests[1].config.model.as_deref(), Some("tiny"));
}

#[tokio::test]
async fn awaiting_and_streaming_are_one_machine() {
    let script =
        || Script::new().with_start().with_text("Ro").with_text("me").with_end(Finish::Stop);
    let (session, _) = session([script(), script()]).await;
    let (left, right) = {
        let main = session.default_branch();
        (main.fork("left").await.unwrap(), main.fork("right").await.unwrap())
    };
    let awaited = left.chat("q").await.unwrap();
    let events: Vec<_> = right.chat("q").stream().map(Result::unwrap).collect().await;
    let [
        TurnEvent::Started { .. },
        TurnEvent::Text(ro),
        TurnEvent::Text(me),
        TurnEvent::Usage(_),
        TurnEvent::Completed(streamed),
    ] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!(format!("{ro}{me}"), "Rome");
    assert_eq!((awaited.text, awaited.usage), (streamed.text.clone(), streamed.usage));
    assert_eq!(texts(&left).await, texts(&right).await);
}

#[tokio::test]
async fn turns_on_one_branch_are_serial_on_different_branches_parallel() {
    let gate = Gate::new();
    let slow = Script::new().with_start().with_gate(&gate).with_text("slow").with_end(Finish::Stop);
    let (session, provider) = session([slow, Script::text("fork"), Script::text("next")]).await;
    let main = session.default_branch();
    let fork = main.fork("fork").await.unwrap();
    let meanwhile = async {
        gate.reached().await;
        // The other branch answers while main's turn is under way and main's next one waits.
        assert_eq!(fork.chat("f").await.unwrap().text, "fork");
        assert_eq!(texts(&main).await, ["1"], "the instruction is there before the answer");
        assert_eq!(provider.requests().len(), 2);
        gate.release();
    };
    let (first, second, ()) = tokio::join!(main.chat("1"), main.chat("2"), meanwhile);
    assert_eq!((first.unwrap().text, second.unwrap().text), ("slow".into(), "next".into()));
    assert_eq!(texts(&main).await, ["1", "slow", "2", "next"]);
}

#[tokio::test]
async fn a_failure_is_an_error_and_what_had_come_is_kept_as_failed() {
    let cut = || ProviderError::Truncated { source: None };
    let scripts = [
        Script::new().with_start().with_text("half a wo").with_error(cut()),
        Script::refusal(ProviderError::Auth { status: Some(401), detail: String::new() }),
    ];
    let (session, _) = session(scripts).await;
    let main = session.default_branch();
    let error = main.chat("1").await.unwrap_err();
    assert!(matches!(error, Error::Provider(ProviderError::Truncated { .. })), "{error:?}");
    let error = main.chat("2").await.unwrap_err();
    assert!(matches!(error, Error::Provider(ProviderError::Auth { .. })), "{error:?}");
    assert_eq!(texts(&main).await, ["1", "half a wo", "2", ""]);
    let statuses: Vec<_> =
        main.view().await.unwrap().messages().map(|message| message.status).collect();
    assert_eq!(statuses, [Status::Complete, Status::Failed, Status::Complete, Status::Failed]);
}

#[tokio::test]
async fn an_empty_answer_is_an_error_never_an_answer() {
    let (session, _) = session([Script::new().with_start().with_end(Finish::Stop)]).await;
    let error = session.default_branch().chat("q").await.unwrap_err();
    assert!(matches!(error, Error::EmptyAnswer), "{error:?}");
}

#[tokio::test]
async fn calls_that_nobody_runs_are_closed_and_the_history_stays_legal() {
    let scripts = [Script::calls([("a", "add", "{}"), ("b", "add", "{}")]), Script::text("ok")];
    let (session, provider) = session(scripts).await;
    let main = session.default_branch();
    let reply = main.chat("q").await.unwrap();
    assert_eq!(reply.calls().len(), 2);
    main.chat("go on").await.unwrap();
    let kinds: Vec<_> = provider.requests()[1]
        .messages
        .iter()
        .map(|message| message.body.kind().as_str())
        .collect();
    assert_eq!(
        kinds,
        ["instruction", "action_request", "action_response", "action_response", "instruction"]
    );
}

#[tokio::test]
async fn a_retry_answers_the_same_instruction_and_the_old_answer_can_be_had_back() {
    let (session, provider) = session([Script::text("one"), Script::text("two")]).await;
    let main = session.default_branch();
    assert!(matches!(main.retry().await, Err(Error::NothingToRetry)));
    main.chat("q").await.unwrap();
    assert_eq!(main.retry().await.unwrap().text, "two");
    assert_eq!(texts(&main).await, ["q", "two"]);
    assert_eq!(provider.requests()[1].messages.len(), 1, "the model does not see its old answer");
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await, ["q", "one"]);
}

#[tokio::test]
async fn options_of_a_call_hold_for_that_call_only() {
    let (session, provider) = session([Script::text("a"), Script::text("b")]).await;
    let main = session.default_branch();
    let patch = ConfigPatch { seed: Change::Set(0), ..ConfigPatch::default() };
    main.chat("1").with_config(patch).with_sender("ada").await.unwrap();
    main.chat("2").await.unwrap();
    let seeds: Vec<_> = provider.requests().iter().map(|request| request.config.seed).collect();
    assert_eq!(seeds, [Some(0), None]);
    let senders: Vec<_> =
        main.view().await.unwrap().messages().map(|message| message.sender.clone()).collect();
    assert_eq!(senders, ["ada", "assistant", "user", "assistant"]);
}

#[tokio::test]
async fn what_cannot_be_asked_writes_nothing() {
    let (session, provider) = session([]).await;
    let main = session.default_branch();
    let before = main.record().await.unwrap();
    let bad = ConfigPatch { temperature: Change::Set(f64::NAN), ..ConfigPatch::default() };
    assert!(matches!(main.chat("q").with_config(bad).await, Err(Error::Config(_))));
    assert!(matches!(main.chat("a\0b").await, Err(Error::Draft(_))));
    let other = ConfigPatch { provider: Change::Set("gone".to_owned()), ..ConfigPatch::default() };
    let error = main.chat("q").with_config(other).await.unwrap_err();
    assert!(matches!(&error, Error::NoProvider { registered, .. } if registered == &["local"]));
    let no_model = ConfigPatch { model: Change::Clear, ..ConfigPatch::default() };
    assert!(matches!(main.chat("q").with_config(no_model).await, Err(Error::NoModel)));
    assert_eq!(main.record().await.unwrap(), before);
    assert_eq!(provider.requests().len(), 0);
}

#[tokio::test]
async fn what_says_something_of_a_new_instruction_needs_one() {
    let (session, provider) = session([Script::text("a")]).await;
    let main = session.default_branch();
    main.chat("q").await.unwrap();
    let before = main.record().await.unwrap();
    for (chat, option) in [
        (main.retry().with_sender("ada"), "with_sender"),
        (main.retry().with_context(1.into()), "with_context"),
        (main.retry().with_parts([]), "with_parts"),
        (main.retry().with_metadata(serde_json::Map::new()), "with_metadata"),
        (main.resume().with_text("other"), "with_text"),
        (main.resume().with_system("other"), "with_system"),
    ] {
        let refused = chat.await.unwrap_err();
        let is_named = matches!(refused, Error::BadOption { option: named, .. } if named == option);
        assert!(is_named, "{refused}");
    }
    assert_eq!(main.record().await.unwrap(), before);
    assert_eq!(provider.requests().len(), 1);
}

#[tokio::test]
async fn a_system_message_behind_the_instruction_is_no_answer() {
    let (session, _) = session([Script::text("a")]).await;
    let main = session.default_branch();
    main.append(says("q")).await.unwrap();
    main.append(Draft::new(Body::System { text: "be brief".to_owned() })).await.unwrap();
    main.retry().await.unwrap();
    assert_eq!(texts(&main).await, ["q", "be brief", "a"]);
}

#[tokio::test]
async fn the_view_does_not_wait_for_a_turn_that_is_under_way() {
    let gate = Gate::new();
    let script = Script::new().with_start().with_gate(&gate).with_text("x").with_end(Finish::Stop);
    let (session, _) = session([script]).await;
    let main = session.default_branch();
    main.append(says("0")).await.unwrap();
    let mut stream = main.chat("1").stream();
    assert!(matches!(stream.next().await, Some(Ok(TurnEvent::Started { .. }))));
    assert_eq!(texts(&main).await, ["0", "1"]);
    gate.release();
    while let Some(event) = stream.next().await {
        event.unwrap();
    }
    assert_eq!(texts(&main).await, ["0", "1", "x"]);
}

#[tokio::test]
async fn a_retry_keeps_what_was_configured_since_and_can_ask_in_other_words() {
    let (session, provider) = session(["one", "two", "three"].map(Script::text)).await;
    let main = session.default_branch();
    main.chat("q").await.unwrap();
    main.configure(ConfigPatch::default().with_model(None, "larger")).await.unwrap();
    main.retry().await.unwrap();
    let models = |at: usize| provider.requests()[at].config.model.clone().unwrap();
    assert_eq!((models(0).as_str(), models(1).as_str()), ("tiny", "larger"));
    assert_eq!(main.view().await.unwrap().config().model.as_deref(), Some("larger"));
    main.retry().with_text("better").await.unwrap();
    assert_eq!(texts(&main).await, ["better", "three"]);
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await, ["q", "two"], "one step back is the whole retry");
    main.redo().await.unwrap();
    assert_eq!(texts(&main).await, ["better", "three"]);
}
