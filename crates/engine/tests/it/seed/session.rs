//! Section 3.5: the session.

use std::{pin::pin, sync::Arc};

use branchwork::{
    Branch, Error, InBranch,
    core::{
        filter::Filter,
        message::{Message, Role},
        provider::Finish,
        store::{Conflict, StoreError},
        tool::ToolSelection,
    },
};
use branchwork_testkit::{Gate, Script};
use futures_util::FutureExt as _;

use super::support::{add, multiply, once};
use crate::support::{says, session, texts};

#[tokio::test]
async fn s112_and_s113_branches_are_made_once_and_found_by_name_and_identifier() {
    let (session, _) = session([]).await;
    let made = session.create_branch("test_branch").await.unwrap();
    let again = session.create_branch("test_branch").await.unwrap_err();
    assert!(matches!(again, Error::Conflict(Conflict::BranchNameTaken { .. })));
    assert_eq!(session.branch("test_branch").await.unwrap().id(), made.id());
    assert_eq!(session.branch(&made.id().to_string()).await.unwrap().id(), made.id());
    assert!(matches!(session.branch("nowhere").await, Err(Error::NotFound { .. })));
    assert_eq!(session.default_branch().record().await.unwrap().name, "main");
}

#[tokio::test]
async fn s113_a_branch_of_another_session_is_refused_and_nothing_changes() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let foreign = session.engine().session("elsewhere").create().await.unwrap().default_branch();
    let refused = session.switch(&foreign).await.unwrap_err();
    assert!(matches!(refused, Error::Store(StoreError::NotFound { .. })), "{refused:?}");
    let found = session.branch(&foreign.id().to_string()).await;
    assert!(matches!(found, Err(Error::NotFound { what: "branch", .. })), "{found:?}");
    assert_eq!(session.default_branch().id(), main.id());
    assert_eq!(session.record().await.unwrap().default_branch, main.id());
    assert_eq!(session.branches().await.unwrap().len(), 1);
}

#[tokio::test]
async fn s114_and_s121_the_default_branch_is_where_it_was_switched_to() {
    let (session, _) = session(["on main", "on the default"].map(Script::text)).await;
    let main = session.default_branch();
    let other = main.fork("other").await.unwrap();
    session.switch(&other).await.unwrap();
    assert_eq!(session.default_branch().id(), other.id());
    main.chat("only here").await.unwrap();
    assert_eq!((texts(&main).await.len(), texts(&other).await.len()), (2, 0));
    session.default_branch().chat("and there").await.unwrap();
    assert_eq!(texts(&main).await, ["only here", "on main"]);
    assert_eq!(texts(&other).await, ["and there", "on the default"]);
}

fn owned<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).into()
}

fn tools_of(branch: &Branch) -> Vec<String> {
    branch.tools().names().map(str::to_owned).collect()
}

#[tokio::test]
async fn s120_tools_of_a_branch_are_its_own_and_those_of_the_session_are_inherited() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    main.register(add()).unwrap();
    session.register(multiply()).unwrap();
    let branch1 = session.create_branch("branch1").await.unwrap();
    assert_eq!((tools_of(&main), tools_of(&branch1)), (owned(["add"]), owned(["multiply"])));
    let listed: Vec<_> =
        session.branches().await.unwrap().into_iter().map(|branch| branch.name).collect();
    assert_eq!(listed, ["main", "branch1"]);
}

#[tokio::test]
async fn s120_tools_registered_on_the_new_default_are_on_no_other_branch() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    main.register(add()).unwrap();
    let branch1 = session.create_branch("branch1").await.unwrap();
    let third = session.create_branch("third").await.unwrap();
    session.switch(&branch1).await.unwrap();
    session.default_branch().register(multiply()).unwrap();
    assert_eq!((tools_of(&main), tools_of(&branch1)), (owned(["add"]), owned(["multiply"])));
    assert_eq!((tools_of(&third), session.tools().len()), (owned([]), 0));
}

#[tokio::test]
async fn s122_a_session_begins_with_its_system_text() {
    let engine = session([]).await.0.engine().clone();
    let made = engine.session("helper").system("you are …").create().await.unwrap();
    let view = made.default_branch().view().await.unwrap();
    let first = view.messages().next().unwrap();
    assert_eq!((first.role(), first.sender.as_str()), (Role::System, "system"));
    assert_eq!(first.text(), "you are …");
}

#[tokio::test]
async fn s128_sessions_that_share_a_provider_have_histories_of_their_own() {
    let (first, provider) = session((0..10).map(|_| Script::text("ok"))).await;
    let engine = first.engine().clone();
    let chats = (0..10).map(|number| {
        let engine = engine.clone();
        async move {
            let builder = engine.session(format!("s{number}")).model("local:tiny");
            let main = builder.create().await?.default_branch();
            main.chat(format!("q{number}")).await?;
            Ok::<_, Error>(main)
        }
    });
    let branches = futures_util::future::try_join_all(chats).await.unwrap();
    for (number, branch) in branches.iter().enumerate() {
        assert_eq!(texts(branch).await, [format!("q{number}"), "ok".to_owned()]);
    }
    assert_eq!(provider.requests().len(), 10);
}

#[tokio::test]
async fn s129_two_sessions_that_answer_each_other() {
    let answers = ["joke 1", "joke 2", "meh 1", "meh 2", "better 1", "better 2"];
    let (session, provider) = session(answers.map(Script::text)).await;
    let begins = async |name: &str, system: &str| {
        let builder = session.engine().session(name).system(system).model("local:tiny");
        builder.create().await.unwrap().default_branch()
    };
    let funny = begins("comedian", "You are funny.").await;
    let strict = begins("critic", "You are strict.").await;
    let mut said = Vec::new();
    for topic in ["cats", "dogs"] {
        said.push(funny.chat(topic).await.unwrap().text);
    }
    let mut critique = Vec::new();
    for joke in said {
        critique.push(strict.chat("What of this?").with_context(joke.into()).await.unwrap().text);
    }
    for remark in critique {
        funny.chat("Mend it").with_context(remark.into()).await.unwrap();
    }
    let expected =
        ["cats", "joke 1", "dogs", "joke 2", "Mend it", "better 1", "Mend it", "better 2"];
    assert_eq!(texts(&funny).await, [&["You are funny."][..], &expected].concat());
    let expected = ["You are strict.", "What of this?", "meh 1", "What of this?", "meh 2"];
    assert_eq!(texts(&strict).await, expected);
    let requests = provider.requests();
    let systems: Vec<_> = requests.iter().map(|request| request.messages[0].text()).collect();
    let (funny, strict) = ("You are funny.", "You are strict.");
    assert_eq!(systems, [funny, funny, strict, strict, funny, funny]);
    assert_eq!(provider.remaining(), 0);
}

#[tokio::test]
async fn s116_merging_can_take_the_source_away_and_the_target_becomes_the_default() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let (one, two) = (main.fork("one").await.unwrap(), main.fork("two").await.unwrap());
    main.append(says("on main")).await.unwrap();
    one.append(says("on one")).await.unwrap();
    one.register(add()).unwrap();
    session.merge(&one).into(&main).delete_source().await.unwrap();
    assert!(matches!(session.branch("one").await, Err(Error::NotFound { .. })));
    assert_eq!(texts(&main).await, ["on main", "on one"]);
    assert!(one.tools().is_empty() && session.default_branch().id() == main.id());
    let merged = session.merge(&main).into(&two).delete_source().await.unwrap();
    assert_eq!((merged.added.len(), texts(&two).await.len()), (2, 2));
    assert_eq!(session.default_branch().id(), two.id());
    assert_eq!(session.record().await.unwrap().default_branch, two.id());
    let names: Vec<_> = session.branches().await.unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["two"]);
    // Also when it has nothing new.
    let same = two.fork("same").await.unwrap();
    session.merge(&same).into(&two).delete_source().await.unwrap();
    assert_eq!(session.branches().await.unwrap().len(), 1);
}

#[tokio::test]
async fn s125_everything_that_was_said_on_every_branch_and_one_call_log() {
    let scripts =
        [Script::calls([("c1", "add", "{\"a\":1,\"b\":2}")]), Script::text("3"), Script::text("x")];
    let (session, _) = session(scripts).await;
    let main = session.default_branch();
    session.register(add()).unwrap();
    main.chat("1 + 2?").with_tools(ToolSelection::All).with_limits(once()).await.unwrap();
    main.chat("so?").await.unwrap();
    let other = session.create_branch("other").await.unwrap();
    other.chat("x?").with_sender("ada").await.unwrap();
    let names = |found: Vec<InBranch<Vec<Arc<Message>>>>| {
        let name = |one: InBranch<Vec<_>>| (one.branch.name, one.found.len());
        found.into_iter().map(name).collect::<Vec<_>>()
    };
    let expected = |main, other| vec![("main".to_owned(), main), ("other".to_owned(), other)];
    assert_eq!(names(session.messages(&Filter::new()).await.unwrap()), expected(5, 2));
    assert_eq!(names(session.responses().await.unwrap()), expected(3, 1));
    assert_eq!(names(session.assistant_responses().await.unwrap()), expected(1, 1));
    assert_eq!(names(session.action_requests().await.unwrap()), expected(1, 0));
    assert_eq!(names(session.action_responses().await.unwrap()), expected(1, 0));
    let counts = session.counts().await.unwrap();
    assert_eq!(counts[0].found.by_role[&Role::Assistant], 2);
    assert_eq!(counts[1].found.by_sender["ada"], 1);
    let calls = session.calls().await.unwrap();
    let branches: Vec<_> = calls.iter().map(|call| call.branch).collect();
    assert_eq!(branches, [main.id(), main.id(), other.id()]);
}

#[tokio::test]
async fn closing_a_session_waits_for_its_turns_and_lets_go_of_its_tools() {
    let gate = Gate::new();
    let slow = Script::new().with_start().with_gate(&gate).with_text("slow").with_end(Finish::Stop);
    let (session, _) = session([slow]).await;
    let main = session.default_branch();
    session.register(add()).unwrap();
    let mut chat = pin!(main.chat("q").into_future());
    tokio::select! {
        reply = &mut chat => panic!("it waits at the gate: {reply:?}"),
        () = gate.reached() => {}
    }
    let mut closing = pin!(session.clone().close());
    for _ in 0..10 {
        assert!(closing.as_mut().now_or_never().is_none(), "a turn is under way");
    }
    gate.release();
    let (closed, reply) = tokio::join!(closing, chat);
    closed.unwrap();
    assert_eq!(reply.unwrap().text, "slow");
    assert!(session.tools().is_empty());
    // Other handles go on.
    assert_eq!(texts(&main).await, ["q", "slow"]);
}
