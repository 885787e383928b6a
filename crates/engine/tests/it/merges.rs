//! Merging: the modes, what a plan promises, and what is refused.

use std::sync::Arc;

use branchwork::{
    Branch, Engine, Error, Merge, Session, TurnEvent,
    core::{
        config::ConfigPatch,
        graph::{MergeMode, OpKind},
        message::{Body, CallId, Draft, Origin, Outcome, ToolCall},
        store::{Cause, MemoryStore, Store},
        tool::ToolSelection,
    },
    merge::{ConflictOn, MergePolicy},
    sqlite::SqliteStore,
};
use branchwork_testkit::{DisturbedStore, Moment, Script, ScriptedProvider, legal::breaches};
use futures_util::{FutureExt as _, StreamExt as _};

use crate::{
    seed::support::add,
    support::{engine_over, says, session, texts, timed},
};

/// `main` with "1", and a fork of it.
async fn two(scripts: impl IntoIterator<Item = Script>) -> (Session, Branch, Branch) {
    let (session, _) = session(scripts).await;
    let main = session.default_branch();
    main.append(says("1")).await.unwrap();
    let other = main.fork("other").await.unwrap();
    (session, main, other)
}

fn answers(text: &str) -> Draft {
    Draft::new(Body::response(text))
}

fn asks(id: &str) -> Draft {
    let (function, arguments) = ("look".to_owned(), "{}".to_owned());
    let calls = vec![ToolCall { id: CallId::new(id), function, arguments }];
    Draft::new(Body::ActionRequest { parts: Vec::new(), calls })
}

async fn assert_legal(branch: &Branch) {
    let messages: Vec<_> = branch.view().await.unwrap().messages().map(Arc::clone).collect();
    assert_eq!(breaches(&messages), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_new_comes_behind_and_says_where_it_is_from() {
    let (session, main, other) = two([]).await;
    main.append(says("ours")).await.unwrap();
    let theirs = other.append_all(vec![says("theirs"), answers("so")]).await.unwrap();
    let merged = session.merge(&other).into(&main).await.unwrap();
    assert_eq!(texts(&main).await, ["1", "ours", "theirs", "so"]);
    let view = main.view().await.unwrap();
    let copy = view.message(merged.added[0]).unwrap();
    assert_eq!(
        copy.origin.as_deref(),
        Some(&Origin::Merged { message: theirs.messages[0], mail: None })
    );
    let reflog = main.reflog(9).await.unwrap();
    let op = main.op(reflog[2].to.unwrap()).await.unwrap();
    let OpKind::Merge(merge) = op.kind else { panic!("{op:?}") };
    assert_eq!((merge.from, merge.head), (other.id(), theirs.head));
    assert_eq!(
        (merge.base, merge.mode),
        (view.head_at(view.messages().next().unwrap().id).ok(), MergeMode::Append)
    );
    other.append(says("more")).await.unwrap();
    let again = session.merge(&other).into(&main).await.unwrap();
    assert_eq!((again.added.len(), again.skipped), (1, theirs.messages));
    assert_eq!(texts(&main).await, ["1", "ours", "theirs", "so", "more"]);
    main.undo().await.unwrap();
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await, ["1", "ours"]);
}

#[tokio::test]
async fn it_is_the_same_in_a_file_and_when_the_file_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("merge.db");
    let open = || Arc::new(SqliteStore::open(&path).unwrap()) as Arc<dyn Store>;
    let session = engine_over(open()).session("trip").create().await.unwrap();
    let main = session.default_branch();
    main.append(says("1")).await.unwrap();
    let other = main.fork("other").await.unwrap();
    main.append(says("ours")).await.unwrap();
    other.append(says("theirs")).await.unwrap();
    let plan = session.merge(&other).into(&main).plan().await.unwrap();
    plan.apply().await.unwrap();
    let store = open();
    assert_eq!(store.verify().await.unwrap().problems, Vec::<String>::new());
    let session = engine_over(store).open_session("trip").await.unwrap();
    let (main, other) = (session.default_branch(), session.branch("other").await.unwrap());
    assert_eq!(texts(&main).await, ["1", "ours", "theirs"]);
    let record = main.record().await.unwrap();
    session.merge(&other).into(&main).await.unwrap();
    assert_eq!(main.record().await.unwrap(), record);
    other.append(says("more")).await.unwrap();
    let plan = session.merge(&other).into(&main).delete_source().plan().await.unwrap();
    plan.apply().await.unwrap();
    assert_eq!(texts(&main).await, ["1", "ours", "theirs", "more"]);
    assert_eq!(session.branches().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_plan_is_refused_when_one_of_its_branches_moved_since() {
    let (session, main, other) = two([]).await;
    other.append(says("theirs")).await.unwrap();
    for moved in [&main, &other] {
        let merge = session.merge(&other).into(&main);
        for merge in [merge.clone(), merge.delete_source()] {
            let plan = merge.plan().await.unwrap();
            moved.append(says("since")).await.unwrap();
            let before = (main.record().await.unwrap(), other.record().await.unwrap());
            let refused = plan.apply().await.unwrap_err();
            let at = moved.record().await.unwrap().head;
            assert!(
                matches!(refused, Error::MovedSince { branch, head } if branch == moved.id() && head == at),
                "{refused:?}"
            );
            assert_eq!((main.record().await.unwrap(), other.record().await.unwrap()), before);
        }
    }
    let plan = session.merge(&other).into(&main).plan().await.unwrap();
    let record = other.record().await.unwrap();
    assert_eq!(plan.apply().await.unwrap().added.len(), 3);
    assert_eq!(other.record().await.unwrap(), record, "to look where it is does not move it");
}

#[tokio::test]
async fn a_merge_in_order_of_time_says_our_later_messages_again() {
    let (session, clock) = timed().await;
    let main = session.default_branch();
    main.append(says("1")).await.unwrap();
    let (one, two) = (main.fork("one").await.unwrap(), main.fork("two").await.unwrap());
    for (number, branch) in [&main, &one, &two, &main, &one, &two].into_iter().enumerate() {
        clock.advance(std::time::Duration::from_secs(1));
        branch.append_all(vec![says(&format!("q{number}")), answers("a")]).await.unwrap();
    }
    let before = main.view().await.unwrap();
    session.merge(&one).into(&main).interleave().await.unwrap();
    assert_eq!(texts(&main).await, ["1", "q0", "a", "q1", "a", "q3", "a", "q4", "a"]);
    let kept: Vec<_> = main.view().await.unwrap().messages().take(3).map(|m| m.id).collect();
    let ids: Vec<_> = before.messages().take(3).map(|message| message.id).collect();
    assert_eq!(kept, ids, "what is in its place stays there");
    clock.advance(std::time::Duration::from_secs(1));
    session.merge(&two).into(&main).interleave().await.unwrap();
    let order = ["1", "q0", "a", "q1", "a", "q2", "a", "q3", "a", "q4", "a", "q5", "a"];
    assert_eq!(texts(&main).await, order, "copies are as old as what they are copies of");
    main.undo().await.unwrap();
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await, ["1", "q0", "a", "q3", "a"]);
}

#[tokio::test]
async fn a_summary_stands_for_what_it_tells_of() {
    let (session, main, other) = two([]).await;
    other.append_all(vec![says("q"), answers("a")]).await.unwrap();
    let merged = session.merge(&other).into(&main).summary("They asked.").await.unwrap();
    let last = main.view().await.unwrap().last().map(Arc::clone).unwrap();
    assert_eq!((merged.added, last.text()), (vec![last.id], "They asked.".to_owned()));
    assert_eq!((last.sender.as_str(), last.origin.as_ref()), ("summary", None));
    other.append(says("more")).await.unwrap();
    let rest = session.merge(&other).into(&main).await.unwrap();
    assert_eq!((rest.added.len(), rest.skipped.len()), (1, 2));
    assert_eq!(texts(&main).await, ["1", "They asked.", "more"]);
}

#[tokio::test]
async fn the_summary_of_a_model_counts_when_it_is_approved() {
    let (session, main, other) =
        two([Script::text("In short: q."), Script::text("Shorter.")]).await;
    let by_model = || session.merge(&other).into(&main).summary_by(ConfigPatch::new());
    let nothing = by_model().plan().await.unwrap();
    assert!(nothing.is_nothing() && nothing.summary().is_none(), "no model is asked");
    other.append(says("q")).await.unwrap();
    assert!(matches!(by_model().await, Err(Error::NotApproved)));
    let plan = by_model().plan().await.unwrap();
    assert_eq!(plan.summary(), Some("In short: q."));
    assert_eq!((texts(&main).await.len(), session.branches().await.unwrap().len()), (1, 2));
    plan.clone().with_summary("Asked q.").unwrap().apply().await.unwrap();
    assert_eq!(texts(&main).await, ["1", "Asked q."]);
    assert!(matches!(plan.apply().await, Err(Error::MovedSince { .. })));
    let usage: Vec<_> = session.calls().await.unwrap().iter().map(|call| call.branch).collect();
    assert_eq!(usage.len(), 1, "it is billed to the fork that was asked");
    let plan = session.merge(&other).into(&main).plan().await.unwrap();
    assert!(matches!(plan.with_summary("x"), Err(Error::BadOption { .. })));
}

#[tokio::test]
async fn a_fast_forward_moves_the_head() {
    let (session, main, other) = two([]).await;
    let forward = || session.merge(&other).into(&main).fast_forward();
    assert!(forward().await.unwrap().added.is_empty());
    let theirs = other.append_all(vec![says("2"), says("3")]).await.unwrap();
    other.configure(ConfigPatch::new().with_seed(1)).await.unwrap();
    assert_eq!(forward().plan().await.unwrap().brought(), theirs.messages);
    let merged = forward().await.unwrap();
    assert_eq!((merged.added, merged.head), (theirs.messages, other.record().await.unwrap().head));
    assert_eq!(main.reflog(1).await.unwrap()[0].cause, Cause::Promote);
    assert_eq!(main.view().await.unwrap().config().seed, Some(1));
    main.undo().await.unwrap();
    main.append(says("own")).await.unwrap();
    let refused = forward().await.unwrap_err();
    assert!(matches!(refused, Error::CannotFastForward { branch } if branch == main.id()));
    let behind = session.merge(&main).into(&other).fast_forward().await;
    assert!(matches!(behind, Err(Error::CannotFastForward { .. })));
}

#[tokio::test]
async fn what_both_do_not_agree_on_is_listed_and_the_policy_decides() {
    let (session, main, other) = two([]).await;
    let shared = main.view().await.unwrap().last().unwrap().id;
    let patch =
        |seed, tools: &[&str]| ConfigPatch::new().with_seed(seed).with_tools(tools.iter().copied());
    main.configure(patch(1, &["look"])).await.unwrap();
    other.configure(patch(2, &["add"])).await.unwrap();
    other.register(add()).unwrap();
    other.append(Draft::new(Body::System { text: "Theirs.".to_owned() })).await.unwrap();
    other.edit(shared, Body::instruction("one")).await.unwrap();
    other.append(says("theirs")).await.unwrap();
    let merge = |policy| session.merge(&other).into(&main).policy(policy);
    let merged = merge(MergePolicy::Ours).await.unwrap();
    let on: Vec<_> = merged.conflicts.iter().map(|conflict| conflict.on.to_string()).collect();
    assert_eq!(on, ["seed", "tools", "system", shared.to_string().as_str()]);
    let values =
        (&merged.conflicts[0].base, &merged.conflicts[0].ours, &merged.conflicts[0].theirs);
    assert_eq!(values, (&None, &Some(1.into()), &Some(2.into())));
    assert!(merged.conflicts.iter().all(|conflict| conflict.taken == MergePolicy::Ours));
    assert!(merged.conflicts[0].is_contested() && !merged.conflicts[2].is_contested());
    assert_eq!(texts(&main).await, ["1", "theirs"]);
    let record = main.record().await.unwrap();
    assert_eq!(merge(MergePolicy::Ours).await.unwrap().conflicts.len(), 4, "they are still there");
    assert_eq!(main.record().await.unwrap(), record);
    merge(MergePolicy::Theirs).await.unwrap();
    assert_eq!(texts(&main).await, ["Theirs.", "one", "theirs"]);
    let view = main.view().await.unwrap();
    assert_eq!(
        (view.config().seed, view.config().tools.as_deref()),
        (Some(2), Some(&["add".to_owned()][..]))
    );
    assert!(main.tools().contains("add"), "the tools that it names come with it");
    assert_eq!(merge(MergePolicy::Theirs).await.unwrap().conflicts, []);
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await, ["1", "theirs"]);
}

#[tokio::test]
async fn what_was_edited_after_it_was_brought_is_a_conflict_too() {
    let (session, main, other) = two([]).await;
    let theirs = other.append(says("theirs")).await.unwrap().messages[0];
    session.merge(&other).into(&main).await.unwrap();
    other.edit(theirs, Body::instruction("theirs, better")).await.unwrap();
    let merge = || session.merge(&other).into(&main);
    let merged = merge().await.unwrap();
    assert_eq!(merged.conflicts[0].on, ConflictOn::Message(theirs));
    merge().policy(MergePolicy::Theirs).await.unwrap();
    assert_eq!(texts(&main).await, ["1", "theirs, better"]);
}

#[tokio::test]
async fn an_edit_of_what_a_summary_stands_for_leaves_the_summary() {
    let (session, main, other) = two([]).await;
    let shared = main.view().await.unwrap().last().unwrap().id;
    let theirs = other.append(says("theirs")).await.unwrap().messages[0];
    session.merge(&other).into(&main).await.unwrap();
    main.fold(shared, main.view().await.unwrap().last().unwrap().id, "both").await.unwrap();
    for message in [shared, theirs] {
        other.edit(message, Body::instruction("edited")).await.unwrap();
    }
    let merged = session.merge(&other).into(&main).policy(MergePolicy::Theirs).await.unwrap();
    let taken: Vec<_> =
        merged.conflicts.iter().map(|one| (&one.on, &one.ours, one.taken)).collect();
    assert_eq!(taken, [(&ConflictOn::Message(shared), &None, MergePolicy::Ours)]);
    assert_eq!(texts(&main).await, ["both"]);
}

#[tokio::test]
async fn removals_and_folds_of_the_source_stay_there() {
    let (session, main, other) = two([]).await;
    let shared = main.view().await.unwrap().last().unwrap().id;
    let ids = other.append_all(["2", "3", "4"].map(says).into()).await.unwrap().messages;
    other.fold(shared, ids[1], "1-3").await.unwrap();
    other.remove(ids[2]).await.unwrap();
    assert_eq!(texts(&other).await, ["1-3"]);
    let merged = session.merge(&other).into(&main).await.unwrap();
    assert!(merged.conflicts.is_empty());
    assert_eq!(texts(&main).await, ["1", "2", "3"]);
}

#[tokio::test]
async fn calls_without_a_result_are_closed_in_the_copy_and_their_turn_goes_on() {
    let (session, main, other) = two([]).await;
    other.append_all(vec![says("look"), asks("c1")]).await.unwrap();
    session.merge(&other).into(&main).await.unwrap();
    let cut = "cancelled: its turn had not ended when the branch was merged";
    assert_eq!(texts(&main).await, ["1", "look", "", cut]);
    assert_legal(&main).await;
    other
        .append(Draft::result(CallId::new("c1"), "look", Outcome::Succeeded("seen".into())))
        .await
        .unwrap();
    other.append(answers("I saw it.")).await.unwrap();
    let rest = session.merge(&other).into(&main).await.unwrap();
    assert_eq!((rest.added.len(), rest.skipped.len()), (1, 3), "the result has its place already");
    assert_eq!(texts(&main).await.last().unwrap(), "I saw it.");
    assert_legal(&main).await;
}

#[tokio::test]
async fn a_branch_that_was_forked_within_a_turn_group_is_merged_without_its_half() {
    let (session, main, _) = two([]).await;
    main.append_all(vec![says("look"), asks("c1")]).await.unwrap();
    let other = main.fork("within").await.unwrap();
    main.append(Draft::result(CallId::new("c1"), "look", Outcome::Succeeded("seen".into())))
        .await
        .unwrap();
    main.append(answers("I saw it.")).await.unwrap();
    other.append(says("never mind")).await.unwrap();
    session.merge(&other).into(&main).await.unwrap();
    assert_eq!(texts(&main).await[3..], ["seen", "I saw it.", "never mind"]);
    assert_legal(&main).await;
    // And the other way: the half that is open there is closed first.
    let open = main
        .fork("open")
        .at(main.view().await.unwrap().messages().next().unwrap().id)
        .await
        .unwrap();
    open.append(asks("c2")).await.unwrap();
    let half = open.fork("half").await.unwrap();
    session.merge(&other).into(&half).await.unwrap();
    assert_legal(&half).await;
}

#[tokio::test]
async fn calls_that_would_follow_an_answer_bring_their_instruction() {
    let (session, main, other) = two([]).await;
    main.append(answers("ours")).await.unwrap();
    let result = Draft::result(CallId::new("c1"), "look", Outcome::Succeeded("seen".into()));
    other.append_all(vec![asks("c1"), result, answers("theirs")]).await.unwrap();
    session.merge(&other).into(&main).await.unwrap();
    assert_eq!(texts(&main).await, ["1", "ours", "1", "", "seen", "theirs"]);
    assert_legal(&main).await;
    session.merge(&other).into(&main).await.unwrap();
    assert_eq!(texts(&main).await.len(), 6);
}

#[tokio::test]
async fn single_turn_groups_can_be_picked() {
    let (session, main, other) = two([]).await;
    let result = Draft::result(CallId::new("c1"), "look", Outcome::Succeeded("seen".into()));
    let drafts = vec![says("q"), asks("c1"), result, answers("a"), says("r"), answers("b")];
    let ids = other.append_all(drafts).await.unwrap().messages;
    let picked = session.cherry_pick(&other, [ids[5], ids[2]]).into(&main).await.unwrap();
    assert_eq!((picked.added.len(), picked.skipped.len()), (3, 0));
    assert_eq!(texts(&main).await, ["1", "", "seen", "b"]);
    assert_legal(&main).await;
    let again = session.cherry_pick(&other, [ids[1]]).into(&main).await.unwrap();
    assert_eq!((again.added.len(), again.skipped.len()), (0, 2));
    session.merge(&other).into(&main).await.unwrap();
    assert_eq!(texts(&main).await, ["1", "", "seen", "b", "q", "a", "r"]);
    assert_legal(&main).await;
    let foreign = main.append(says("ours")).await.unwrap().messages[0];
    let unknown = session.cherry_pick(&other, [foreign]).into(&main).await;
    assert!(matches!(unknown, Err(Error::Change(_))), "{unknown:?}");
    // Of a summary comes what it stands for.
    let summary = other.fold(ids[4], ids[5], "r-b").await.unwrap();
    let third = session.create_branch("third").await.unwrap();
    session.cherry_pick(&other, [summary]).into(&third).await.unwrap();
    assert_eq!(texts(&third).await, ["r", "b"]);
}

#[tokio::test]
async fn what_is_no_merge_is_refused() {
    let (session, main, other) = two([]).await;
    let foreign = session.engine().session("elsewhere").create().await.unwrap();
    let refused = |merge: Merge| async move { merge.await.unwrap_err() };
    let itself = refused(session.merge(&main).into(&main)).await;
    assert!(matches!(itself, Error::MergeWithItself));
    let itself = refused(session.merge(&main).into(&main).delete_source()).await;
    assert!(matches!(itself, Error::MergeWithItself), "and it is not deleted");
    let elsewhere = refused(foreign.merge(&other).into(&main)).await;
    assert!(matches!(elsewhere, Error::OtherSession { .. }));
    let elsewhere = refused(session.merge(&foreign.default_branch()).into(&main)).await;
    assert!(
        matches!(elsewhere, Error::OtherSession { branch } if branch == foreign.default_branch().id())
    );
    let summary = refused(session.merge(&other).into(&main).summary("nul \0")).await;
    assert!(matches!(summary, Error::Draft(_)));
}

#[tokio::test]
async fn a_merge_that_is_too_much_for_one_commit_says_so_and_writes_nothing() {
    let (session, main, other) = two([]).await;
    for _ in 0..2 {
        other
            .append_all((0..5_000).map(|number| says(&number.to_string())).collect())
            .await
            .unwrap();
    }
    let merge = || session.merge(&other).into(&main);
    let refused = merge().await.unwrap_err();
    assert!(matches!(refused, Error::TooMuchToMerge { ops: 10_001, max: 10_000 }), "{refused}");
    assert_eq!(texts(&main).await, ["1"]);
    merge().summary("Ten thousand numbers.").await.unwrap();
    assert!(merge().await.unwrap().added.is_empty());
}

#[tokio::test]
async fn a_target_that_waits_for_approvals_is_not_gone_over() {
    let calls = Script::calls([("c1", "add", r#"{"a":1}"#)]);
    let (session, main, other) = two([calls]).await;
    main.register(add().with_approval()).unwrap();
    other.append(says("theirs")).await.unwrap();
    let parked = main.chat("add").with_tools(ToolSelection::All).await;
    assert!(matches!(parked, Err(Error::Parked { .. })));
    let refused = session.merge(&other).into(&main).await;
    assert!(matches!(refused, Err(Error::Parked { .. })), "{refused:?}");
    // As a source it is like any other.
    session.merge(&main).into(&other).await.unwrap();
    assert_legal(&other).await;
}

/// A store whose commit of that number comes just after another process says something on `branch`.
fn raced(inner: Arc<dyn Store>, commit: u64, branch: &'static str) -> Arc<dyn Store> {
    let other = Arc::clone(&inner);
    let deed = move || {
        let engine = Engine::builder().store(Arc::clone(&other)).build();
        async move {
            let session = engine.open_session("trip").await.unwrap();
            let branch = session.branch(branch).await.unwrap();
            branch.append(says("meanwhile")).await.unwrap();
        }
        .boxed()
    };
    Arc::new(DisturbedStore::meddled_with(inner, (commit, Moment::Before), deed))
}

#[tokio::test]
async fn a_plan_is_refused_by_the_commit_itself_when_a_branch_moves_at_that_moment() {
    let folder = tempfile::tempdir().unwrap();
    for (number, moved) in [(0, "main"), (1, "other"), (2, "main"), (3, "other")] {
        let file = folder.path().join(format!("{number}.db"));
        let inner: Arc<dyn Store> = match number {
            0 | 1 => Arc::new(MemoryStore::new()),
            _ => Arc::new(SqliteStore::open(&file).unwrap()),
        };
        // Made, said, forked, said: then merged.
        let store = raced(Arc::clone(&inner), 5, moved);
        let engine = Engine::builder().store(store).build();
        let session = engine.session("trip").create().await.unwrap();
        let main = session.default_branch();
        main.append(says("1")).await.unwrap();
        let other = main.fork("other").await.unwrap();
        other.append(says("theirs")).await.unwrap();
        let plan = session.merge(&other).into(&main).plan().await.unwrap();
        let refused = plan.apply().await.unwrap_err();
        let moved_branch = if moved == "main" { &main } else { &other };
        let is_it = |branch| branch == moved_branch.id();
        assert!(
            matches!(refused, Error::MovedSince { branch, .. } if is_it(branch)),
            "{refused:?}"
        );
        assert!(!texts(&main).await.contains(&"theirs".to_owned()), "nothing of it is written");
        session.merge(&other).into(&main).await.unwrap();
        assert!(texts(&main).await.contains(&"theirs".to_owned()));
        assert_eq!(inner.verify().await.unwrap().problems, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_turn_that_was_cut_off_is_closed_before_something_comes_behind_it() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let engine = Engine::builder().store(Arc::clone(&store)).build();
    let provider = Arc::new(ScriptedProvider::new().with_script(Script::text("never read")));
    let builder = engine.session("trip").provider("local", provider);
    let main = builder.model("tiny").create().await.unwrap().default_branch();
    main.append(says("1")).await.unwrap();
    let other = main.fork("other").await.unwrap();
    other.append(says("theirs")).await.unwrap();
    let mut stream = main.chat("q").stream();
    assert!(matches!(stream.next().await, Some(Ok(TurnEvent::Started { .. }))));
    // What a crash leaves, which another process finds.
    std::mem::forget(stream);
    let engine = Engine::builder().store(store).build();
    let session = engine.open_session("trip").await.unwrap();
    let (main, other) = (session.default_branch(), session.branch("other").await.unwrap());
    let plan = session.merge(&other).into(&main).plan().await.unwrap();
    plan.apply().await.unwrap();
    assert_eq!(texts(&main).await, ["1", "q", "", "theirs"]);
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await, ["1", "q", ""]);
    // As a source, a turn that goes on is brought as far as it is.
    session.merge(&main).into(&other).await.unwrap();
    assert_eq!(texts(&other).await, ["1", "theirs", "q", ""]);
}
