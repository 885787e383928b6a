//! What fits into a request: counted before it is sent, made to fit by summaries, never cut in silence.

use std::sync::Arc;

use branchwork::{
    BaseBranch as _, Error, Session,
    core::{
        filter::RESULT_LEFT_OUT,
        graph::ApplyError,
        message::{Body, Role, Status},
        provider::{Finish, PriceBook, Prices, ProviderEvent, Usage},
        tokens::{Basis, Tokenizer},
        tool::ToolSelection,
        turn::{Limit, TurnLimits},
    },
    tools::{FunctionTool, ToolError, schemars::JsonSchema},
};
use branchwork_testkit::{Script, ScriptedProvider};
use serde::Deserialize;

use crate::{
    support::{says, session, texts},
    work::assert_legal,
};

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

/// An answer whose request had so many tokens, as the provider says.
fn measured(script: Script, input: u64, output: u64, finish: Finish) -> Script {
    let usage =
        Usage { input_tokens: Some(input), output_tokens: Some(output), ..Usage::default() };
    script.with_event(ProviderEvent::Usage(usage)).with_event(ProviderEvent::Finished(finish))
}

fn says_measured(text: &str, input: u64, output: u64) -> Script {
    measured(Script::new().with_start().with_text(text), input, output, Finish::Stop)
}

/// A model that calls a tool which says much, and then is done.
async fn much() -> (Session, Arc<ScriptedProvider>) {
    let call = Script::new().with_start().with_call(0, ("c1", "read", "{}"));
    let call = measured(call, 100, 10, Finish::ToolCalls);
    let (session, provider) = session([call, Script::text("done")]).await;
    let read = async |_: Nothing| Ok::<_, ToolError>("word ".repeat(1_000));
    session.register(FunctionTool::new("read", "Reads.", read)).unwrap();
    (session, provider)
}

/// One token a letter.
#[derive(Debug)]
struct Letters;

impl Tokenizer for Letters {
    fn count(&self, text: &str) -> u64 {
        text.chars().count() as u64
    }
}

#[tokio::test]
async fn a_count_says_what_it_is_based_on() {
    let (session, _) =
        session([says_measured("Rome.", 30, 5), says_measured("Oslo.", 60, 5)]).await;
    let main = session.default_branch();
    let first = main.chat("Where?").count_tokens().await.unwrap();
    assert_eq!(first.basis, Basis::Estimated);
    main.chat("Where?").await.unwrap();
    let again = main.retry().count_tokens().await.unwrap();
    assert_eq!((again.tokens, again.basis), (first.tokens, Basis::Estimated), "without the answer");
    let with_system = main.chat("Why?").with_system("x".repeat(400)).count_tokens().await.unwrap();
    assert!(with_system.tokens > 100, "{with_system:?}");
    let next = main.chat("Why?").count_tokens().await.unwrap();
    assert_eq!((next.tokens, next.basis), (35 + 1 + 4, Basis::Estimated));
    session.engine().register_tokenizer("ti", Arc::new(Letters));
    session.engine().register_tokenizer("other", Arc::new(Letters));
    let next = main.chat("Why?").count_tokens().await.unwrap();
    assert_eq!((next.tokens, next.basis), (35 + 4 + 4, Basis::Tokenizer));
    // What is edited was not measured; nor was what another model or a fork with other tools is sent.
    let fork = main.fork("other").await.unwrap();
    let question = main.view().await.unwrap().messages().next().map(|first| first.id).unwrap();
    main.edit(question, Body::instruction("Where to?")).await.unwrap();
    let edited = main.chat("Why?").count_tokens().await.unwrap();
    assert_eq!((edited.tokens, edited.basis), (9 + 5 + 4 + 3 * 4, Basis::Tokenizer));
    let inherited = fork.chat("Why?").count_tokens().await.unwrap();
    assert_eq!(inherited.tokens, next.tokens, "a fork begins as its parent did");
}

#[tokio::test]
async fn a_request_that_does_not_fit_is_an_error_before_the_call_that_says_by_how_much() {
    let (session, provider) = much().await;
    let main = session.default_branch();
    let limits = TurnLimits::new().with_context(200);
    let refused = main.chat("word ".repeat(400)).with_limits(limits).await.unwrap_err();
    let said = "the request has 504 tokens (estimated), 200 are allowed: 304 too many";
    assert_eq!(refused.to_string(), said);
    assert_eq!((texts(&main).await.len(), provider.requests().len()), (0, 0), "nothing is written");

    // The result of the tool is too long for the second request: what had come is kept.
    let chat = main.chat("Read it.").with_tools(ToolSelection::All).with_limits(limits);
    let Err(Error::TooLong { count, max: 200 }) = chat.await else { panic!("it does not fit") };
    assert_eq!((count.tokens, count.basis), (110 + 1_250 + 4, Basis::Estimated));
    assert_eq!(provider.requests().len(), 1);
    let view = main.view().await.unwrap();
    assert_legal(&view, "a request that does not fit");
    let kinds: Vec<_> = view.messages().map(|message| message.role()).collect();
    assert_eq!(kinds, [Role::User, Role::Assistant, Role::Tool, Role::Assistant]);
    assert_eq!(view.last().unwrap().status, Status::Interrupted);

    // A retry that does not fit leaves what is there.
    let before = main.record().await.unwrap();
    let long = main.retry().with_text("word ".repeat(400)).with_limits(limits).await;
    assert!(matches!(long, Err(Error::TooLong { .. })));
    let long = main.chat("Hm.").with_system("word ".repeat(400)).with_limits(limits).await;
    assert!(matches!(long, Err(Error::TooLong { .. })));
    assert_eq!(main.record().await.unwrap().revision, before.revision);

    // Made to fit, it goes on.
    let chat = main.chat("Go on.").with_results_kept(0).with_limits(limits);
    assert_eq!(chat.await.unwrap().text, "done");
}

#[tokio::test]
async fn old_results_may_be_left_out_of_what_is_shown() {
    let call = |id| Script::calls([(id, "read", "{}")]);
    let scripts = [call("a"), call("b"), call("c"), Script::text("done")];
    let (session, provider) = session(scripts).await;
    let read = async |_: Nothing| Ok::<_, ToolError>("much");
    session.register(FunctionTool::new("read", "Reads.", read)).unwrap();
    let main = session.default_branch();
    main.chat("Read.").with_tools(ToolSelection::All).with_results_kept(1).await.unwrap();
    let last = provider.requests().pop().unwrap();
    let results: Vec<_> =
        last.messages.iter().filter(|message| message.role() == Role::Tool).collect();
    let shown: Vec<_> = results.iter().map(|result| result.text()).collect();
    assert_eq!(shown, [RESULT_LEFT_OUT, RESULT_LEFT_OUT, "much"]);
    assert_eq!(texts(&main).await[2], "much", "the history has it");
    // What was sent is rendered again from what is kept of the call.
    for call in session.calls().await.unwrap() {
        session.request_of(&call).await.unwrap();
    }
}

#[tokio::test]
async fn a_summary_stands_for_what_is_old_and_can_be_taken_back() {
    let (session, provider) = session([
        Script::text("Rome."),
        Script::calls([("c1", "read", "{}")]),
        Script::text("It is warm."),
        Script::text("They go to Rome."),
        Script::text("On Friday."),
    ])
    .await;
    let main = session.default_branch();
    main.set_system("Be brief.").await.unwrap();
    let read = async |_: Nothing| Ok::<_, ToolError>("26");
    session.register(FunctionTool::new("read", "Reads.", read)).unwrap();
    main.chat("Where?").await.unwrap();
    main.chat("How warm?").with_tools(ToolSelection::All).await.unwrap();
    let before = texts(&main).await;
    let compacted = main.compact().keeping(1).await.unwrap();
    // All but the last answer: two questions, an answer, a call with its result.
    assert_eq!(compacted.folded, 3 + 2);
    let asked = provider.requests().pop().unwrap();
    assert_eq!(asked.messages.len(), 1 + 5 + 1, "what is kept is not summarized");
    assert_eq!(texts(&main).await, ["Be brief.", "They go to Rome.", "It is warm."]);
    assert_eq!(session.branches().await.unwrap().len(), 1, "the fork is gone");
    assert_eq!(session.calls().await.unwrap().len(), 4, "and billed");
    main.chat("When?").await.unwrap();
    let shown = provider.requests().pop().unwrap().messages;
    let roles: Vec<_> = shown.iter().map(|message| message.role()).collect();
    assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::User]);
    assert_eq!(
        main.page(10).await.unwrap(),
        main.view().await.unwrap().messages().cloned().collect::<Vec<_>>()
    );

    main.unfold(compacted.summary).await.unwrap();
    let after = texts(&main).await;
    assert_eq!((&after[..before.len()], after.len()), (&before[..], before.len() + 2));
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await[1], "They go to Rome.");
    assert_legal(&main.view().await.unwrap(), "folded");
    // What the model is shown of a branch that was compacted before is what stands.
    provider.push(Script::text("Rome on Friday."));
    let again = main.compact().keeping(1).await.unwrap();
    let asked: Vec<_> =
        provider.requests().pop().unwrap().messages.iter().map(|m| m.text()).collect();
    assert_eq!(asked[..4], ["Be brief.", "They go to Rome.", "It is warm.", "When?"]);
    assert_eq!((asked.len(), again.folded), (5, 3));
    main.unfold(again.summary).await.unwrap();
    let twice = main.compact().keeping(0).by(|old| format!("{} in all", old.len())).await.unwrap();
    assert_eq!(
        (twice.folded, texts(&main).await),
        (4, vec!["Be brief.".to_owned(), "4 in all".to_owned()])
    );
    main.unfold(twice.summary).await.unwrap();
    main.unfold(compacted.summary).await.unwrap();
    assert_eq!(texts(&main).await, after);
    let nothing = main.compact().keeping(100).await;
    assert!(matches!(nothing, Err(Error::Change(ApplyError::NothingToFold))));
    let no_summary = main.unfold(compacted.summary).await;
    assert!(matches!(no_summary, Err(Error::Change(ApplyError::NotFolded { .. }))));
}

#[tokio::test]
async fn a_turn_costs_no_more_than_it_may_and_the_call_log_says_what() {
    let call = |id| {
        let script = Script::new().with_start().with_call(0, (id, "read", "{}"));
        measured(script, 1_000, 100, Finish::ToolCalls)
    };
    let (session, provider) =
        session([call("a"), call("b"), call("c"), Script::text("done")]).await;
    let read = async |_: Nothing| Ok::<_, ToolError>("much");
    session.register(FunctionTool::new("read", "Reads.", read)).unwrap();
    let main = session.default_branch();
    let limits = TurnLimits::new().with_cost(5_000);
    let unknown = main.chat("Read.").with_limits(limits).await;
    assert!(matches!(unknown, Err(Error::BadLimits { .. })), "nobody said what the model costs");
    assert_eq!(main.view().await.unwrap().len(), 0, "nothing is written");
    // $2 and $10 for a million: 3 000 millionths of a dollar each.
    let prices = Prices::new(2_000_000, 10_000_000).with_cached(1_000_000);
    session.engine().set_prices(PriceBook::new().with("local", "tiny", prices));
    let chat = main.chat("Read.").with_tools(ToolSelection::All);
    let reply = chat.with_limits(limits).await.unwrap();
    assert_eq!((reply.limit, reply.rounds), (Some(Limit::Cost(5_000)), 2));
    assert_eq!(provider.requests().len(), 2);
    let costs: Vec<_> =
        session.calls().await.unwrap().iter().map(|call| call.call.cost_usd).collect();
    assert_eq!(costs, [Some(0.003), Some(0.003)]);
    main.append(says("And now?")).await.unwrap();
    let none = main.chat("x").with_limits(TurnLimits::new().with_cost(0)).await;
    assert!(matches!(none, Err(Error::BadLimits { .. })));
}
