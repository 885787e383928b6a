//! Several answers to one request, as siblings.

use std::sync::Arc;

use branchwork::{
    Branch, Engine, Error, Session,
    core::{
        message::BodyKind,
        provider::{Finish, Provider as _, ProviderEvent},
        tool::{ToolEffect, ToolSelection},
    },
};
use branchwork_testkit::Script;

use crate::{
    support::{export, import, session, texts},
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
