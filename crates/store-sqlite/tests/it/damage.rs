//! Damage of each kind, and what `verify` says of it.

use std::{fs, sync::Arc};

use branchwork_core::{
    mail::{MailQuery, MailState},
    store::{Cause, Change, Store as _, StoreError},
};
use branchwork_store_sqlite::SqliteStore;
use branchwork_testkit::bench::{Bench, Line, queueing, sending};

use crate::support::Place;

/// A store with a bit of everything, closed.
async fn furnished() -> Place {
    let place = Place::new();
    let (bench, store) = place.bench();
    let mut main = bench.start_named(Some("trip")).await;
    bench.say(&mut main, &["one", "two", "three"]).await;
    let mut fork = bench.fork(&main, "fork", main.view.lineage().op_at(2)).await;
    bench.say(&mut fork, &["four", &"large ".repeat(10_000)]).await;
    bench.go(&mut main, None, Cause::Rewind).await;
    bench.say(&mut main, &["anew", "and on"]).await;
    let gone = bench.fork(&main, "gone", None).await;
    correspond(&bench, &main, [&fork, &gone]).await;
    let delete = Change::DeleteBranch { branch: gone.branch, heir: None };
    bench.write(bench.commit(main.session).with_change(delete)).await;
    let mut other = bench.start().await;
    bench.say(&mut other, &["elsewhere"]).await;
    bench.verify().await;
    store.close().await.expect("it closes");
    place
}

/// Sends mail in every state but `expired` from `main` and to it.
async fn correspond(bench: &Bench, main: &Line, [fork, gone]: [&Line; 2]) {
    let letter = || bench.mail(main, "hello");
    let [applied, refused, queued, collected, broadcast] =
        [letter(), letter(), letter(), letter(), letter()];
    let no = MailState::Refused { reason: "no".to_owned() };
    let collect = (MailState::Outbox, MailState::Transit);
    let both = [sending(&applied, &[fork]), sending(&refused, &[fork])];
    let commit = bench.commit(main.session).with_mail(both);
    bench.write(commit.with_mail([sending(&broadcast, &[main, fork, gone])])).await;
    let (receive, _) = bench.receiving(fork, &applied);
    bench.write(receive.with_mail([bench.moving(&refused, fork, (MailState::Inbox, no))])).await;
    let both = [queueing(&queued, &[fork]), queueing(&collected, &[fork])];
    bench.write(bench.commit(main.session).with_mail(both)).await;
    let change = bench.moving(&collected, fork, collect);
    bench.write(bench.commit(main.session).with_mail([change])).await;
}

/// Checks that `verify` names `problem` once `sql` has run.
async fn check(sql: &str, problem: &str) {
    let place = furnished().await;
    let db = place.sql();
    db.execute_batch(&format!(
        "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; {sql}"
    ))
    .expect("it is damaged");
    drop(db);
    let report = place.open().verify().await.expect("it is verified");
    let found = report.problems.iter().any(|found| found.contains(problem));
    assert!(found, "{sql}\n{:#?}", report.problems);
}

#[tokio::test]
async fn damage_to_ops_is_found() {
    let last = "(SELECT max(key) FROM op)";
    for (sql, problem) in [
        ("UPDATE op SET standing = 9 WHERE key & 0xffffffff = 1", "counts its messages wrong"),
        ("UPDATE op SET head = '{' WHERE key & 0xffffffff = 1", "cannot be decoded"),
        ("UPDATE op SET body = '{}' WHERE key & 0xffffffff = 1", "cannot be decoded"),
        ("UPDATE op SET body = NULL WHERE body IS NOT NULL", "cannot be decoded"),
        ("DELETE FROM op WHERE key & 0xffffffff = 0", "has no op at place 0"),
        ("DELETE FROM op WHERE key & 0xffffffff = 1", "a row of op that is not there"),
        ("DELETE FROM op WHERE key & 0xffffffff = 1", "cannot be read"),
        (&format!("UPDATE op SET key = key + 5 WHERE key = {last}"), "has no op at place"),
        (&format!("UPDATE op SET key = key + (9 << 32) WHERE key = {last}"), "lies in no stretch"),
    ] {
        check(sql, problem).await;
    }
}

#[tokio::test]
async fn damage_to_bodies_that_lie_apart_is_found() {
    check("UPDATE blob SET bytes = CAST('{}' AS BLOB)", "its hash differs").await;
    check("UPDATE blob SET hash = zeroblob(32)", "its hash differs").await;
    check("DELETE FROM blob", "a row of blob that is not there").await;
    check("DELETE FROM blob", "the body of an op is not there").await;
}

#[tokio::test]
async fn damage_to_stretches_is_found() {
    for (sql, problem) in [
        ("UPDATE stretch SET parent = no << 32 WHERE parent IS NOT NULL", "cannot be read"),
        ("UPDATE stretch SET parent = parent + 9 WHERE parent IS NOT NULL", "cannot be read"),
        ("UPDATE stretch SET parent = NULL", "builds on another op than its branch appended it to"),
        ("UPDATE stretch SET session = 2 WHERE parent IS NOT NULL", "builds on another session"),
        ("UPDATE stretch SET branch = zeroblob(16)", "its stretch is not its own"),
        ("DELETE FROM stretch", "lies in no stretch"),
        ("INSERT INTO stretch VALUES (99, zeroblob(12), 1, zeroblob(16), NULL)", "has no ops"),
    ] {
        check(sql, problem).await;
    }
}

#[tokio::test]
async fn damage_to_sessions_and_branches_is_found() {
    for (sql, problem) in [
        ("UPDATE session SET default_branch = NULL", "its default branch is not there"),
        ("UPDATE session SET default_branch = 99", "its default branch is not there"),
        ("UPDATE session SET defaults = '{\"sytem\":1}'", "defaults: not what version 1 stores"),
        ("UPDATE branch SET deleted = 1", "its default branch is not there"),
        ("UPDATE branch SET at = 77 << 32", "its head is an op that is not there"),
        ("UPDATE branch SET at = (SELECT max(key) FROM op)", "an op of another session"),
        ("UPDATE branch SET at = -1", "its head does not follow from its reflog"),
        ("UPDATE branch SET base_key = base_key + 9", "an op that is not in its stretch"),
        ("UPDATE branch SET revision = revision + 1", "does not follow from its reflog"),
        ("UPDATE branch SET revision = 0", "does not follow from its reflog"),
        ("UPDATE branch SET session = 9 WHERE no = 2", "a row of session that is not there"),
        ("DELETE FROM session WHERE no = 1", "a row of session that is not there"),
    ] {
        check(sql, problem).await;
    }
}

#[tokio::test]
async fn damage_to_reflogs_is_found() {
    for (sql, problem) in [
        ("DELETE FROM reflog", "it has no reflog"),
        ("DELETE FROM reflog WHERE cause = 'create'", "does not begin with its creation"),
        ("DELETE FROM reflog WHERE cause = 'rewind'", "its reflog has a gap"),
        ("UPDATE reflog SET to_key = 5 WHERE cause = 'append'", "a row of op that is not there"),
        ("UPDATE reflog SET from_key = NULL", "its reflog has a gap"),
        ("UPDATE reflog SET cause = 'magic' WHERE cause = 'rewind'", "an unknown cause"),
        ("UPDATE reflog SET key = key + (99 << 32)", "which is not there"),
    ] {
        check(sql, problem).await;
    }
}

#[tokio::test]
async fn damage_to_mail_is_found() {
    for (sql, problem) in [
        ("UPDATE mail SET envelope = '{'", "cannot be decoded"),
        ("UPDATE mail SET envelope = '{\"package\":{\"smoke\":1}}'", "cannot be decoded"),
        ("UPDATE mail SET deliveries = 2", "it has not the deliveries that it says"),
        ("UPDATE mail SET deliveries = 0", "it has not the deliveries that it says"),
        ("UPDATE mail SET session = 9", "a row of session that is not there"),
        ("UPDATE mail SET session = 2", "it waits for a branch that is not there"),
        ("UPDATE mail SET sender = zeroblob(16)", "names not that of its mail"),
        ("DELETE FROM mail", "a row of mail that is not there"),
        ("DELETE FROM mail", "it lies outside of its mail"),
    ] {
        check(sql, problem).await;
    }
}

#[tokio::test]
async fn damage_to_deliveries_is_found() {
    for (sql, problem) in [
        ("DELETE FROM delivery WHERE no = 4", "it has not the deliveries that it says"),
        ("UPDATE delivery SET no = 99 WHERE no = 4", "it lies outside of its mail"),
        ("UPDATE delivery SET mail = 1 WHERE no = 4", "it lies outside of its mail"),
        ("UPDATE delivery SET recipient = zeroblob(16)", "it is for one branch twice"),
        ("UPDATE delivery SET recipient = zeroblob(16)", "a branch that is not there"),
        ("UPDATE delivery SET state = 7", "it is in no state that there is"),
        ("UPDATE delivery SET state = -1", "it is in no state that there is"),
        ("UPDATE delivery SET state = 3", "it has a receipt and is not applied"),
        ("UPDATE delivery SET receipt = NULL", "it has a receipt and is not applied"),
        ("UPDATE delivery SET receipt = zeroblob(16)", "it has a receipt and is not applied"),
        ("UPDATE delivery SET receipt = zeroblob(16) WHERE receipt IS NOT NULL", "its receipt op_"),
        ("UPDATE delivery SET reason = NULL", "none where there must be one"),
        ("UPDATE delivery SET reason = 'none'", "it has a reason where there is none"),
        ("UPDATE delivery SET delivered = NULL", "it came to its recipient without a time"),
        ("UPDATE delivery SET delivered = 7", "or has one and did not"),
        ("UPDATE delivery SET sender = NULL", "it names a sender and is not on the way"),
        ("UPDATE delivery SET sender = zeroblob(16)", "it names a sender and is not on the way"),
    ] {
        check(sql, problem).await;
    }
}

#[tokio::test]
async fn bytes_that_flip_are_a_problem_and_not_a_failure() {
    let place = furnished().await;
    let whole = fs::read(&place.path).expect("it is there");
    let mut found = 0;
    for page in 1..whole.len() / 4096 {
        let mut damaged = whole.clone();
        // The first bytes of a page say what it is and how many rows it has.
        for byte in &mut damaged[page * 4096..page * 4096 + 8] {
            *byte ^= 0x5a;
        }
        fs::write(&place.path, &damaged).expect("it is written");
        let store = match SqliteStore::open(&place.path) {
            Ok(store) => store,
            // The page tells of the tables.
            Err(error) => {
                assert!(matches!(error, StoreError::CannotOpen { .. }), "{error:?}");
                continue;
            }
        };
        match store.verify().await {
            Ok(report) => {
                assert!(!report.problems.is_empty(), "page {page}");
                found += 1;
            }
            Err(error) => assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}"),
        }
    }
    assert!(found > 5, "{found}");
}

#[tokio::test]
async fn reading_what_is_damaged_is_an_error_that_says_so() {
    let place = furnished().await;
    place.sql().execute_batch("UPDATE op SET head = '{'").expect("it is damaged");
    let bench = Bench::new(Arc::new(SqliteStore::open(&place.path).expect("it opens")));
    let sessions = bench.store.sessions().await.expect("they are listed");
    let session = sessions.iter().find(|session| session.name.is_some()).expect("it is there");
    let branch = bench.store.branch(session.default_branch).await.expect("it is there");
    let stretch = branch.head.expect("it has a head").stretch();
    let ops = bench.store.ops(session.id, stretch, 0..9).await;
    assert!(matches!(ops, Err(StoreError::Corrupt { .. })), "{ops:?}");
    let reflog = bench.store.reflog(branch.id, u64::MAX, 9).await;
    assert!(matches!(reflog, Err(StoreError::Corrupt { .. })), "{reflog:?}");
    for sql in ["UPDATE delivery SET state = 4", "UPDATE mail SET envelope = '{'"] {
        place.sql().execute_batch(sql).expect("it is damaged");
        let mail = bench.store.mail(session.id, &MailQuery::new()).await;
        assert!(matches!(mail, Err(StoreError::Corrupt { .. })), "{mail:?}");
    }
}
