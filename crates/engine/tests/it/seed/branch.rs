//! Section 3.3: the branch.

use branchwork::{
    BaseBranch as _, Error,
    base::{Extended, ORIGIN},
    core::{
        config::{Change, ConfigPatch},
        message::{Body, CallId, Draft, Outcome, ToolCall},
    },
    merge::{ConflictOn, MergePolicy},
};
use branchwork_testkit::Script;

use super::support::{add, f5};
use crate::support::{says, session, texts};

#[tokio::test]
async fn s067_and_s070_a_branch_has_a_name_and_describes_itself() {
    let f5 = f5().await;
    f5.branch.rename("TestBranch").await.unwrap();
    f5.branch.register(add()).unwrap();
    assert_eq!(f5.branch.record().await.unwrap().name, "TestBranch");
    let description = f5.branch.describe(2).await.unwrap();
    assert_eq!((description.counts.total, description.preview.len()), (5, 2));
    assert_eq!(description.tools, ["add"]);
    assert_eq!(description.config.model.as_deref(), Some("tiny"));
}

#[tokio::test]
async fn s067_a_branch_has_a_default_sender_and_its_own_part_of_the_call_log() {
    let f5 = f5().await;
    f5.branch.rename("TestBranch").await.unwrap();
    let other = f5.branch.fork("other").await.unwrap();
    for text in ["here", "there"] {
        f5.provider.push(Script::text(text));
    }
    let here = f5.branch.chat("q").await.unwrap();
    let there = other.chat("q").await.unwrap();
    for branch in [&f5.branch, &other] {
        let view = branch.view().await.unwrap();
        let senders: Vec<_> = view.messages().skip(5).map(|message| &message.sender).collect();
        assert_eq!(senders, ["user", "assistant"], "who is meant is the role's own name");
        let usage = branch.usage().await.unwrap();
        assert_eq!((usage.own.calls, usage.inherited.calls), (1, 0));
    }
    let calls = f5.session.calls().await.unwrap();
    let log: Vec<_> = calls.iter().map(|call| (call.branch, call.answer)).collect();
    assert_eq!(log, [(f5.branch.id(), here.message.id), (other.id(), there.message.id)]);
}

#[tokio::test]
async fn s071_extending_keeps_order_and_brings_each_message_once() {
    let f5 = f5().await;
    let other = f5.branch.fork("other").await.unwrap();
    other.append(says("theirs")).await.unwrap();
    f5.branch.append(says("ours")).await.unwrap();
    let theirs: Vec<_> = other.view().await.unwrap().messages().cloned().collect();
    let extended = f5.branch.extend(&theirs).await.unwrap();
    assert_eq!((extended.added.len(), extended.skipped), (1, 5));
    assert_eq!(texts(&f5.branch).await[4..], ["Action response", "ours", "theirs"]);
    let last = f5.branch.last_message().await.unwrap().unwrap();
    assert_eq!(last.metadata[ORIGIN], theirs[5].id.to_string());
    let again = f5.branch.extend(&theirs).await.unwrap();
    assert_eq!((again.added.len(), again.skipped), (0, 6));
    let empty = f5.session.create_branch("empty").await.unwrap();
    assert_eq!(empty.extend(&theirs).await.unwrap().added.len(), 6);
}

#[tokio::test]
async fn s071_extending_by_nothing_changes_nothing_on_a_full_and_on_an_empty_branch() {
    let f5 = f5().await;
    let empty = f5.session.create_branch("empty").await.unwrap();
    let nothing: Vec<_> = empty.view().await.unwrap().messages().cloned().collect();
    for branch in [&f5.branch, &empty] {
        let before = branch.record().await.unwrap();
        assert_eq!(branch.extend(&[]).await.unwrap(), Extended::default());
        assert_eq!(branch.extend(&nothing).await.unwrap(), Extended::default());
        assert_eq!(branch.record().await.unwrap(), before);
    }
    // Both are as good as before.
    for (branch, count) in [(&f5.branch, 6), (&empty, 1)] {
        branch.append(says("more")).await.unwrap();
        assert_eq!(texts(branch).await.len(), count);
    }
    let five: Vec<_> = f5.branch.view().await.unwrap().messages().cloned().collect();
    assert_eq!(empty.extend(&five).await.unwrap().added.len(), 6);
    assert_eq!(texts(&empty).await[1..], texts(&f5.branch).await);
}

#[tokio::test]
async fn s076_a_configuration_is_the_branchs_own() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let other = main.fork("other").await.unwrap();
    let patch = ConfigPatch { temperature: Change::Set(0.1), ..ConfigPatch::default() };
    main.configure(patch).await.unwrap();
    assert_eq!(main.config().await.unwrap().temperature, Some(0.1));
    assert_eq!(other.config().await.unwrap().temperature, None);
}

#[tokio::test]
async fn s077_a_system_text_given_at_the_making_comes_first() {
    let (engine, _) = {
        let (session, provider) = session([]).await;
        (session.engine().clone(), provider)
    };
    let loaded = engine.session("loaded").system("Be brief.").create().await.unwrap();
    let main = loaded.default_branch();
    main.append(says("loaded")).await.unwrap();
    assert_eq!(texts(&main).await, ["Be brief.", "loaded"]);
}

#[tokio::test]
async fn s079_whether_it_ends_with_the_result_of_a_tool() {
    let f5 = f5().await;
    assert!(f5.branch.ends_with_result().await.unwrap());
    f5.branch.append(Draft::new(Body::response("x"))).await.unwrap();
    assert!(!f5.branch.ends_with_result().await.unwrap());
}

#[tokio::test]
async fn s080_a_fork_is_apart_and_knows_where_it_is_from() {
    let f5 = f5().await;
    f5.provider.push(Script::text("only here"));
    let fork = f5.branch.fork("fork").await.unwrap();
    assert_ne!(fork.id(), f5.branch.id());
    assert_eq!(fork.record().await.unwrap().forked_from, Some(f5.branch.id()));
    fork.register(add()).unwrap();
    fork.chat("q").await.unwrap();
    assert_eq!((texts(&f5.branch).await.len(), texts(&fork).await.len()), (5, 7));
    assert!(f5.branch.tools().is_empty());
}

/// An instruction, an answer with so many calls, and their results.
fn called(name: &str, calls: usize) -> Vec<Draft> {
    let ids: Vec<_> = (0..calls).map(|number| CallId::new(format!("{name}{number}"))).collect();
    let call = |id: &CallId| {
        let (function, arguments) = ("act".to_owned(), "{}".to_owned());
        ToolCall { id: id.clone(), function, arguments }
    };
    let calls = ids.iter().map(call).collect();
    let asks = Draft::new(Body::ActionRequest { parts: Vec::new(), calls });
    let told =
        |id: CallId| Draft::result(id, "act", Outcome::Succeeded(format!("of {name}").into()));
    [says(name), asks].into_iter().chain(ids.into_iter().map(told)).collect()
}

#[tokio::test]
async fn s071_merging_one_new_message_makes_one_more_and_twice_is_once() {
    let f5 = f5().await;
    let other = f5.branch.fork("other").await.unwrap();
    f5.provider.push(Script::text("theirs"));
    other.chat("q").await.unwrap();
    f5.branch.append(says("ours")).await.unwrap();
    let merge = || f5.session.merge(&other).into(&f5.branch);
    assert_eq!(merge().await.unwrap().added.len(), 2);
    assert_eq!(texts(&f5.branch).await[5..], ["ours", "q", "theirs"]);
    let record = f5.branch.record().await.unwrap();
    assert!(merge().await.unwrap().added.is_empty());
    assert_eq!(f5.branch.record().await.unwrap(), record, "identical histories change nothing");
    assert_eq!(f5.session.calls().await.unwrap().len(), 1, "and no call is logged twice");
    let itself = f5.session.merge(&f5.branch).into(&f5.branch).await;
    assert!(matches!(itself, Err(Error::MergeWithItself)));
    assert_eq!(f5.branch.record().await.unwrap(), record);
}

#[tokio::test]
async fn s071_one_message_with_two_contents_is_a_conflict_that_the_policy_decides() {
    let f5 = f5().await;
    let other = f5.branch.fork("other").await.unwrap();
    let asked = f5.branch.view().await.unwrap().messages().nth(1).unwrap().id;
    f5.branch.edit(asked, Body::instruction("ours")).await.unwrap();
    other.edit(asked, Body::instruction("theirs")).await.unwrap();
    let merge = |policy| f5.session.merge(&other).into(&f5.branch).policy(policy);
    let ours = merge(MergePolicy::Ours).await.unwrap();
    assert_eq!((ours.conflicts.len(), &ours.conflicts[0].on), (1, &ConflictOn::Message(asked)));
    assert_eq!(texts(&f5.branch).await[1], "ours");
    let theirs = merge(MergePolicy::Theirs).await.unwrap();
    assert_eq!(theirs.conflicts[0].taken, MergePolicy::Theirs);
    assert_eq!(texts(&f5.branch).await[1], "theirs");
}

#[tokio::test]
async fn s072_two_branches_with_calls_and_results_make_eight_messages_in_order() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    main.set_system("Be brief.").await.unwrap();
    let branch1 = main.fork("branch1").await.unwrap();
    main.append_all(called("ours", 2)).await.unwrap();
    branch1.append_all(called("theirs", 1)).await.unwrap();
    session.merge(&branch1).into(&main).await.unwrap();
    let expected = ["Be brief.", "ours", "", "of ours", "of ours", "theirs", "", "of theirs"];
    assert_eq!(texts(&main).await, expected);
}
