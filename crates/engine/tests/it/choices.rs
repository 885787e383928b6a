//! Several answers to one request, as siblings.

use std::sync::Arc;

use branchwork::{
    Branch, Engine, Error, Session,
    core::{
        message::{BodyKind, Status},
        provider::{Finish, Provider as _, ProviderEvent},
        store::{MemoryStore, Store},
        tool::{ToolEffect, ToolSelection},
    },
};
use branchwork_testkit::{DisturbedStore, Gate, Moment, Script, ScriptedProvider};

use crate::{
    support::{engine_over, export, import, says as said, session, texts},
    work::{Ran, tool},
};

fn sibling(choice: u32, event: ProviderEvent) -> ProviderEvent {
    ProviderEvent::Sibling { choice, event: Box::new(event) }
}

fn says(text: &str) -> ProviderEvent {
    ProviderEvent::Text(text.to_owned())
}

/// Three answers: one here, one that calls, one that says nothing.
fn three() -> Script {
    let (id, function) = ("c".to_owned(), "look".to_owned());
    Script::new()
        .with_start()
        .with_event(sibling(1, says("Os")))
        .with_text("Rome")
        .with_event(sibling(1, says("lo")))
        .with_event(sibling(1, ProviderEvent::CallStarted { index: 0, id, function }))
        .with_event(sibling(2, says("")))
        .with_event(sibling(1, ProviderEvent::Finished(Finish::ToolCalls)))
        .with_end(Finish::Stop)
}

async fn forks(session: &Session, main: &Branch) -> Vec<Branch> {
    let mut forks = Vec::new();
    for record in session.branches().await.unwrap() {
        if record.forked_from == Some(main.id()) {
            forks.push(session.branch(&record.name).await.unwrap());
        }
    }
    forks
}

#[tokio::test]
async fn the_first_answer_goes_on_here_and_each_other_has_a_fork() {
    let (session, provider) = session([three(), Script::text("Warm.")]).await;
    let main = session.default_branch();
    let reply = main.chat("Where?").with_choices(3).await.unwrap();
    assert_eq!((reply.text.as_str(), reply.siblings.len()), ("Rome", 1));
    assert_eq!(provider.requests()[0].choices, 3);
    assert_eq!(texts(&main).await, ["Where?", "Rome"]);
    let forks = forks(&session, &main).await;
    assert_eq!(forks.iter().map(Branch::id).collect::<Vec<_>>(), reply.siblings);
    let view = forks[0].view().await.unwrap();
    let kinds: Vec<_> = view.messages().map(|message| message.body.kind()).collect();
    let group = [BodyKind::Instruction, BodyKind::ActionRequest, BodyKind::ActionResponse];
    assert_eq!(kinds, group, "its call has a result, and did not run");
    // One call was billed, and both branches go on.
    let calls = session.calls().await.unwrap();
    assert_eq!(calls.len(), 1);
    let sent = provider.render(&provider.requests()[0]).unwrap();
    assert_eq!(session.request_of(&calls[0]).await.unwrap(), sent);
    assert_eq!(forks[0].chat("And?").await.unwrap().text, "Warm.");
    assert!(!main.is_cut_off().await.unwrap());
}

#[tokio::test]
async fn only_the_first_round_asks_for_several_and_none_is_refused() {
    let call = Script::calls([("c", "look", "{}")]);
    let (session, provider) = session([call, Script::text("done")]).await;
    let main = session.default_branch();
    main.register(tool("look", ToolEffect::Pure, &Ran::default())).unwrap();
    let chat = main.chat("Look.").with_tools(ToolSelection::All).with_choices(2);
    chat.await.unwrap();
    let asked: Vec<_> = provider.requests().iter().map(|request| request.choices).collect();
    assert_eq!(asked, [2, 1]);
    let refused = main.chat("Look.").with_choices(0).await;
    assert!(matches!(refused, Err(Error::BadOption { option: "with_choices", .. })));
}

/// Two answers that say something.
fn two() -> Script {
    Script::new()
        .with_start()
        .with_event(sibling(1, says("Oslo")))
        .with_text("Rome")
        .with_event(sibling(1, ProviderEvent::Finished(Finish::Stop)))
        .with_end(Finish::Stop)
}

#[tokio::test]
async fn all_answers_are_written_or_none_wherever_the_process_dies() {
    let mut died = 0;
    for (at, moment) in (1..9).flat_map(|at| [(at, Moment::Before), (at, Moment::After)]) {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let dying = Arc::new(DisturbedStore::dying(Arc::clone(&store), at, moment));
        let engine = engine_over(Arc::clone(&dying) as _);
        let provider = Arc::new(ScriptedProvider::new().with_script(two()));
        let builder = engine.session("trip").provider("local", provider as _).model("tiny");
        let Ok(session) = builder.create().await else { continue };
        let asked = session.default_branch().chat("Where?").with_choices(2).await;
        assert_eq!(asked.is_err(), dying.is_dead());
        died += u32::from(dying.is_dead());
        let engine = engine_over(store);
        let main = engine.open_session("trip").await.unwrap().default_branch();
        let session = engine.open_session("trip").await.unwrap();
        let is_answered = texts(&main).await.contains(&"Rome".to_owned());
        let forks = forks(&session, &main).await;
        assert_eq!(forks.len(), usize::from(is_answered), "{at} {moment:?}");
        for fork in forks {
            assert_eq!(texts(&fork).await, ["Where?", "Oslo"]);
        }
    }
    assert!(died >= 4, "the instruction and the answer are a commit each: {died}");
}

#[tokio::test]
async fn answers_that_broke_off_say_so() {
    let cut = |last: Script| async {
        let (session, _) = session([last]).await;
        let main = session.default_branch();
        let asked = main.chat("Where?").with_choices(3).await;
        let forks = forks(&session, &main).await;
        let mut statuses = Vec::new();
        for fork in forks {
            let view = fork.view().await.unwrap();
            let last = view.messages().next_back().unwrap();
            statuses.push((last.text(), last.status));
        }
        (asked.is_ok(), statuses)
    };
    let half = || {
        Script::new()
            .with_start()
            .with_event(sibling(1, says("Oslo.")))
            .with_event(sibling(1, ProviderEvent::Finished(Finish::Stop)))
            .with_event(sibling(2, says("Par")))
    };
    let of = |status| vec![("Oslo.".to_owned(), Status::Complete), ("Par".to_owned(), status)];
    let finished = half().with_text("Rome.").with_end(Finish::Stop);
    assert_eq!(cut(finished).await, (true, of(Status::Failed)));
    // The stream ends here, though nobody finished.
    assert_eq!(cut(half().with_text("Ro")).await, (false, of(Status::Failed)));
}

#[tokio::test]
async fn all_answers_are_kept_when_another_process_moves_the_branch() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let provider = Arc::new(ScriptedProvider::new());
    let gate = Gate::new();
    let waiting = Script::new().with_start().with_event(sibling(1, says("Oslo"))).with_gate(&gate);
    provider.push(waiting.with_text("Rome").with_end(Finish::Stop));
    let engine = engine_over(Arc::clone(&store));
    let builder = engine.session("trip").provider("local", Arc::clone(&provider) as _);
    let session = builder.model("tiny").create().await.unwrap();
    let main = session.default_branch();
    let other = Engine::builder().store(store).build();
    let theirs = other.open_session("trip").await.unwrap().default_branch();
    let meanwhile = async {
        while provider.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        theirs.append(said("meanwhile")).await.unwrap();
        gate.release();
    };
    let (asked, ()) = tokio::join!(main.chat("Where?").with_choices(2).into_future(), meanwhile);
    assert!(matches!(asked, Err(Error::MovedMeanwhile { .. })), "{asked:?}");
    let mut kept = Vec::new();
    for fork in forks(&session, &main).await {
        kept.push(texts(&fork).await.pop().unwrap());
    }
    assert_eq!(kept, ["Rome", "Oslo"]);
    assert_eq!(session.calls().await.unwrap().len(), 1);
}

#[tokio::test]
async fn all_answers_are_had_again_and_a_branch_of_another_one_is_copied() {
    let (session, _) = session([three(), Script::text("Warm.")]).await;
    let main = session.default_branch();
    main.chat("Where?").with_choices(3).await.unwrap();
    let replayed = main.replay().await.unwrap();
    assert_eq!((replayed.turns, replayed.calls, replayed.messages), (1, 1, 2));
    let out = &replayed.session;
    let kinds = async |session: &Session| {
        let main = session.default_branch();
        let mut kinds = Vec::new();
        for fork in forks(session, &main).await {
            let view = fork.view().await.unwrap();
            kinds.push(view.messages().map(|one| one.body.clone()).collect::<Vec<_>>());
        }
        kinds
    };
    assert_eq!(kinds(out).await, kinds(&session).await);
    assert_eq!(kinds(out).await.len(), 1);

    // On the fork of the other answer the same request is compared.
    let fork = forks(&session, &main).await.remove(0);
    fork.chat("And?").await.unwrap();
    let replayed = fork.replay().await.unwrap();
    assert_eq!((replayed.turns, replayed.calls, replayed.copied.len()), (1, 2, 1));
    assert_eq!(
        replayed.copied[0].why,
        "another answer to the same request went on where it was asked"
    );
    assert_eq!(texts(&replayed.session.default_branch()).await, texts(&fork).await);
}

#[tokio::test]
async fn a_program_that_asks_for_several_gets_them_from_the_tape() {
    let (session, _) = session([three()]).await;
    let main = session.default_branch();
    let reply = main.chat("Where?").with_choices(3).await.unwrap();
    let engine = Engine::in_memory();
    import(&engine, &export(&session).await).await;
    let record = engine.sessions().await.unwrap().remove(0);
    let session = engine.open_session(&record.id.to_string()).await.unwrap();
    let tape = Arc::new(session.tape().await.unwrap().strict());
    let builder = Engine::in_memory().session("again");
    let again = builder.provider("local", Arc::clone(&tape) as _).model("tiny");
    let again = again.create().await.unwrap().default_branch();
    let refused = again.chat("Where?").await.unwrap_err();
    assert!(matches!(refused, Error::Provider(_)));
    let drift = tape.drifts()[0].to_string();
    assert!(drift.ends_with("it asks for 1 answers, and asked for 3"), "{drift}");
    again.undo().await.unwrap();
    let told = again.chat("Where?").with_choices(3).await.unwrap();
    assert_eq!((told.text, told.siblings.len()), (reply.text, 1));
}
