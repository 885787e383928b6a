//! Invariant 7: export then import is the identity, as often as you like.

use std::{cell::Cell, sync::Arc, time::Duration};

use branchwork::{
    BaseBranch as _, Branch, Engine, Error, Session,
    archive::{ArchiveError, ImportOptions, Imported},
    core::{
        call::CallRecord,
        config::Defaults,
        id::BranchId,
        mail::{Delivery, MailQuery, Package},
        message::{Body, Message, Role},
        store::{BranchRecord, Conflict, MemoryStore, ReflogEntry, SessionRecord, Store},
    },
    mail::{Addresses, Contents, Letter},
    sqlite::SqliteStore,
};
use branchwork_testkit::{Script, ScriptedProvider, SequentialIds, TestClock};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::{block_on, export, import, mail, says, texts};

#[derive(Debug, Clone)]
enum Action {
    Append(usize, u8),
    Large(usize),
    Chat(usize),
    Edit(usize, usize),
    Remove(usize, usize),
    Fork(usize, Option<usize>),
    Rollback(usize, usize),
    Undo(usize),
    Redo(usize),
    Delete(usize),
    Rename(usize),
    Switch(usize),
    Configure(usize, u8),
    System(usize, u8),
    Merge(usize, usize, u8),
    Defaults(u8),
    Collect,
    Archive,
    Send(usize, usize, u8),
    Broadcast(usize, u8),
    Forward(usize, bool),
    Receive(usize),
    Refuse(usize),
    Readdress(usize, usize),
    Expire,
    Bequeath(usize, usize),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let branch = 0_usize..6;
    let any_usize = any::<usize>;
    let action = prop_oneof![
        5 => (branch.clone(), any::<u8>()).prop_map(|(b, t)| Action::Append(b, t)),
        1 => branch.clone().prop_map(Action::Large),
        3 => branch.clone().prop_map(Action::Chat),
        2 => (branch.clone(), any_usize()).prop_map(|(b, m)| Action::Edit(b, m)),
        1 => (branch.clone(), any_usize()).prop_map(|(b, m)| Action::Remove(b, m)),
        3 => (branch.clone(), proptest::option::of(any_usize())).prop_map(|(b, m)| Action::Fork(b, m)),
        2 => (branch.clone(), 0_usize..4).prop_map(|(b, n)| Action::Rollback(b, n)),
        2 => branch.clone().prop_map(Action::Undo),
        1 => branch.clone().prop_map(Action::Redo),
        2 => branch.clone().prop_map(Action::Delete),
        1 => branch.clone().prop_map(Action::Rename),
        1 => branch.clone().prop_map(Action::Switch),
        1 => (branch.clone(), any::<u8>()).prop_map(|(b, t)| Action::Configure(b, t)),
        1 => (branch.clone(), any::<u8>()).prop_map(|(b, t)| Action::System(b, t)),
        10 => mail_actions(),
        2 => (branch.clone(), branch, any::<u8>()).prop_map(|(b, c, t)| Action::Merge(b, c, t)),
        1 => any::<u8>().prop_map(Action::Defaults),
        1 => Just(Action::Collect),
        1 => Just(Action::Archive),
    ];
    prop::collection::vec(action, 1..40)
}

fn mail_actions() -> impl Strategy<Value = Action> {
    let branch = 0_usize..6;
    prop_oneof![
        4 => (branch.clone(), branch.clone(), any::<u8>())
            .prop_map(|(b, to, how)| Action::Send(b, to, how)),
        2 => (branch.clone(), any::<u8>()).prop_map(|(b, how)| Action::Broadcast(b, how)),
        2 => (branch.clone(), any::<bool>()).prop_map(|(b, all)| Action::Forward(b, all)),
        4 => branch.clone().prop_map(Action::Receive),
        1 => branch.clone().prop_map(Action::Refuse),
        1 => (any::<usize>(), branch.clone()).prop_map(|(m, b)| Action::Readdress(m, b)),
        1 => Just(Action::Expire),
        1 => (branch.clone(), branch).prop_map(|(b, heir)| Action::Bequeath(b, heir)),
    ]
}

fn engine(store: Arc<dyn Store>) -> Engine {
    let ids = Arc::new(SequentialIds::default());
    let engine =
        Engine::builder().store(store).clock(Arc::new(TestClock::default())).ids(ids).build();
    engine.register("local", Arc::new(ScriptedProvider::answering(|_| Script::text("so"))));
    engine
}

async fn act(session: &Session, action: &Action, number: usize) {
    let branches = session.branches().await.unwrap();
    let pick = async |b: usize| -> Branch {
        let id = branches[b % branches.len()].id;
        session.branch(&id.to_string()).await.unwrap()
    };
    let message = async |branch: &Branch, m: usize| -> Option<Arc<Message>> {
        let view = branch.view().await.unwrap();
        let count = view.len();
        (count > 0).then(|| Arc::clone(view.messages().nth(m % count).unwrap()))
    };
    // What cannot be done now is not done: the store says so, and nothing happens.
    match action {
        Action::Append(b, text) => drop(pick(*b).await.append(says(&text.to_string())).await),
        Action::Large(b) => drop(pick(*b).await.append(says(&"large ".repeat(4_000))).await),
        Action::Chat(b) => drop(pick(*b).await.chat("q").await),
        Action::Edit(b, m) => {
            let branch = pick(*b).await;
            if let Some(message) = message(&branch, *m).await {
                drop(branch.edit(message.id, Body::instruction("edited")).await);
            }
        }
        Action::Remove(b, m) => {
            let branch = pick(*b).await;
            if let Some(message) = message(&branch, *m).await {
                drop(branch.remove(message.id).await);
            }
        }
        Action::Fork(b, m) => {
            let branch = pick(*b).await;
            let fork = branch.fork(format!("fork-{number}"));
            match m {
                None => drop(fork.await),
                Some(m) => {
                    if let Some(message) = message(&branch, *m).await {
                        drop(fork.at(message.id).await);
                    }
                }
            }
        }
        Action::Rollback(b, n) => drop(pick(*b).await.rollback(*n).await),
        Action::Undo(b) => drop(pick(*b).await.undo().await),
        Action::Redo(b) => drop(pick(*b).await.redo().await),
        Action::Delete(b) => drop(pick(*b).await.delete().await),
        Action::Rename(b) => drop(pick(*b).await.rename(format!("name-{number}")).await),
        Action::Switch(b) => drop(session.switch(&pick(*b).await).await),
        Action::Configure(b, seed) => {
            let patch = branchwork::core::config::ConfigPatch::default();
            let patch = patch.with_setting("seed", (*seed).into()).unwrap();
            drop(pick(*b).await.configure(patch).await);
        }
        Action::System(b, text) => drop(pick(*b).await.set_system(&text.to_string()).await),
        Action::Merge(b, c, how) => merge(session, (&pick(*b).await, &pick(*c).await), *how).await,
        Action::Defaults(number) => {
            let defaults = match number % 2 {
                0 => Defaults::new(),
                _ => Defaults::new().with_system(number.to_string()),
            };
            session.set_defaults(defaults).await.unwrap();
        }
        Action::Collect => drop(session.engine().gc().await),
        Action::Archive => session.archive().await.unwrap(),
        Action::Bequeath(b, heir) => {
            drop(pick(*b).await.delete_with_heir(&pick(*heir).await).await);
        }
        _ => correspond(session, action).await,
    }
}

/// What happens to mail.
async fn correspond(session: &Session, action: &Action) {
    let branches = session.branches().await.unwrap();
    let pick = async |b: usize| -> Branch {
        let id = branches[b % branches.len()].id;
        session.branch(&id.to_string()).await.unwrap()
    };
    match action {
        Action::Send(b, to, how) => {
            let letter = pick(*b).await.send(&pick(*to).await, contents(*how));
            drop(written(letter, *how).await);
        }
        Action::Broadcast(b, how) => {
            drop(written(pick(*b).await.broadcast(contents(*how)), *how).await);
        }
        Action::Forward(b, all) => {
            session.collect(&pick(*b).await).await.unwrap();
            if *all {
                session.send(Addresses::All).await.unwrap();
            }
        }
        Action::Receive(b) => drop(pick(*b).await.receive().await),
        Action::Refuse(b) => {
            let branch = pick(*b).await;
            if let Some(first) = branch.inbox().await.unwrap().first() {
                drop(branch.refuse(first.mail.id, "no").await);
            }
        }
        Action::Readdress(m, b) => {
            let mail = session.mail(&MailQuery::new()).await.unwrap();
            if let Some(count) = m.checked_rem(mail.len()) {
                drop(session.readdress(&mail[count], &pick(*b).await).await);
            }
        }
        Action::Expire => drop(session.expire().await.unwrap()),
        _ => {}
    }
}

fn contents(how: u8) -> Contents {
    match how % 4 {
        0 => Contents::from(Package::Signal("stop".to_owned())),
        1 => Contents::from(serde_json::json!({ "number": how })),
        _ => Contents::from(format!("été {how}")),
    }
}

fn written(letter: Letter, how: u8) -> Letter {
    let letter = if how.is_multiple_of(3) { letter.queued() } else { letter };
    if how.is_multiple_of(5) { letter.expires_in(Duration::from_micros(40)) } else { letter }
}

/// Merges the first branch into the second, in one of the ways there are.
async fn merge(session: &Session, (from, into): (&Branch, &Branch), how: u8) {
    let merge = session.merge(from).into(into);
    let merge = match how % 4 {
        0 => merge,
        1 => merge.interleave(),
        2 => merge.summary("They went on."),
        _ => merge.fast_forward(),
    };
    drop(if how < 32 { merge.delete_source().await } else { merge.await });
}

/// Everything that can be seen of a session.
#[derive(Debug, PartialEq)]
struct Snapshot {
    session: SessionRecord,
    branches: Vec<(BranchRecord, Vec<ReflogEntry>, Vec<Message>)>,
    calls: Vec<CallRecord>,
    mail: Vec<Delivery>,
}

async fn snapshot(session: &Session) -> Snapshot {
    let mut branches = Vec::new();
    for record in session.branches().await.unwrap() {
        let branch = session.branch(&record.id.to_string()).await.unwrap();
        let reflog = branch.reflog(100_000).await.unwrap();
        let view = branch.view().await.unwrap();
        branches.push((record, reflog, view.messages().map(|one| (**one).clone()).collect()));
    }
    let mut session_record = session.record().await.unwrap();
    // When a session was last used is not kept: an import is a use.
    session_record.updated = session_record.created;
    let mut calls = session.calls().await.unwrap();
    for call in &mut calls {
        // What a deleted branch was is not kept, but that it was billed is.
        let is_there = branches.iter().any(|(record, ..)| record.id == call.branch);
        call.branch = if is_there { call.branch } else { BranchId::from_bits(0) };
    }
    Snapshot { session: session_record, branches, calls, mail: mail(session).await }
}

async fn opened(engine: &Engine, imported: &Imported) -> Session {
    engine.open_session(&imported.session.to_string()).await.unwrap()
}

/// Imports what `actions` made into `target`, twice, and compares everything.
async fn check(actions: Vec<Action>, target: Arc<dyn Store>) {
    let source = engine(Arc::new(MemoryStore::new()));
    let session = source.session("trip").model("local:tiny").create().await.unwrap();
    for (number, action) in actions.iter().enumerate() {
        act(&session, action, number).await;
    }
    let (before, archive) = (snapshot(&session).await, export(&session).await);
    assert_eq!(snapshot(&session).await, before, "an export changes nothing");
    let target = engine(target);
    for round in 0..2 {
        let imported = import(&target, &archive).await;
        assert!(round == 0 || imported.ops == 0, "importing twice is importing once");
        let copy = opened(&target, &imported).await;
        assert_eq!(snapshot(&copy).await, before);
        assert_eq!(export(&copy).await, archive, "round {round}");
    }
    assert_eq!(target.verify().await.unwrap().problems, Vec::<String>::new());
    target.gc().await.unwrap();
    let imported = import(&target, &archive).await;
    let after = snapshot(&opened(&target, &imported).await).await;
    // What only deleted branches reached was collected.
    assert_eq!((after.session, after.branches), (before.session, before.branches));
    assert_eq!(after.mail, before.mail);
    assert_eq!(target.verify().await.unwrap().problems, Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn export_then_import_is_the_identity_in_memory(actions in actions()) {
        block_on(check(actions, Arc::new(MemoryStore::new())));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn export_then_import_is_the_identity_on_sqlite(actions in actions()) {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(folder.path().join("copy.db")).unwrap();
        block_on(check(actions, Arc::new(store)));
    }

    #[test]
    fn an_import_that_was_cut_off_goes_on(actions in actions(), cut in 0.0..1.0_f64) {
        block_on(async {
            let source = engine(Arc::new(MemoryStore::new()));
            let session = source.session("trip").model("local:tiny").create().await.unwrap();
            for (number, action) in actions.iter().enumerate() {
                act(&session, action, number).await;
            }
            let archive = export(&session).await;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share")]
            #[expect(clippy::cast_precision_loss, reason = "a share")]
            // Without its last line break it is whole.
            let part = &archive[..((archive.len() - 1) as f64 * cut) as usize];
            let target = engine(Arc::new(MemoryStore::new()));
            let refused = target.import(&mut &part[..], &ImportOptions::new()).await;
            assert!(matches!(refused, Err(Error::Archive(_))), "{refused:?}");
            let imported = import(&target, &archive).await;
            let copy = opened(&target, &imported).await;
            assert_eq!(snapshot(&copy).await, snapshot(&session).await);
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_newer_archive_brings_mail_on_and_an_older_one_changes_nothing(
        actions in actions(),
        more in actions(),
    ) {
        block_on(bring_on(actions, more));
    }
}

async fn bring_on(actions: Vec<Action>, mut more: Vec<Action>) {
    // A branch that is deleted since lives on in the copy, and what was appended to it since is missed there.
    more.retain(|action| {
        !matches!(action, Action::Delete(_) | Action::Bequeath(..) | Action::Merge(_, _, ..32))
    });
    let source = engine(Arc::new(MemoryStore::new()));
    let session = source.session("trip").model("local:tiny").create().await.unwrap();
    let target = engine(Arc::new(MemoryStore::new()));
    let mut archives = Vec::new();
    for (round, actions) in [actions, more].iter().enumerate() {
        for (number, action) in actions.iter().enumerate() {
            act(&session, action, 100 * round + number).await;
        }
        archives.push(export(&session).await);
        import(&target, &archives[round]).await;
    }
    let copy = opened(&target, &import(&target, &archives[1]).await).await;
    let before = mail(&copy).await;
    assert_eq!(before, mail(&session).await);
    let imported = import(&target, &archives[0]).await;
    assert_eq!((imported.mails, mail(&copy).await), (0, before));
    assert_eq!(target.verify().await.unwrap().problems, Vec::<String>::new());
}

/// A session of four messages, as lines.
async fn lines() -> Vec<String> {
    let source = engine(Arc::new(MemoryStore::new()));
    let session = source.session("trip").model("local:tiny").create().await.unwrap();
    let main = session.default_branch();
    for text in ["one", "two", "three"] {
        main.append(says(text)).await.unwrap();
    }
    let side = main.fork("side").await.unwrap();
    side.append(says("four")).await.unwrap();
    let archive = String::from_utf8(export(&session).await).unwrap();
    archive.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_damaged_line_is_named_and_left_out_when_asked() {
    let lines = lines().await;
    let place = lines.iter().position(|line| line.contains("\"two\"")).unwrap();
    for damage in ["", "{", "[]", "{\"op\":{}}", "{\"teleport\":{}}"] {
        let mut damaged = lines.clone();
        // An empty line is none: what is missing is noticed by what builds on it.
        damaged[place] = damage.to_owned();
        let archive = damaged.join("\n");
        let target = engine(Arc::new(MemoryStore::new()));
        let refused = target.import(&mut archive.as_bytes(), &ImportOptions::new()).await;
        let Err(Error::Archive(ArchiveError::Line { number, .. })) = refused else {
            panic!("{damage}: {refused:?}")
        };
        assert_eq!(number, place as u64 + if damage.is_empty() { 2 } else { 1 }, "{damage}");
        let options = ImportOptions::new().with_skip_bad();
        let target = engine(Arc::new(MemoryStore::new()));
        let imported = target.import(&mut archive.as_bytes(), &options).await.unwrap();
        // "three" builds on "two", the fork on "three", and "four" on the fork. When the line is not
        // there at all, the end tells of one more.
        assert_eq!(imported.skipped.len(), 4, "{damage}: {:?}", imported.skipped);
        assert_eq!(imported.messages, 1);
        assert!(target.verify().await.unwrap().problems.is_empty());
    }
}

#[tokio::test]
async fn an_op_that_lies_where_none_can_is_a_damaged_line() {
    let lines = lines().await;
    let ids = ["one", "two", "three"].map(|text| {
        let line = lines.iter().find(|line| line.contains(&format!("\"{text}\""))).unwrap();
        line.split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    });
    let [first, second, third] = ids;
    // Behind nothing, a place too far, and where one lies already.
    for (old, new) in [(&first, &third), (&second, &third), (&second, &first)] {
        let damaged =
            lines.join("\n").replace(&format!("\"id\":\"{old}\""), &format!("\"id\":\"{new}\""));
        let target = engine(Arc::new(MemoryStore::new()));
        let refused = target.import(&mut damaged.as_bytes(), &ImportOptions::new()).await;
        let problem = format!("holds op {new}, which does not follow its place in its stretch");
        assert!(refused.unwrap_err().to_string().ends_with(&problem), "{old} as {new}");
        let options = ImportOptions::new().with_skip_bad();
        let imported = target.import(&mut damaged.as_bytes(), &options).await.unwrap();
        assert!(!imported.skipped.is_empty());
        assert!(target.verify().await.unwrap().problems.is_empty());
    }
}

#[tokio::test]
async fn another_session_with_the_same_identifier_stays_as_it_is() {
    let source = engine(Arc::new(MemoryStore::new()));
    let session = source.session("trip").create().await.unwrap();
    session.default_branch().append(says("one")).await.unwrap();
    let archive = String::from_utf8(export(&session).await).unwrap();
    let first = session.default_branch().id().to_string();
    let (head, created) = archive.split_once("\"created\":").unwrap();
    let other =
        format!("{head}\"created\":9{created}").replace(&first, "br_00000000000000000000000001");
    let refused = source.import(&mut other.as_bytes(), &ImportOptions::new()).await;
    let problem = refused.unwrap_err().to_string();
    assert!(problem.contains("made at another time"), "{problem}");
    assert_eq!(export(&session).await, archive.as_bytes());
}

#[tokio::test]
async fn a_branch_that_is_told_twice_is_a_damaged_line() {
    let mut lines = lines().await;
    let place = lines.iter().position(|line| line.contains("\"side\"")).unwrap();
    lines.insert(place, lines[place].clone());
    let target = engine(Arc::new(MemoryStore::new()));
    let refused = target.import(&mut lines.join("\n").as_bytes(), &ImportOptions::new()).await;
    let problem = refused.unwrap_err().to_string();
    assert!(problem.starts_with(&format!("line {} tells of branch", place + 2)), "{problem}");
    assert!(problem.ends_with("twice"), "{problem}");
}

#[tokio::test]
async fn what_is_left_out_once_is_left_out_again() {
    let source = engine(Arc::new(MemoryStore::new()));
    let session = source.session("trip").create().await.unwrap();
    let main = session.default_branch();
    main.append(says("one")).await.unwrap();
    main.undo().await.unwrap();
    main.redo().await.unwrap();
    main.append(says("two")).await.unwrap();
    main.fork("side").await.unwrap().append(says("three")).await.unwrap();
    main.undo().await.unwrap();
    main.append(says("four")).await.unwrap();
    let archive = String::from_utf8(export(&session).await).unwrap();
    let lines: Vec<&str> = archive.lines().collect();
    for place in 2..lines.len() {
        let mut damaged = lines.clone();
        damaged[place] = "{damaged";
        let damaged = damaged.join("\n");
        let options = ImportOptions::new().with_skip_bad();
        let target = engine(Arc::new(MemoryStore::new()));
        let once = target.import(&mut damaged.as_bytes(), &options).await.unwrap();
        let there = export(&opened(&target, &once).await).await;
        let again = target.import(&mut damaged.as_bytes(), &options).await;
        let again = again.unwrap_or_else(|error| panic!("without {}: {error}", lines[place]));
        assert_eq!((again.branches, again.ops, again.messages), (0, 0, 0), "{}", lines[place]);
        assert_eq!(again.skipped, once.skipped, "{}", lines[place]);
        assert_eq!(export(&opened(&target, &once).await).await, there, "{}", lines[place]);
    }
}

#[tokio::test]
async fn what_came_before_the_damage_is_there() {
    let mut lines = lines().await;
    let place = lines.iter().position(|line| line.contains("\"three\"")).unwrap();
    "{damaged".clone_into(&mut lines[place]);
    let target = engine(Arc::new(MemoryStore::new()));
    let archive = lines.join("\n");
    target.import(&mut archive.as_bytes(), &ImportOptions::new()).await.unwrap_err();
    let there = target.open_session("trip").await.unwrap().default_branch();
    assert_eq!(texts(&there).await, ["one", "two"]);
}

#[tokio::test]
async fn a_line_that_nothing_builds_on_is_missed_too() {
    let source = engine(Arc::new(MemoryStore::new()));
    let session = source.session("trip").create().await.unwrap();
    session.default_branch().append(says("one")).await.unwrap();
    session.default_branch().undo().await.unwrap();
    let archive = String::from_utf8(export(&session).await).unwrap();
    let is_kept = |line: &&str| !line.starts_with("{\"move\"");
    let fewer: Vec<&str> = archive.lines().filter(is_kept).collect();
    assert_eq!(fewer.len() + 1, archive.lines().count());
    let target = engine(Arc::new(MemoryStore::new()));
    let fewer = fewer.join("\n");
    let refused = target.import(&mut fewer.as_bytes(), &ImportOptions::new()).await;
    assert_eq!(refused.unwrap_err().to_string(), "line 5 ends 5 lines, and 4 are there");
}

#[tokio::test]
async fn a_branch_that_went_another_way_is_a_conflict_however_far_it_went() {
    for more in 0..3 {
        let source = engine(Arc::new(MemoryStore::new()));
        let session = source.session("trip").create().await.unwrap();
        session.default_branch().append(says("shared")).await.unwrap();
        // Identifiers of another space: the same session, and other messages.
        let ids = Arc::new(SequentialIds::in_space(9));
        let target = Engine::builder().ids(ids).build();
        let there = opened(&target, &import(&target, &export(&session).await).await).await;
        for number in 0..more {
            there.default_branch().append(says(&format!("there {number}"))).await.unwrap();
        }
        let archive = export(&session).await;
        import(&target, &archive).await;
        session.default_branch().append(says("here")).await.unwrap();
        let archive = export(&session).await;
        let imported = target.import(&mut &archive[..], &ImportOptions::new()).await;
        let is_conflict = matches!(imported, Err(Error::Conflict(Conflict::HeadMoved { .. })));
        assert_eq!(is_conflict, more > 0, "{more} more: {imported:?}");
        let expected = if more > 0 { "there 0" } else { "here" };
        assert_eq!(texts(&there.default_branch()).await[1], expected);
    }
}

#[tokio::test]
async fn what_is_written_while_chats_go_on_is_whole() {
    let folder = TempDir::new().unwrap();
    let source = engine(Arc::new(SqliteStore::open(folder.path().join("source.db")).unwrap()));
    let session = source.session("trip").model("local:tiny").create().await.unwrap();
    let main = session.default_branch();
    let is_over = Cell::new(false);
    let chats = async {
        for _ in 0..200 {
            main.chat("q").await.unwrap();
        }
        is_over.set(true);
    };
    let exports = async {
        while !is_over.get() {
            let target = engine(Arc::new(MemoryStore::new()));
            let copy = opened(&target, &import(&target, &export(&session).await).await).await;
            let view = copy.default_branch().view().await.unwrap();
            let spoken = view.messages().filter(|message| message.role() == Role::Assistant);
            assert_eq!(copy.calls().await.unwrap().len(), spoken.count());
        }
    };
    tokio::join!(chats, exports);
}

#[tokio::test]
async fn what_is_no_archive_or_one_of_a_newer_program_is_refused() {
    let lines = lines().await;
    let newer = lines[0].replace("\"version\":1", "\"version\":2");
    for (text, problem) in [
        (String::new(), "it is empty"),
        ("hello".to_owned(), "it is no archive of branchwork"),
        (newer, "it is of version 2, and 1 is known"),
        (lines[0].replace("\"codec\":1", "\"codec\":9"), "it holds ops of the newer version 9"),
        (lines[0].clone(), "line 2 must tell of the session"),
        (lines[..2].join("\n"), "line 3 is missing: the archive is cut off"),
    ] {
        let target = engine(Arc::new(MemoryStore::new()));
        let refused = target.import(&mut text.as_bytes(), &ImportOptions::new()).await;
        assert_eq!(refused.unwrap_err().to_string(), problem);
    }
}

#[tokio::test]
async fn a_name_that_is_taken_is_a_conflict_and_another_can_be_given() {
    let archive = lines().await.join("\n");
    // Identifiers of another space, so that only the names are alike.
    let ids = Arc::new(SequentialIds::in_space(9));
    let target = Engine::builder().ids(ids).build();
    target.session("trip").create().await.unwrap();
    let refused = target.import(&mut archive.as_bytes(), &ImportOptions::new()).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let options = ImportOptions::new().with_name("other");
    let imported = target.import(&mut archive.as_bytes(), &options).await.unwrap();
    assert_eq!((imported.branches, imported.messages), (2, 4));
    assert_eq!(target.open_session("other").await.unwrap().id(), imported.session);
}

#[tokio::test]
async fn a_branch_that_waits_for_a_live_one_leaves_its_ops_to_that() {
    let source = engine(Arc::new(MemoryStore::new()));
    let session = source.session("trip").create().await.unwrap();
    let main = session.default_branch();
    let gone = main.fork("gone").await.unwrap();
    gone.append(says("from what is gone")).await.unwrap();
    let fork = gone.fork("fork").await.unwrap();
    fork.append(says("from the fork")).await.unwrap();
    // The head of the first branch is an op of the second, which waits for what is gone.
    session.merge(&fork).into(&main).fast_forward().await.unwrap();
    gone.delete().await.unwrap();
    let (before, archive) = (snapshot(&session).await, export(&session).await);
    let target = engine(Arc::new(MemoryStore::new()));
    for _ in 0..2 {
        let copy = opened(&target, &import(&target, &archive).await).await;
        assert_eq!(snapshot(&copy).await, before);
    }
}

#[tokio::test]
async fn some_branches_are_a_session_of_their_own() {
    let source = engine(Arc::new(MemoryStore::new()));
    let session = source.session("trip").model("local:tiny").create().await.unwrap();
    let main = session.default_branch();
    main.append(says("1")).await.unwrap();
    main.chat("2").await.unwrap();
    let left = main.fork("left").await.unwrap();
    main.chat("only on main").await.unwrap();
    left.chat("3").await.unwrap();
    let right = left.fork("right").await.unwrap();
    right.append(says("4")).await.unwrap();
    left.append(says("only on left")).await.unwrap();
    let mut archive = Vec::new();
    session.export_branches(std::slice::from_ref(&right), &mut archive).await.unwrap();
    assert!(!String::from_utf8_lossy(&archive).contains("only on"));
    let target = engine(Arc::new(MemoryStore::new()));
    let copy = opened(&target, &import(&target, &archive).await).await;
    let names: Vec<_> =
        copy.branches().await.unwrap().into_iter().map(|branch| branch.name).collect();
    assert_eq!((names, copy.default_branch().id()), (vec!["right".to_owned()], right.id()));
    assert_eq!(texts(&copy.default_branch()).await, ["1", "2", "so", "3", "so", "4"]);
    // What was billed for what it shares goes along.
    assert_eq!(copy.default_branch().usage().await.unwrap().inherited.succeeded, 2);
    assert_eq!(copy.calls().await.unwrap().len(), 2);
    assert_eq!(target.verify().await.unwrap().problems, Vec::<String>::new());
    // The whole session does not go over a part of it.
    let refused = target.import(&mut &export(&session).await[..], &ImportOptions::new()).await;
    assert!(matches!(refused, Err(Error::Conflict(Conflict::Exists { .. }))), "{refused:?}");
    copy.delete().await.unwrap();
    // Two of three keep the default.
    let mut archive = Vec::new();
    session.export_branches(&[right, main.clone()], &mut archive).await.unwrap();
    let target = engine(Arc::new(MemoryStore::new()));
    let copy = opened(&target, &import(&target, &archive).await).await;
    assert_eq!(copy.default_branch().id(), main.id());
    assert_eq!(texts(&main).await, texts(&copy.branch("main").await.unwrap()).await);
    let elsewhere = source.session("other").create().await.unwrap();
    for wanted in [&[elsewhere.default_branch()][..], &[]] {
        let refused = session.export_branches(wanted, &mut Vec::new()).await.unwrap_err();
        assert!(matches!(refused, Error::NotFound { what: "branch", .. }), "{refused}");
    }
}
