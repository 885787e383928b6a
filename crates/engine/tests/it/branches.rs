//! Branches: fork, edit, remove, rollback, rewind, undo, redo, restore. Nothing is ever lost.

use branchwork::{
    BaseBranch as _, Error,
    core::{
        config::{Change, ConfigPatch},
        message::Body,
        store::Conflict,
    },
};
use branchwork_testkit::Script;

use crate::support::{says, session, texts};

#[tokio::test]
async fn a_fork_shares_the_past_and_has_its_own_future() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let first = main.append(says("1")).await.unwrap().messages[0];
    main.append(says("2")).await.unwrap();
    let early = main.fork("early").at(first).await.unwrap();
    let late = main.fork("late").await.unwrap();
    early.append(says("e")).await.unwrap();
    late.append(says("l")).await.unwrap();
    main.append(says("3")).await.unwrap();
    assert_eq!(texts(&main).await, ["1", "2", "3"]);
    assert_eq!(texts(&early).await, ["1", "e"]);
    assert_eq!(texts(&late).await, ["1", "2", "l"]);
    let record = session.record().await.unwrap();
    assert_eq!((record.branches, record.messages), (3, 5), "shared messages count once");
}

#[tokio::test]
async fn a_fork_at_an_old_message_has_the_configuration_of_that_moment() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let first = main.append(says("1")).await.unwrap().messages[0];
    let patch = ConfigPatch { temperature: Change::Set(0.5), ..ConfigPatch::default() };
    main.configure(patch).await.unwrap();
    main.append(says("2")).await.unwrap();
    let fork = main.fork("early").at(first).await.unwrap();
    assert_eq!(fork.view().await.unwrap().config().temperature, None);
    assert_eq!(main.view().await.unwrap().config().temperature, Some(0.5));
}

#[tokio::test]
async fn forks_without_a_name_get_the_first_free_one() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    for expected in ["main-2", "main-3"] {
        let fork = main.fork_unnamed().await.unwrap();
        assert_eq!(fork.record().await.unwrap().name, expected);
    }
    let taken = main.fork("main-2").await.unwrap_err();
    assert!(matches!(taken, Error::Conflict(Conflict::BranchNameTaken { .. })), "{taken:?}");
}

#[tokio::test]
async fn an_edit_keeps_the_original_and_can_be_undone() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let message = main.append(says("Rome")).await.unwrap().messages[0];
    main.append(says("again")).await.unwrap();
    let op = main.edit(message, Body::instruction("Oslo")).await.unwrap();
    assert_eq!(texts(&main).await, ["Oslo", "again"]);
    assert_eq!(main.message(&message.to_string()).await.unwrap().edited, Some(op));
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await, ["Rome", "again"]);
    main.redo().await.unwrap();
    main.remove(message).await.unwrap();
    assert_eq!(texts(&main).await, ["again"]);
    let page: Vec<_> = main.page(10).await.unwrap().iter().map(|m| m.text()).collect();
    assert_eq!(page, ["again"], "the page agrees with the view");
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await, ["Oslo", "again"]);
}

#[tokio::test]
async fn undo_walks_back_step_by_step_and_redo_walks_forth() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    main.append(says("1")).await.unwrap();
    main.append_all(vec![says("2"), says("3")]).await.unwrap();
    main.rollback(1).await.unwrap();
    assert_eq!(texts(&main).await, ["1", "2"]);
    main.append(says("4")).await.unwrap();
    let states = [vec!["1", "2"], vec!["1", "2", "3"], vec!["1"], vec![]];
    for expected in &states {
        main.undo().await.unwrap();
        assert_eq!(&texts(&main).await, expected);
    }
    // The configuration that the session was born with stays.
    assert!(matches!(main.undo().await, Err(Error::NothingToUndo)));
    for expected in [vec!["1"], vec!["1", "2", "3"], vec!["1", "2"], vec!["1", "2", "4"]] {
        main.redo().await.unwrap();
        assert_eq!(texts(&main).await, expected);
    }
    assert!(matches!(main.redo().await, Err(Error::NothingToRedo)));
    main.undo().await.unwrap();
    main.append(says("5")).await.unwrap();
    assert!(matches!(main.redo().await, Err(Error::NothingToRedo)), "a change ends the redo");
    assert_eq!(texts(&main).await, ["1", "2", "5"]);
}

#[tokio::test]
async fn rollback_of_nothing_is_nothing_and_of_too_much_an_error() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    main.append(says("1")).await.unwrap();
    let before = main.record().await.unwrap();
    main.rollback(0).await.unwrap();
    assert_eq!(main.record().await.unwrap(), before);
    assert!(matches!(main.rollback(2).await, Err(Error::Rollback(_))));
    main.rollback(1).await.unwrap();
    assert_eq!(texts(&main).await, Vec::<String>::new());
}

#[tokio::test]
async fn rollback_of_everything_keeps_what_came_before_the_first_message() {
    for system in [None, Some("brief")] {
        let (session, _) = session([Script::text("a"), Script::text("b")]).await;
        let main = session.default_branch();
        if let Some(system) = system {
            main.set_system(system).await.unwrap();
        }
        main.chat("q").await.unwrap();
        let all = main.view().await.unwrap().len();
        main.rollback(all).await.unwrap();
        assert_eq!(texts(&main).await, Vec::<String>::new());
        assert_eq!(main.chat("again").await.unwrap().text, "b", "it has its model");
    }
}

#[tokio::test]
async fn every_place_a_branch_was_at_can_be_restored_from_its_reflog() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    main.append(says("1")).await.unwrap();
    let lost = main.append(says("2")).await.unwrap().head;
    main.rollback(1).await.unwrap();
    main.append(says("3")).await.unwrap();
    let causes: Vec<_> =
        main.reflog(9).await.unwrap().iter().map(|entry| entry.cause.as_str()).collect();
    assert_eq!(causes, ["append", "rewind", "append", "append", "append", "create"]);
    let short: String = lost.to_string().chars().take(13).collect();
    assert_eq!(main.find_op(&short).await.unwrap(), lost);
    main.restore(lost).await.unwrap();
    assert_eq!(texts(&main).await, ["1", "2"]);
    let previous = main.find_op("@-").await.unwrap();
    main.restore(previous).await.unwrap();
    assert_eq!(texts(&main).await, ["1", "3"]);
    let other = main.fork("other").await.unwrap();
    let own = other.append(says("o")).await.unwrap().head;
    assert!(matches!(main.restore(own).await, Err(Error::NotInHistory { .. })));
}

#[tokio::test]
async fn the_default_branch_cannot_be_deleted_until_another_is_the_default() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let other = main.fork("other").await.unwrap();
    let refused = main.delete().await.unwrap_err();
    assert!(matches!(refused, Error::Conflict(Conflict::DefaultBranch { .. })), "{refused:?}");
    session.switch(&other).await.unwrap();
    main.delete().await.unwrap();
    assert_eq!(session.default_branch().id(), other.id());
    assert!(session.branch("main").await.is_err());
    assert_eq!(session.branches().await.unwrap().len(), 1);
}

#[tokio::test]
async fn messages_are_found_by_prefix_and_from_the_end() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    let ids = main.append_all(vec![says("1"), says("2"), says("3")]).await.unwrap().messages;
    let prefix: String = ids[1].to_string().chars().take(12).collect();
    for (reference, expected) in
        [(prefix.as_str(), ids[1]), ("~0", ids[2]), ("~", ids[1]), ("~2", ids[0])]
    {
        assert_eq!(main.message(reference).await.unwrap().id, expected, "{reference}");
    }
    for reference in ["~3", "~x", "msg_", "zzzz", "op_1"] {
        let found = main.message(reference).await;
        assert!(
            matches!(found, Err(Error::NotFound { .. } | Error::Ambiguous { .. })),
            "{reference}"
        );
    }
}
