//! Tournaments: one instruction asked several times, whose answers compete.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use branchwork::{
    Branch, Engine, Error, Result,
    archive::ImportOptions,
    core::{
        config::ConfigPatch,
        message::{Body, Role},
        provider::{ModelRequest, ProviderError, ToolChoice},
        store::{Cause, MemoryStore, Store},
        tool::ToolSelection,
    },
    flows::{BestOf, Candidate, Side, Verdict},
    sqlite::SqliteStore,
};
use branchwork_testkit::{DisturbedStore, Moment, Script, ScriptedProvider};
use serde_json::{Value, json};

use crate::support::{says, session, texts};

/// The context of the last message.
fn context(request: &ModelRequest) -> Option<Value> {
    match &request.messages.last()?.body {
        Body::Instruction { context, .. } => context.clone(),
        _ => None,
    }
}

/// Candidates answer one after the other with these; the model judges that what comes later in the alphabet is
/// better.
fn contest(answers: &'static [&'static str]) -> Arc<ScriptedProvider> {
    let next = AtomicUsize::new(0);
    Arc::new(ScriptedProvider::answering(move |request| {
        if request.config.response_schema.is_none() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            return match answers[number % answers.len()] {
                "" => Script::refusal(ProviderError::Auth { status: None, detail: String::new() }),
                text => Script::text(text),
            };
        }
        let context = context(request).unwrap();
        let is_first = context["first"].as_str() >= context["second"].as_str();
        let winner = if is_first { "first" } else { "second" };
        Script::text(json!({ "winner": winner, "reason": "z is better" }).to_string())
    }))
}

async fn process(
    store: Arc<dyn Store>,
    answers: &'static [&'static str],
) -> (Engine, Branch, Arc<ScriptedProvider>) {
    let engine = Engine::builder().store(store).build();
    let provider = contest(answers);
    engine.register("local", Arc::clone(&provider) as _);
    let session = match engine.open_session("trip").await {
        Ok(session) => session,
        Err(_) => engine.session("trip").model("local:tiny").create().await.unwrap(),
    };
    (engine, session.default_branch(), provider)
}

async fn in_memory(answers: &'static [&'static str]) -> (Branch, Arc<ScriptedProvider>) {
    let (_, main, provider) = process(Arc::new(MemoryStore::new()), answers).await;
    (main, provider)
}

/// What comes later in the alphabet is better.
fn later(first: &Candidate, second: &Candidate) -> Verdict {
    if first.text() >= second.text() { Verdict::first("later") } else { Verdict::second("later") }
}

fn met(best: &BestOf) -> Vec<(usize, usize, Side)> {
    best.matches.iter().map(|met| (met.first, met.second, met.verdict.winner)).collect()
}

async fn title(main: &Branch, samples: usize) -> Result<BestOf> {
    main.best_of("Title?").named("title").samples(samples).judged_by(later).await
}

#[tokio::test]
async fn winners_meet_until_one_is_left_and_an_odd_one_passes() {
    let (main, provider) = in_memory(&["b", "e", "d", "a", "c"]).await;
    main.append(says("before")).await.unwrap();
    let tournament = main.best_of("Title?").named("title").samples(5).judged_by(later);
    let best = tournament.concurrency(1).await.unwrap();
    let texts_of: Vec<_> = best.candidates.iter().map(Candidate::text).collect();
    assert_eq!(texts_of, ["b", "e", "d", "a", "c"]);
    let (first, second) = (Side::First, Side::Second);
    let expected = [(1, 2, second), (3, 4, first), (2, 3, first), (2, 5, first)];
    assert_eq!(met(&best), expected);
    assert_eq!((best.winner().number, best.winner().text().as_str()), (2, "e"));
    assert_eq!(best.matches[0].verdict, Verdict::second("later"));
    // All is on branches of its own, which begin where this one was.
    assert_eq!(texts(&main).await, ["before"]);
    let branch = best.winner().branch.as_ref().unwrap();
    assert_eq!(branch.record().await.unwrap().name, "title-2");
    assert_eq!(texts(branch).await, ["before", "Title?", "e"]);
    // Held again, it is all there, wherever the branch is by now.
    main.append(says("more")).await.unwrap();
    let judge = |_: &Candidate, _: &Candidate| -> Verdict { panic!("it is decided") };
    let again = main.best_of("Title?").named("title").samples(5).judged_by(judge).await.unwrap();
    assert_eq!((met(&again), provider.requests().len()), (met(&best), 5));
    // More samples begin where the others did.
    let more = title(&main, 6).await.unwrap();
    assert_eq!(met(&more).len(), 5);
    let branch = more.candidates[5].branch.as_ref().unwrap();
    assert_eq!((texts(branch).await.len(), provider.requests().len()), (3, 6));
}

#[tokio::test]
async fn one_candidate_wins_unjudged_and_each_model_may_have_one() {
    let (main, provider) = in_memory(&["b", "a"]).await;
    let best = title(&main, 1).await.unwrap();
    assert_eq!((best.winner().number, best.matches.len()), (1, 0));
    let tournament = main.best_of("q").named("models").models(["tiny", "local:large"]).samples(2);
    let tournament = tournament.with_context(json!({ "k": 1 })).judged_by(later);
    let config = |chat: branchwork::Chat| chat.with_config(ConfigPatch::new().with_seed(7));
    let best = tournament.with_each(config).await.unwrap();
    let models: Vec<_> =
        best.candidates.iter().map(|one| (one.model.as_deref().unwrap(), one.sample)).collect();
    assert_eq!(models, [("tiny", 0), ("local:large", 0), ("tiny", 1), ("local:large", 1)]);
    let asked = &provider.requests()[1..];
    assert!(asked.iter().all(|request| context(request) == Some(json!({ "k": 1 }))));
    assert!(asked.iter().all(|request| request.config.seed == Some(7)));
    let large = asked.iter().filter(|request| request.config.model.as_deref() == Some("large"));
    assert_eq!(large.count(), 2);
}

#[tokio::test]
async fn a_model_judges_on_branches_of_its_own() {
    let (main, provider) = in_memory(&["b", "c", "a"]).await;
    main.append(says("before")).await.unwrap();
    let hold = async || {
        main.best_of("Title?").named("title").samples(3).judged_by_model("It is short.").await
    };
    let best = hold().await.unwrap();
    assert_eq!((best.winner().text().as_str(), best.matches.len()), ("c", 2));
    assert_eq!(best.matches[0].verdict.reason, "z is better");
    let requests = provider.requests();
    let judged: Vec<_> =
        requests.iter().filter(|request| request.config.response_schema.is_some()).collect();
    assert_eq!((requests.len(), judged.len()), (5, 2));
    let asked = context(judged[0]).unwrap();
    assert_eq!(asked["instruction"], "Title?");
    assert!(judged[0].messages.last().unwrap().text().contains("It is short."));
    // Each match is judged apart, by who knows the conversation and no other match.
    assert!(judged.iter().all(|request| request.messages.len() == 2 && request.tools.is_empty()));
    hold().await.unwrap();
    assert_eq!(provider.requests().len(), 5);
}

#[tokio::test]
async fn a_judge_that_says_nonsense_is_told_and_asked_again() {
    let good = r#"{"winner":"second","reason":"better"}"#;
    let scripts = ["a", "b", "the second one", good].map(Script::text);
    let (session, provider) = session(scripts).await;
    let main = session.default_branch();
    let tournament = main.best_of("q").named("t").samples(2).concurrency(1);
    let best = tournament.judged_by_model("any").await.unwrap();
    assert_eq!((best.winner().number, provider.requests().len()), (2, 4));
    let judge = session.branch("t-judge-1-2").await.unwrap();
    assert_eq!(texts(&judge).await.len(), 4);
}

#[tokio::test]
async fn a_judge_that_never_says_which_is_an_error_and_is_asked_more_the_next_time() {
    let good = r#"{"winner":"first","reason":"better"}"#;
    let scripts = ["a", "b", "no", "no", "no", good].map(Script::text);
    let (session, provider) = session(scripts).await;
    let main = session.default_branch();
    let hold = async || {
        let tournament = main.best_of("q").named("t").samples(2).concurrency(1);
        tournament.judged_by_model("any").await
    };
    assert!(matches!(hold().await, Err(Error::NotExtracted { .. })));
    assert_eq!(provider.requests().len(), 5);
    assert_eq!((hold().await.unwrap().winner().number, provider.requests().len()), (1, 6));
}

#[tokio::test]
async fn a_candidate_that_failed_does_not_compete_and_is_asked_again() {
    let (main, provider) = in_memory(&["", "a", "", "b", "c", "d"]).await;
    let hold = async || {
        let tournament = main.best_of("Title?").named("title").samples(4).concurrency(1);
        tournament.judged_by(later).await
    };
    let best = hold().await.unwrap();
    let failed: Vec<_> = best.candidates.iter().map(|one| one.outcome.is_err()).collect();
    assert_eq!(failed, [true, false, true, false]);
    assert!(matches!(best.candidates[0].outcome, Err(Error::Provider(_))));
    assert_eq!((met(&best), best.winner().number), (vec![(2, 4, Side::Second)], 4));
    let best = hold().await.unwrap();
    assert_eq!((best.winner().text().as_str(), provider.requests().len()), ("d", 6));
    let (main, _) = in_memory(&[""]).await;
    let none = title(&main, 3).await;
    let Err(Error::NoneAnswered { candidates: 3, source }) = none else { panic!("{none:?}") };
    assert!(matches!(*source, Error::Provider(_)));
}

#[tokio::test]
async fn a_tournament_that_cannot_be_held_asks_nothing() {
    let (main, provider) = in_memory(&["a"]).await;
    let best_of = || main.best_of("q").named("t").samples(2).judged_by(later);
    for bad in [
        main.best_of("q").samples(2).judged_by(later),
        main.best_of("q").named("t").samples(2),
        best_of().samples(0),
        best_of().samples(1_001),
        best_of().samples(usize::MAX).models(["a", "b"]),
        best_of().concurrency(0),
    ] {
        let refused = bad.await;
        assert!(matches!(refused, Err(Error::BadTournament { .. })), "{refused:?}");
    }
    assert!(matches!(best_of().named("t~").await, Err(Error::BadName { .. })));
    assert_eq!(provider.requests().len(), 0);
    best_of().await.unwrap();
    let other = main.best_of("r").named("t").samples(2).judged_by(later).await;
    assert!(matches!(other, Err(Error::BadTournament { .. })), "{other:?}");
    assert!(matches!(best_of().models(["x"]).await, Err(Error::BadTournament { .. })));
    let fork = main.fork("fork").await.unwrap();
    let taken = fork.best_of("q").named("t").judged_by(later).await;
    assert!(matches!(taken, Err(Error::Conflict(_))), "{taken:?}");
    assert_eq!(provider.requests().len(), 2);
}

#[tokio::test]
async fn the_winner_is_promoted_at_once_and_taken_back_at_once() {
    let (engine, main, _) = process(Arc::new(MemoryStore::new()), &["b", "c", "a"]).await;
    main.append(says("before")).await.unwrap();
    let best = title(&main, 3).await.unwrap();
    let winner = best.winner().branch.clone().unwrap();
    let revision = main.record().await.unwrap().revision;
    let head = best.promote().await.unwrap();
    let won = ["before", "Title?", "c"];
    assert_eq!(
        (head, texts(&main).await),
        (winner.record().await.unwrap().head, won.map(str::to_owned).to_vec())
    );
    let moves = main.reflog(10).await.unwrap();
    assert_eq!((moves[0].revision, moves[0].cause), (revision + 1, Cause::Promote));
    // Again, it is there already; so when the branch went on.
    assert_eq!(best.promote().await.unwrap(), head);
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await, ["before"]);
    main.redo().await.unwrap();
    assert_eq!(texts(&main).await, won);
    main.append(says("on")).await.unwrap();
    let on = title(&main, 3).await.unwrap().promote().await.unwrap();
    assert_eq!(on, main.view().await.unwrap().head());
    assert_eq!(texts(&winner).await, won, "its branch stays as it is");
    assert_eq!(texts(best.candidates[2].branch.as_ref().unwrap()).await.len(), 3);
    // An archive knows of it.
    let session = engine.open_session("trip").await.unwrap();
    let mut archive = Vec::new();
    session.export(&mut archive).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path().join("a.db")).unwrap());
    let other = Engine::builder().store(store).build();
    other.import(&mut &archive[..], &ImportOptions::new()).await.unwrap();
    let there = other.open_session("trip").await.unwrap().default_branch();
    assert_eq!(texts(&there).await, ["before", "Title?", "c", "on"]);
    assert_eq!(there.reflog(10).await.unwrap(), main.reflog(10).await.unwrap());
    there.undo().await.unwrap();
    assert_eq!(texts(&there).await, won);
    there.undo().await.unwrap();
    assert_eq!(texts(&there).await, ["before"]);
    assert!(other.verify().await.unwrap().problems.is_empty());
}

#[tokio::test]
async fn a_branch_that_was_moved_since_is_left_as_it_is() {
    let (main, _) = in_memory(&["b", "c"]).await;
    main.append(says("before")).await.unwrap();
    let best = title(&main, 2).await.unwrap();
    main.append(says("meanwhile")).await.unwrap();
    let record = main.record().await.unwrap();
    let refused = best.promote().await;
    assert!(matches!(refused, Err(Error::MovedSince { head, .. }) if head == record.head));
    assert_eq!(main.record().await.unwrap(), record);
    main.rollback(2).await.unwrap();
    assert!(matches!(best.promote().await, Err(Error::MovedSince { .. })));
    // Back where it was, it may go on from there.
    main.undo().await.unwrap();
    main.undo().await.unwrap();
    best.promote().await.unwrap();
    assert_eq!(texts(&main).await, ["before", "Title?", "c"]);
}

#[tokio::test]
async fn candidates_may_use_tools() {
    let provider = Arc::new(ScriptedProvider::answering(|request| {
        match (request.messages.last().unwrap().role(), &request.tool_choice) {
            (Role::User, ToolChoice::Auto) => Script::calls([("a", "look", "{}")]),
            _ => Script::text("done"),
        }
    }));
    let builder = Engine::in_memory().session("t").provider("local", Arc::clone(&provider) as _);
    let main = builder.model("tiny").create().await.unwrap().default_branch();
    let ran = crate::work::Ran::default();
    main.register(crate::work::tool("look", branchwork::core::tool::ToolEffect::Pure, &ran))
        .unwrap();
    let tournament = main.best_of("q").named("t").samples(2).judged_by(later);
    let best = tournament.with_each(|chat| chat.with_tools(ToolSelection::All)).await.unwrap();
    assert_eq!((best.winner().text().as_str(), best.winner().number), ("done", 1));
    best.promote().await.unwrap();
    assert_eq!(texts(&main).await, ["q", "", "look a", "done"]);
}

const ANSWERS: &[&str] = &["b", "c", "a"];

async fn hold(main: &Branch, concurrency: usize) -> Result<String> {
    let tournament = main.best_of("Title?").named("title").samples(3).concurrency(concurrency);
    let best = tournament.judged_by_model("It is short.").await?;
    best.promote().await?;
    Ok(best.winner().text())
}

/// Lets a process die at one commit of a tournament, and another hold it again.
async fn die_and_hold(
    store: Arc<dyn Store>,
    (dies_at, moment): (u64, Moment),
    concurrency: usize,
) -> bool {
    let (_, main, _) = process(Arc::clone(&store), ANSWERS).await;
    main.append(says("before")).await.unwrap();
    let dying = Arc::new(DisturbedStore::dying(Arc::clone(&store), dies_at, moment));
    let (_, main, first) = process(Arc::clone(&dying) as _, ANSWERS).await;
    let died = hold(&main, concurrency).await.is_err();
    let place = format!("commit {dies_at}, {moment:?}, {concurrency} at a time");
    assert_eq!(died, dying.is_disturbed(), "{place}");
    let (engine, main, second) = process(Arc::clone(&store), ANSWERS).await;
    let won = hold(&main, concurrency).await.expect(&place);
    assert_eq!(texts(&main).await, ["before", "Title?", &won], "{place}");
    // Each candidate and each match has one answer, and what was answered was not asked again.
    let session = engine.open_session("trip").await.unwrap();
    let branches = session.branches().await.unwrap();
    assert_eq!(branches.len(), 1 + 3 + 1 + 2, "{place}");
    for record in &branches {
        let branch = session.branch(&record.name).await.unwrap();
        let expected = if record.name == "title-judge" { 1 } else { 3 };
        assert_eq!(texts(&branch).await.len(), expected, "{place}: {}", record.name);
    }
    let asked = first.requests().len() + second.requests().len();
    let in_flight = match (concurrency, moment) {
        (1, Moment::Before) => 1,
        (1, Moment::After) => 0,
        _ => 3,
    };
    assert!((5..=5 + in_flight).contains(&asked), "{place}: {asked} requests");
    let (engine, main, third) = process(store, ANSWERS).await;
    assert_eq!(hold(&main, concurrency).await.expect(&place), won, "{place}");
    assert_eq!(third.requests().len(), 0, "{place}");
    assert!(engine.verify().await.unwrap().problems.is_empty(), "{place}");
    died
}

#[tokio::test]
async fn a_process_may_die_at_every_commit_of_a_tournament() {
    for (moment, concurrency) in
        [(Moment::Before, 1), (Moment::After, 1), (Moment::Before, 8), (Moment::After, 8)]
    {
        let mut commits = 0;
        let store = || Arc::new(MemoryStore::new());
        while die_and_hold(store(), (commits + 1, moment), concurrency).await {
            commits += 1;
        }
        // A branch and what it is about, three candidates, two matches, the promotion.
        assert_eq!(commits, 2 + 3 * 3 + 2 * 4 + 1);
    }
}

#[tokio::test]
async fn a_file_brings_a_tournament_back_as_the_memory_does() {
    let folder = tempfile::tempdir().unwrap();
    for moment in [Moment::Before, Moment::After] {
        let mut commits = 0;
        let open = |number: u64| {
            let path = folder.path().join(format!("{number}{moment:?}.db"));
            Arc::new(SqliteStore::open(path).unwrap())
        };
        while die_and_hold(open(commits), (commits + 1, moment), 1).await {
            commits += 1;
        }
        assert_eq!(commits, 20);
    }
}
