//! Invariant 7 for mail: whatever it went through, an archive gives it back, and brings it on.

use std::{cell::Cell, sync::Arc, time::Duration};

use branchwork::{
    Branch, Engine, Error, Session,
    archive::{ArchiveError, ImportOptions},
    core::{
        mail::{Delivery, MailPlace, MailState},
        store::{Conflict, MemoryStore, Store},
    },
    mail::Addresses,
    sqlite::SqliteStore,
};
use branchwork_testkit::{DisturbedStore, Moment, TestClock};
use tempfile::TempDir;

use crate::support::{engine_at, engine_over, export, import, mail, says};

fn engine() -> Engine {
    engine_over(Arc::new(MemoryStore::new()))
}

async fn check_healthy(engine: &Engine) {
    assert_eq!(engine.verify().await.unwrap().problems, Vec::<String>::new());
}

/// Deliveries of a [`furnished`] session, and mails.
const DELIVERIES: usize = 13;
const MAILS: u64 = 11;

/// A session with mail in every state: sent to `main`, to `side`, and to what is gone.
async fn furnished(engine: &Engine) -> Session {
    let session = engine.session("trip").create().await.unwrap();
    let main = session.default_branch();
    main.append(says("one")).await.unwrap();
    let [side, gone] = [main.fork("side").await.unwrap(), main.fork("gone").await.unwrap()];
    main.broadcast("to all").await.unwrap();
    gone.receive().await.unwrap();
    gone.send(&main, "from what is gone").await.unwrap();
    side.broadcast("dead").await.unwrap();
    side.send(&main, "refused").await.unwrap();
    let refused = main.inbox().await.unwrap().pop().unwrap();
    main.refuse(refused.mail.id, "not now").await.unwrap();
    main.send(&side, "taken in").await.unwrap();
    side.receive().await.unwrap();
    main.send(&side, "taken in and undone").await.unwrap();
    side.receive().await.unwrap();
    side.undo().await.unwrap();
    side.send(&main, "expired").expires_in(Duration::from_micros(1)).await.unwrap();
    main.send(&gone, "never came").queued().expires_in(Duration::from_micros(1)).await.unwrap();
    session.expire().await.unwrap();
    side.send(&gone, "for another").await.unwrap();
    gone.delete_with_heir(&main).await.unwrap();
    main.send(&side, "under way").queued().await.unwrap();
    session.collect(Addresses::All).await.unwrap();
    main.send(&side, "to be collected").queued().await.unwrap();
    let all = mail(&session).await;
    for place in MailPlace::ALL {
        assert!(all.iter().any(|delivery| delivery.state.place() == place), "{place}");
    }
    assert_eq!(all.len(), DELIVERIES);
    session
}

/// Deletes `side` and takes away all that only it reached.
async fn bury_side(session: &Session) {
    session.branch("side").await.unwrap().delete().await.unwrap();
    session.engine().gc().await.unwrap();
}

#[tokio::test]
async fn mail_in_every_state_is_what_it_was() {
    let folder = TempDir::new().unwrap();
    let file = SqliteStore::open(folder.path().join("copy.db")).unwrap();
    let source = engine();
    let session = furnished(&source).await;
    for (target, is_buried) in [(engine(), false), (engine_over(Arc::new(file)), true)] {
        if is_buried {
            bury_side(&session).await;
        }
        let (archive, expected) = (export(&session).await, mail(&session).await);
        let branches = session.branches().await.unwrap().len();
        for mails in [MAILS, 0, 0] {
            assert_eq!(import(&target, &archive).await.mails, mails);
            let copy = target.open_session("trip").await.unwrap();
            assert_eq!(mail(&copy).await, expected);
            assert_eq!(copy.branches().await.unwrap().len(), branches);
            assert_eq!(export(&copy).await, archive);
            check_healthy(&target).await;
            target.gc().await.unwrap();
        }
    }
    // Its own archive changes nothing of a session.
    let (archive, before) = (export(&session).await, mail(&session).await);
    assert_eq!(import(&source, &archive).await.mails, 0);
    assert_eq!(mail(&session).await, before);
    check_healthy(&source).await;
}

#[tokio::test]
async fn an_import_that_died_at_any_commit_goes_on() {
    let source = engine();
    let session = furnished(&source).await;
    bury_side(&session).await;
    let (archive, expected) = (export(&session).await, mail(&session).await);
    let mut deaths = 0;
    for at in 1.. {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let dying = DisturbedStore::dying(Arc::clone(&store), at, Moment::After);
        let imported =
            engine_over(Arc::new(dying)).import(&mut &archive[..], &ImportOptions::new()).await;
        let target = engine_over(store);
        import(&target, &archive).await;
        let copy = target.open_session("trip").await.unwrap();
        assert_eq!(mail(&copy).await, expected, "died at {at}");
        assert_eq!(copy.branches().await.unwrap().len(), 1);
        check_healthy(&target).await;
        if imported.is_ok() {
            break;
        }
        deaths += 1;
    }
    assert!(deaths > 6, "{deaths}");
}

#[tokio::test]
async fn a_newer_archive_tells_of_what_was_deleted_since() {
    let (source, target) = (engine(), engine());
    let session = furnished(&source).await;
    import(&target, &export(&session).await).await;
    let side = session.branch("side").await.unwrap();
    let main = session.default_branch();
    main.send(&side, "newer, and taken in").await.unwrap();
    side.receive().await.unwrap();
    main.send(&side, "newer, and dead").await.unwrap();
    bury_side(&session).await;
    import(&target, &export(&session).await).await;
    // The copy still has the branch, and nothing that takes the newer mail in.
    let copy = target.open_session("trip").await.unwrap();
    assert!(copy.branch("side").await.is_ok());
    let newer = mail(&copy).await.split_off(DELIVERIES);
    let states: Vec<_> = newer.iter().map(|delivery| delivery.state.place()).collect();
    assert_eq!(states, [MailPlace::Inbox, MailPlace::DeadLetter]);
    check_healthy(&target).await;
}

#[tokio::test]
async fn mail_that_came_before_it_was_sent_is_where_it_was() {
    let source = engine();
    let session = source.session("trip").create().await.unwrap();
    let main = session.default_branch();
    let side = main.fork("side").await.unwrap();
    main.send(&side, "hello").await.unwrap();
    let archive = String::from_utf8(export(&session).await).unwrap();
    // A clock that was set back between.
    let (head, rest) = archive.split_once("\"since\":").unwrap();
    let (since, end) = rest.split_once(",\"delivered\":").unwrap();
    let end = end.strip_prefix(since).unwrap();
    let earlier = since.parse::<i64>().unwrap() - 1_000_000;
    let archive = format!("{head}\"since\":{earlier},\"delivered\":{earlier}{end}");
    let target = engine();
    import(&target, archive.as_bytes()).await;
    let copy = target.open_session("trip").await.unwrap();
    assert_eq!(copy.branch("side").await.unwrap().inbox().await.unwrap().len(), 1);
    assert_eq!(String::from_utf8(export(&copy).await).unwrap(), archive);
    import(&target, archive.as_bytes()).await;
    assert_eq!(String::from_utf8(export(&copy).await).unwrap(), archive);
}

#[tokio::test]
async fn what_became_of_mail_since_is_not_undone_by_an_older_archive() {
    let (source, clock) = (engine(), Arc::new(TestClock::default()));
    let session = source.session("trip").create().await.unwrap();
    let main = session.default_branch();
    let side = main.fork("side").await.unwrap();
    let sent = main.send(&side, "hello").await.unwrap();
    let archive = export(&session).await;
    let target = engine_at(Arc::new(MemoryStore::new()), Arc::clone(&clock));
    import(&target, &archive).await;
    let copy = target.open_session("trip").await.unwrap();
    clock.advance(Duration::from_secs(1));
    copy.branch("side").await.unwrap().refuse(sent.id, "not here").await.unwrap();
    let before = mail(&copy).await;
    import(&target, &archive).await;
    assert_eq!(mail(&copy).await, before);
    // What the source says since is newer again, and no way leads there.
    clock.advance(Duration::from_secs(1));
    let later = engine_at(Arc::new(MemoryStore::new()), clock);
    import(&later, &archive).await;
    let other = later.open_session("trip").await.unwrap();
    let letter = other.branch("side").await.unwrap().inbox().await.unwrap().remove(0);
    other.readdress(&letter, &other.default_branch()).await.unwrap();
    let newer = export(&other).await;
    let refused = target.import(&mut &newer[..], &ImportOptions::new()).await.unwrap_err();
    assert!(refused.to_string().ends_with("went another way here: it is `refused`"), "{refused}");
    assert_eq!(mail(&copy).await, before);
}

#[tokio::test]
async fn another_mail_with_the_same_identifier_is_a_conflict() {
    let (source, target) = (engine(), engine());
    let session = source.session("trip").create().await.unwrap();
    let main = session.default_branch();
    main.send(&main, "hello").await.unwrap();
    let archive = String::from_utf8(export(&session).await).unwrap();
    import(&target, archive.as_bytes()).await;
    let other = archive.replace("hello", "other");
    let refused = target.import(&mut other.as_bytes(), &ImportOptions::new()).await;
    assert!(matches!(refused, Err(Error::Conflict(Conflict::Exists { .. }))), "{refused:?}");
}

#[tokio::test]
async fn a_damaged_line_of_mail_is_named_and_left_out_when_asked() {
    let source = engine();
    let session = furnished(&source).await;
    let archive = String::from_utf8(export(&session).await).unwrap();
    let is_of = |line: &str, text: &str| line.starts_with("{\"mail\"") && line.contains(text);
    let line = |text: &str| archive.lines().find(|line| is_of(line, text)).unwrap();
    let number = |text: &str| archive.lines().position(|line| is_of(line, text)).unwrap() + 1;
    let main = session.default_branch().id().to_string();
    let stranger = "br_00000000000000000000000001";
    for (of, from, to, problem) in [
        ("not now", "\"refused\"", "\"lost\"", "a delivery that is `lost`"),
        ("not now", "\"refused\"", "\"inbox\"", "a delivery that is `inbox`"),
        ("not now", ",\"reason\":\"not now\"", "", "a delivery that is `refused`"),
        ("\"taken in\"", ",\"receipt\":\"op_", ",\"receipt\":\"mail_", "no identifier of a op"),
        ("under way", "\"text\"", "\"smoke\"", "holds a mail that cannot be read"),
        ("under way", "under way", "", "tells of what is none: a mail of category `text`"),
        ("not now", main.as_str(), stranger, "which is not there"),
        ("not now", "\"sent\":", "\"send\":", "is damaged: unknown field `send`"),
    ] {
        let damaged = archive.replace(line(of), &line(of).replace(from, to));
        assert_ne!(damaged, archive, "{from}");
        let refused = engine().import(&mut damaged.as_bytes(), &ImportOptions::new()).await;
        let Err(Error::Archive(ArchiveError::Line { number: found, problem: said })) = refused
        else {
            panic!("{from}: {refused:?}")
        };
        assert_eq!(found, number(of) as u64, "{said}");
        assert!(said.contains(problem), "{said}");
        let target = engine();
        let options = ImportOptions::new().with_skip_bad();
        let imported = target.import(&mut damaged.as_bytes(), &options).await.unwrap();
        assert_eq!((imported.skipped.len(), imported.mails), (1, MAILS - 1), "{from}");
        check_healthy(&target).await;
    }
    let twice = archive.replace(line("under way"), &[line("under way"); 2].join("\n"));
    let refused = engine().import(&mut twice.as_bytes(), &ImportOptions::new()).await.unwrap_err();
    assert!(refused.to_string().ends_with("twice"), "{refused}");
    // Without the op that takes it in, a mail is not taken in.
    let receipt = archive.lines().find(|line| line.contains("\"receive\"")).unwrap();
    let fewer = archive.replace(receipt, "{}");
    let target = engine();
    let options = ImportOptions::new().with_skip_bad();
    target.import(&mut fewer.as_bytes(), &options).await.unwrap();
    check_healthy(&target).await;
}

#[tokio::test]
async fn some_branches_have_the_mail_that_is_for_them() {
    let source = engine();
    let session = furnished(&source).await;
    let side = session.branch("side").await.unwrap();
    session.default_branch().send(&side, "on its way").queued().await.unwrap();
    let mut archive = Vec::new();
    session.export_branches(std::slice::from_ref(&side), &mut archive).await.unwrap();
    let target = engine();
    import(&target, &archive).await;
    let copy = target.open_session("trip").await.unwrap();
    let mut expected = mail(&session).await;
    expected.retain(|delivery| delivery.recipient == side.id());
    let found = mail(&copy).await;
    let parts = |all: &[Delivery]| -> Vec<_> {
        all.iter().map(|one| (Arc::clone(&one.mail), one.recipient)).collect()
    };
    assert_eq!(parts(&found), parts(&expected));
    for (found, expected) in found.iter().zip(&expected) {
        // Who has it in the outbox is not there any more.
        let is_sent = expected.state.place().is_unsent();
        let state = if is_sent { &MailState::Inbox } else { &expected.state };
        assert_eq!(&found.state, state);
    }
    import(&target, &archive).await;
    assert_eq!(mail(&copy).await, found);
    check_healthy(&target).await;
}

#[tokio::test]
async fn what_is_written_while_mail_comes_and_goes_is_whole() {
    let folder = TempDir::new().unwrap();
    let source = engine_over(Arc::new(SqliteStore::open(folder.path().join("source.db")).unwrap()));
    let session = source.session("trip").create().await.unwrap();
    let main = session.default_branch();
    let is_over = Cell::new(false);
    let work = async {
        for number in 0..25 {
            let fork = main.fork(format!("fork {number}")).await.unwrap();
            correspond(&session, &main, &fork).await;
        }
        is_over.set(true);
    };
    let exports = async {
        let mut count = 0;
        while !is_over.get() {
            let target = engine();
            let imported = import(&target, &export(&session).await).await;
            let copy = target.open_session(&imported.session.to_string()).await.unwrap();
            assert!(mail(&copy).await.len() >= count, "{count}");
            count = mail(&copy).await.len() / 2;
            check_healthy(&target).await;
        }
    };
    tokio::join!(work, exports);
}

/// Mail to and fro.
async fn correspond(session: &Session, main: &Branch, fork: &Branch) {
    main.send(fork, "to the fork").await.unwrap();
    fork.receive().await.unwrap();
    fork.send(main, "to main").queued().await.unwrap();
    main.broadcast("to all").await.unwrap();
    session.collect_send_all().await.unwrap();
    main.receive().await.unwrap();
}
