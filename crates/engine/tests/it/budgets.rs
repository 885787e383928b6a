//! Budgets of sessions, branches and trees of forks.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use branchwork::{
    Branch, Engine, Error, Session, TurnEvent,
    budget::{Budget, BudgetScope, OverBudget},
    core::{
        message::BodyKind,
        provider::{Finish, PriceBook, Prices, ProviderError, ProviderEvent, Usage},
        tool::ToolSelection,
    },
    tools::{FunctionTool, schemars::JsonSchema},
};
use branchwork_testkit::{Gate, Script, ScriptedProvider};
use futures_util::{FutureExt as _, StreamExt as _};
use serde::Deserialize;

use crate::support::{says, session, texts};

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

/// An answer that used so many tokens.
fn used(input: u64, output: u64) -> Script {
    let usage =
        Usage { input_tokens: Some(input), output_tokens: Some(output), ..Usage::default() };
    Script::new()
        .with_start()
        .with_text("Rome")
        .with_event(ProviderEvent::Usage(usage))
        .with_event(ProviderEvent::Finished(Finish::Stop))
}

/// An answer that asks for a call of that identifier and tool, and used 25 tokens.
fn calling(id: &str, tool: &str) -> Script {
    let usage = Usage { input_tokens: Some(20), output_tokens: Some(5), ..Usage::default() };
    Script::new()
        .with_start()
        .with_call(0, (id, tool, "{}"))
        .with_event(ProviderEvent::Usage(usage))
        .with_event(ProviderEvent::Finished(Finish::ToolCalls))
}

/// Gives `branch` the tool `count`; answers how often it ran.
fn counting(branch: &Branch) -> Arc<AtomicU32> {
    let ran = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&ran);
    let tool = FunctionTool::new("count", "Counts.", move |Nothing {}: Nothing| {
        let count = count.fetch_add(1, Ordering::SeqCst);
        async move { Ok::<_, branchwork::tools::ToolError>(count) }
    });
    branch.register(tool).unwrap();
    ran
}

/// Asks with an answer of at most ten tokens.
async fn ask(branch: &Branch) -> Result<String, Error> {
    let config = branchwork::core::config::ConfigPatch::new().with_max_tokens(10);
    Ok(branch.chat("Where?").with_config(config).await?.text)
}

fn refused(asked: Result<String, Error>) -> (BudgetScope, OverBudget, bool) {
    match asked {
        Err(Error::OverBudget { scope, problem, is_parked }) => (scope, problem, is_parked),
        other => panic!("{other:?}"),
    }
}

fn tokens_of(session: &Session) -> (u64, u64) {
    let state = session.budget().unwrap();
    (state.tokens, state.tokens_reserved)
}

#[tokio::test]
async fn what_was_used_counts_and_a_call_that_may_use_more_is_not_made() {
    let (session, provider) = session([used(20, 5), used(30, 5), used(1, 1)]).await;
    let main = session.default_branch();
    ask(&main).await.unwrap();
    session.set_budget(Budget::new().with_tokens(80)).await.unwrap();
    assert_eq!(tokens_of(&session), (25, 0), "it was used before");
    ask(&main).await.unwrap();
    assert_eq!(tokens_of(&session), (60, 0));
    let before = texts(&main).await;
    let (scope, problem, is_parked) = refused(ask(&main).await);
    assert_eq!((scope, is_parked), (BudgetScope::Session(session.id()), false));
    assert!(
        matches!(problem, OverBudget::Tokens { wanted: 21.., left: 20, max: 80 }),
        "{problem:?}"
    );
    assert_eq!(texts(&main).await, before, "nothing is written");
    assert_eq!(provider.requests().len(), 2);
    assert_eq!(session.clear_budget().unwrap().tokens, 60);
    ask(&main).await.unwrap();
}

#[tokio::test]
async fn calls_side_by_side_do_not_use_more_than_there_is_together() {
    let gate = Gate::new();
    let waiting =
        || Script::new().with_start().with_gate(&gate).with_text("x").with_end(Finish::Stop);
    let (session, provider) = session([waiting(), waiting(), used(1, 1)]).await;
    session.set_budget(Budget::new().with_tokens(40)).await.unwrap();
    let main = session.default_branch();
    let (one, two) = (main.fork("one").await.unwrap(), main.fork("two").await.unwrap());
    let three = main.fork("three").await.unwrap();
    let meanwhile = async {
        while provider.requests().len() < 2 {
            tokio::task::yield_now().await;
        }
        let (_, reserved) = tokens_of(&session);
        assert!((25..=40).contains(&reserved), "{reserved}");
        refused(ask(&three).await);
        gate.release();
    };
    let (first, second, ()) = tokio::join!(ask(&one), ask(&two), meanwhile);
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(tokens_of(&session), (4, 0), "what was not used is given back");
    ask(&three).await.unwrap();
}

#[tokio::test]
async fn a_tree_is_a_branch_and_all_that_comes_from_it() {
    let answers = Arc::new(ScriptedProvider::answering(|_| used(10, 10)));
    let builder = Engine::in_memory().session("trees").provider("local", answers as _);
    let session = builder.model("tiny").create().await.unwrap();
    let main = session.default_branch();
    let tree = main.fork("tree").await.unwrap();
    let leaf = tree.fork("leaf").await.unwrap().fork("of-leaf").await.unwrap();
    ask(&leaf).await.unwrap();
    ask(&main).await.unwrap();
    tree.set_tree_budget(Budget::new().with_tokens(60)).await.unwrap();
    tree.set_budget(Budget::new().with_tokens(1_000)).await.unwrap();
    assert_eq!(tree.tree_budget().unwrap().tokens, 20, "of the leaf, not of main");
    ask(&tree).await.unwrap();
    let late = leaf.fork("late").await.unwrap();
    let (scope, ..) = refused(ask(&late).await);
    assert_eq!(scope, BudgetScope::Tree(tree.id()));
    assert_eq!((tree.tree_budget().unwrap().tokens, tree.budget().unwrap().tokens), (40, 20));
    for _ in 0..5 {
        ask(&main).await.unwrap();
    }
}

#[tokio::test]
async fn a_turn_that_waits_for_a_larger_budget_goes_on_where_it_was() {
    let (session, provider) = session([calling("c", "count"), used(30, 5)]).await;
    let main = session.default_branch();
    let ran = counting(&main);
    session.set_budget(Budget::new().with_tokens(5).parking()).await.unwrap();
    let config = || branchwork::core::config::ConfigPatch::new().with_max_tokens(10);
    let chat = || main.chat("Count.").with_config(config()).with_tools(ToolSelection::All);
    let parked = |asked: Result<branchwork::Reply, Error>| match asked {
        Err(Error::OverBudget { is_parked, .. }) => is_parked,
        other => panic!("{other:?}"),
    };
    assert!(parked(chat().await));
    assert_eq!(texts(&main).await, ["Count."], "the instruction waits");
    assert_eq!(provider.requests().len(), 0);

    session.set_budget(Budget::new().with_tokens(40).parking()).await.unwrap();
    let resume = || main.resume().with_config(config()).with_tools(ToolSelection::All);
    assert!(parked(resume().await), "after the first round there is not enough for another");
    assert_eq!((provider.requests().len(), ran.load(Ordering::SeqCst)), (1, 1));

    session.set_budget(Budget::new().with_tokens(400).parking()).await.unwrap();
    let reply = resume().await.unwrap();
    assert_eq!((reply.text.as_str(), ran.load(Ordering::SeqCst)), ("Rome", 1));
    let view = main.view().await.unwrap();
    let kinds: Vec<_> = view.messages().map(|message| message.body.kind()).collect();
    let turn = [
        BodyKind::Instruction,
        BodyKind::ActionRequest,
        BodyKind::ActionResponse,
        BodyKind::Response,
    ];
    assert_eq!(kinds, turn);
    assert_eq!(tokens_of(&session), (60, 0));
}

#[tokio::test]
async fn a_budget_in_money_needs_a_price() {
    let (session, _) = session([used(100, 100), used(100, 100)]).await;
    let main = session.default_branch();
    session.set_budget(Budget::new().with_cost(150)).await.unwrap();
    assert_eq!(refused(ask(&main).await).1, OverBudget::PriceUnknown);
    // A dollar for a million tokens: a millionth for each.
    let book = PriceBook::new().with("local", "tiny", Prices::new(1_000_000, 1_000_000));
    session.engine().set_prices(book);
    ask(&main).await.unwrap();
    assert_eq!(session.budget().unwrap().pico_usd, 200_000_000);
    let (_, problem, _) = refused(ask(&main).await);
    assert!(matches!(problem, OverBudget::Cost { left: 0, max: 150, .. }), "{problem:?}");
}

#[tokio::test]
async fn what_nobody_counted_of_an_answer_that_broke_off_is_estimated_and_a_failure_costs_nothing()
{
    let refusal = ProviderError::InvalidRequest { status: None, detail: String::new() };
    let cut =
        Script::new().with_start().with_text("Rome is where it is warm").with_gate(&Gate::new());
    let (session, _) = session([Script::refusal(refusal), cut]).await;
    let main = session.default_branch();
    main.append(says("before")).await.unwrap();
    session.set_budget(Budget::new().with_tokens(1_000)).await.unwrap();
    assert!(matches!(ask(&main).await, Err(Error::Provider(_))));
    assert_eq!(tokens_of(&session), (0, 0));
    let config = branchwork::core::config::ConfigPatch::new().with_max_tokens(10);
    let mut stream = main.chat("Where?").with_config(config).stream();
    while !matches!(stream.next().await, Some(Ok(TurnEvent::Text(_)))) {}
    stream.interrupt().await.unwrap();
    let (spent, reserved) = tokens_of(&session);
    assert!((15..60).contains(&spent) && reserved == 0, "{spent} {reserved}");
}

#[tokio::test]
async fn each_of_several_answers_may_be_as_long_as_one() {
    let sibling = |text: &str| {
        let event = Box::new(ProviderEvent::Text(text.to_owned()));
        ProviderEvent::Sibling { choice: 1, event }
    };
    let cut = Script::new()
        .with_start()
        .with_event(sibling("Oslo is where it is cold"))
        .with_gate(&Gate::new());
    let (session, provider) = session([cut]).await;
    let main = session.default_branch();
    let config = || branchwork::core::config::ConfigPatch::new().with_max_tokens(100);
    let chat = |choices| main.chat("Where?").with_config(config()).with_choices(choices);
    session.set_budget(Budget::new().with_tokens(250)).await.unwrap();
    let refused = refused(chat(3).await.map(|reply| reply.text));
    assert!(
        matches!(refused.1, OverBudget::Tokens { wanted: 301.., left: 250, .. }),
        "{refused:?}"
    );
    assert_eq!(provider.requests().len(), 0);
    // What only another answer said was paid for, too.
    let mut stream = chat(2).stream();
    while stream.next().now_or_never().is_some() || tokens_of(&session).1 == 0 {}
    stream.interrupt().await.unwrap();
    let (spent, reserved) = tokens_of(&session);
    assert!((10..60).contains(&spent) && reserved == 0, "{spent} {reserved}");
}

#[tokio::test]
async fn a_budget_holds_from_the_next_request_on_also_within_a_turn() {
    let (session, provider) = session([calling("c", "limit"), used(1, 1)]).await;
    let limited = session.clone();
    let tool = FunctionTool::new("limit", "Sets a budget.", move |Nothing {}: Nothing| {
        let session = limited.clone();
        async move {
            session.set_budget(Budget::new().with_tokens(30)).await.unwrap();
            Ok::<_, branchwork::tools::ToolError>("done")
        }
    });
    let main = session.default_branch();
    main.register(tool).unwrap();
    let asked = main.chat("Limit.").with_tools(ToolSelection::All).await;
    let (_, problem, _) = refused(asked.map(|reply| reply.text));
    assert!(matches!(problem, OverBudget::Tokens { left: 5, max: 30, .. }), "{problem:?}");
    assert_eq!((provider.requests().len(), tokens_of(&session)), (1, (25, 0)));
}

#[tokio::test]
async fn a_call_counts_once_whatever_happens_to_the_budget_meanwhile() {
    let gate = Gate::new();
    let waiting = || {
        let usage = Usage { input_tokens: Some(30), output_tokens: Some(5), ..Usage::default() };
        let script = Script::new().with_start().with_gate(&gate).with_text("Rome");
        script
            .with_event(ProviderEvent::Usage(usage))
            .with_event(ProviderEvent::Finished(Finish::Stop))
    };
    let (session, provider) = session([waiting(), waiting()]).await;
    let (one, main) = (session.default_branch(), session.default_branch());
    let two = main.fork("two").await.unwrap();
    let budget = Budget::new().with_tokens(1_000);
    let begun = async |count| {
        while provider.requests().len() < count {
            tokio::task::yield_now().await;
        }
    };
    let meanwhile = async {
        begun(1).await;
        session.set_budget(budget).await.unwrap();
        assert_eq!(tokens_of(&session), (0, 0), "the first is not known yet");
    };
    let second = async {
        while session.budget().is_none() {
            tokio::task::yield_now().await;
        }
        ask(&two).await.unwrap();
    };
    let third = async {
        begun(2).await;
        assert!(tokens_of(&session).1 > 0);
        assert!(session.clear_budget().unwrap().tokens_reserved > 0);
        session.set_budget(budget).await.unwrap();
        assert_eq!(tokens_of(&session), (0, 0), "it is another budget");
        gate.release();
    };
    let (first, (), (), ()) = tokio::join!(ask(&one), meanwhile, second, third);
    first.unwrap();
    assert_eq!(tokens_of(&session), (70, 0));
    // Set anew, it finds the same in the log.
    session.clear_budget();
    session.set_budget(budget).await.unwrap();
    assert_eq!(tokens_of(&session), (70, 0));
}

#[tokio::test]
async fn a_replay_of_what_budgets_stopped_asks_nobody_and_uses_nothing() {
    let calls = [calling("a", "count"), calling("b", "count"), used(30, 5)];
    let (session, provider) = session(calls).await;
    let main = session.default_branch();
    let ran = counting(&main);
    let config = || branchwork::core::config::ConfigPatch::new().with_max_tokens(10);
    let chat = || main.chat("Count.").with_config(config()).with_tools(ToolSelection::All);
    // One turn is closed by its budget after a round, another one waits for a larger one there.
    session.set_budget(Budget::new().with_tokens(40)).await.unwrap();
    assert!(matches!(chat().await, Err(Error::OverBudget { is_parked: false, .. })));
    session.set_budget(Budget::new().with_tokens(80).parking()).await.unwrap();
    assert!(matches!(chat().await, Err(Error::OverBudget { is_parked: true, .. })));
    session.set_budget(Budget::new().with_tokens(400).parking()).await.unwrap();
    let resumed = main.resume().with_config(config()).with_tools(ToolSelection::All);
    resumed.await.unwrap();

    let before = (tokens_of(&session), session.calls().await.unwrap().len());
    let (asked, runs) = (provider.requests().len(), ran.load(Ordering::SeqCst));
    let replayed = main.replay().await.unwrap();
    assert_eq!((replayed.turns, replayed.calls, replayed.copied.len()), (2, 3, 0));
    assert_eq!(texts(&replayed.session.default_branch()).await, texts(&main).await);
    assert_eq!((tokens_of(&session), session.calls().await.unwrap().len()), before);
    assert_eq!((provider.requests().len(), ran.load(Ordering::SeqCst)), (asked, runs));
    assert_eq!(replayed.session.budget(), None);
}
