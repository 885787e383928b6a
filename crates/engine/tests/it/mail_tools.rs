//! Models that write to each other with tools.

use std::sync::Arc;

use branchwork::{
    Branch, Engine, Session,
    core::{
        message::{Body, Outcome, Role},
        provider::ModelRequest,
        store::{MemoryStore, Store},
    },
    mail::{MailPlace, MailQuery, MailTools, Package},
    tools::ToolSelection,
};
use branchwork_testkit::{DisturbedStore, Moment, Script, ScriptedProvider};
use serde_json::{Value, json};

use crate::support::{engine_over, says};

/// A session with the branches `main` and `scout`, whose models have the tools.
async fn session(store: Arc<dyn Store>, scripts: Vec<Script>) -> (Session, Branch, Branch) {
    let engine = engine_over(store);
    let provider = Arc::new(ScriptedProvider::new());
    for script in scripts {
        provider.push(script);
    }
    let builder = engine.session("trip").provider("local", provider as _);
    let session = builder.model("tiny").create().await.unwrap();
    session.register_source(MailTools::new(&engine).with_sends(2).with_reads(2)).unwrap();
    let main = session.default_branch();
    let scout = main.fork("scout").await.unwrap();
    (session, main, scout)
}

async fn in_memory(scripts: Vec<Script>) -> (Session, Branch, Branch) {
    session(Arc::new(MemoryStore::new()), scripts).await
}

/// What the calls of a reply gave: values, or what went wrong.
fn given(reply: &branchwork::Reply) -> Vec<Result<Value, String>> {
    let given = |body: &Body| match body {
        Body::ActionResponse { outcome: Outcome::Succeeded(value), .. } => Ok(value.clone()),
        Body::ActionResponse { outcome, .. } => Err(outcome.text()),
        other => panic!("expected a result, got {:?}", other.kind()),
    };
    reply.results.iter().map(|message| given(&message.body)).collect()
}

#[tokio::test]
async fn one_model_writes_and_another_reads_and_answers() {
    let (session, main, scout) = in_memory(vec![
        Script::calls([("c1", "list_branches", "{}")]),
        Script::calls([("c2", "send_mail", r#"{"to":["main"],"text":"It rains."}"#)]),
        Script::text("Sent."),
        Script::calls([("c1", "read_mail", "{}")]),
        Script::text("It rains, says scout."),
    ])
    .await;
    let told = given(&scout.chat("Tell main").with_tools(ToolSelection::All).await.unwrap());
    let branches =
        json!({"branches": [{"name": "main", "you": false}, {"name": "scout", "you": true}]});
    assert_eq!(told[0], Ok(branches));
    let mail = main.inbox().await.unwrap().remove(0).mail;
    assert_eq!(told[1], Ok(json!({"sent": mail.id.to_string(), "to": ["main"]})));
    let read = main.chat("Any news?").with_tools(ToolSelection::All).await.unwrap();
    let shown = json!({"id": mail.id.to_string(), "from": "scout", "text": "It rains."});
    assert_eq!(given(&read), [Ok(json!({"mails": [shown], "more": 0}))]);
    assert!(main.inbox().await.unwrap().is_empty());
    let receipt = main.receipt(mail.id).await.unwrap().unwrap();
    assert_eq!(receipt.seen_in, Some(read.message.id));
    assert_eq!(session.mail(&MailQuery::new()).await.unwrap().len(), 1);
    // The turn is taken back as a whole, and the mail waits again.
    main.undo().await.unwrap();
    assert_eq!(main.inbox().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_turn_sends_as_many_mails_as_it_may() {
    let send = |id| (id, "send_mail", r#"{"to":["all"],"text":"hello"}"#);
    let (_, main, scout) = in_memory(vec![
        Script::calls([send("c1"), send("c2"), send("c3")]),
        Script::text("Enough."),
        Script::calls([send("c1")]),
        Script::text("Once more."),
    ])
    .await;
    let reply = scout.chat("Greet").with_tools(ToolSelection::All).await.unwrap();
    let failed: Vec<_> = given(&reply).into_iter().filter_map(Result::err).collect();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].contains("2 mails"), "{failed:?}");
    assert_eq!(main.inbox().await.unwrap().len(), 2);
    scout.chat("Again").with_tools(ToolSelection::All).await.unwrap();
    assert_eq!(main.inbox().await.unwrap().len(), 3, "the next turn may");
}

#[tokio::test]
async fn what_a_model_gets_wrong_it_is_told() {
    let send = |id, arguments| (id, "send_mail", arguments);
    let (_, main, scout) = in_memory(vec![
        Script::calls([
            send("c1", r#"{"to":["mian"],"text":"hello"}"#),
            send("c2", r#"{"to":["main"],"text":""}"#),
            send("c3", r#"{"to":["main"],"text":"hi","reply_to":"the last one"}"#),
            ("c4", "read_mail", r#"{"from":"nobody at all"}"#),
        ]),
        Script::text("Sorry."),
    ])
    .await;
    let reply = scout.chat("Try").with_tools(ToolSelection::All).await.unwrap();
    let failed: Vec<_> = given(&reply).into_iter().map(Result::unwrap_err).collect();
    assert!(failed[0].contains("there is `main`"), "{failed:?}");
    assert!(failed[1].contains("at least one character"), "{failed:?}");
    assert!(failed[2].contains("no id of a mail"), "{failed:?}");
    assert!(failed[3].contains("list_branches"), "{failed:?}");
    assert!(main.inbox().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_call_shows_what_no_other_call_of_its_answer_showed() {
    let read = |id| (id, "read_mail", "{}");
    let (_, main, scout) =
        in_memory(vec![Script::calls([read("c1"), read("c2"), read("c3")]), Script::text("Read.")])
            .await;
    for text in ["one", "two", "three"] {
        scout.send(&main, text).await.unwrap();
    }
    scout.send(&main, Package::Signal("stop".to_owned())).await.unwrap();
    let said = scout.append(says("Rome")).await.unwrap().messages;
    scout.send(&main, said).await.unwrap();
    let reply = main.chat("Read").with_tools(ToolSelection::All).await.unwrap();
    let counts: Vec<_> = given(&reply)
        .into_iter()
        .map(|given| {
            given.map(|given| (given["mails"].as_array().unwrap().len(), given["more"].clone()))
        })
        .collect();
    assert_eq!(counts, [Ok((2, json!(2))), Ok((2, json!(0))), Ok((0, json!(0)))]);
    let left: Vec<_> = main.inbox().await.unwrap();
    assert_eq!(left.len(), 1, "a signal is for the program");
    let last = given(&reply)[1].clone().unwrap();
    assert_eq!(
        last["mails"][1]["messages"],
        json!([{"role": "user", "sender": "user", "text": "Rome"}])
    );
}

/// Lets a turn that reads and sends die at every commit, and go on in a new process: each mail is read and sent
/// once, and each delivery is in one place.
#[tokio::test]
async fn a_crash_at_any_commit_loses_no_mail_and_doubles_none() {
    for at in 1..40 {
        let before = die_at(at, Moment::Before).await;
        let after = die_at(at, Moment::After).await;
        if !before && !after {
            return;
        }
    }
    panic!("a turn has fewer commits");
}

/// Lets the turn die at a commit and go on; answers whether there was a commit of that number.
async fn die_at(at: u64, moment: Moment) -> bool {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (_, main, scout) = session(Arc::clone(&store), Vec::new()).await;
    for text in ["one", "two", "three"] {
        scout.send(&main, text).await.unwrap();
    }
    let died = Arc::new(DisturbedStore::dying(Arc::clone(&store), at, moment));
    let dying = open(Arc::clone(&died) as _).await;
    let answered = dying.default_branch().chat("Go").with_tools(ToolSelection::All).await;
    let again = open(Arc::clone(&store)).await;
    let main = again.default_branch();
    if main.is_cut_off().await.unwrap() {
        main.resume().with_tools(ToolSelection::All).await.unwrap();
    } else if answered.is_err() && main.view().await.unwrap().is_empty() {
        main.chat("Go").with_tools(ToolSelection::All).await.unwrap();
    }
    let all = again.mail(&MailQuery::new()).await.unwrap();
    let places: Vec<_> = all.iter().map(|one| one.state.place()).collect();
    assert_eq!(places[..3], [MailPlace::Applied; 3], "commit {at}, {moment:?}");
    assert_eq!(places[3..], [MailPlace::Inbox], "commit {at}, {moment:?}");
    let view = main.view().await.unwrap();
    let told: String = view.messages().map(|message| message.text()).collect();
    for text in ["one", "two", "three"] {
        assert_eq!(told.matches(&format!("\"{text}\"")).count(), 1, "{told}");
    }
    died.is_disturbed()
}

/// The session in a new process, whose model reads twice and writes once in its first answer.
async fn open(store: Arc<dyn Store>) -> Session {
    let calls = || {
        Script::calls([
            ("c1", "read_mail", "{}"),
            ("c2", "send_mail", r#"{"to":["scout"],"text":"thanks"}"#),
            ("c3", "read_mail", "{}"),
        ])
    };
    let answer = move |request: &ModelRequest| {
        let has_read = request.messages.iter().any(|message| message.role() == Role::Tool);
        if has_read { Script::text("Done.") } else { calls() }
    };
    let engine = engine_over(store);
    engine.register("local", Arc::new(ScriptedProvider::answering(answer)));
    let session = engine.open_session("trip").await.unwrap();
    session.register_source(MailTools::new(&engine)).unwrap();
    session
}

#[tokio::test]
async fn mail_that_somebody_else_takes_away_meanwhile_is_not_told_of() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (_, main, scout) = session(Arc::clone(&store), Vec::new()).await;
    let mail = scout.send(&main, "secret").await.unwrap().id;
    let other = engine_over(Arc::clone(&store));
    let (elsewhere, id) = (other.open_session("trip").await.unwrap(), main.id().to_string());
    let refuse = move || {
        let (elsewhere, id) = (elsewhere.clone(), id.clone());
        Box::pin(async move {
            let branch = elsewhere.branch(&id).await.unwrap();
            branch.refuse(mail, "not for you").await.unwrap();
        }) as futures_util::future::BoxFuture<'static, ()>
    };
    // The third commit of the turn is that of the result.
    let disturbed = Arc::new(DisturbedStore::meddled_with(store, (3, Moment::Before), refuse));
    let engine: Engine = engine_over(disturbed);
    let provider = ScriptedProvider::new();
    provider.push(Script::calls([("c1", "read_mail", "{}")]));
    provider.push(Script::text("Nothing."));
    engine.register("local", Arc::new(provider));
    let session = engine.open_session("trip").await.unwrap();
    session.register_source(MailTools::new(&engine)).unwrap();
    let reply = session.default_branch().chat("Read").with_tools(ToolSelection::All).await.unwrap();
    let told = given(&reply);
    assert!(told[0].as_ref().is_err_and(|told| told.contains("read again")), "{told:?}");
    let found = session.find_mail(&mail.to_string()).await.unwrap();
    assert_eq!(found[0].state.place(), MailPlace::Refused);
}
