//! Archives of sessions: one is imported and gives back what it is, or is refused in the right words. Other
//! sessions stay as they are.

use std::{borrow::Cow, time::Duration};

use branchwork::{
    Engine, Error, Session,
    archive::{ImportOptions, Imported},
    mail::Contents,
};
use branchwork_core::{
    config::{ConfigPatch, Defaults},
    message::{Body, CallId, Draft, Outcome, ToolCall},
};

use crate::{
    Target, seeds,
    world::{done, engine, exported, say},
};

/// Archives.
pub struct Archives;

impl Target for Archives {
    fn seeds() -> Vec<Vec<u8>> {
        let mut seeds = vec![done(quiet()), done(busy())];
        seeds.extend(every_op(&text(&seeds[0])));
        seeds
    }

    fn check(data: &[u8]) {
        done(check(data, &ImportOptions::new()));
        done(check(data, &ImportOptions::new().with_skip_bad()));
    }
}

async fn check(data: &[u8], options: &ImportOptions) {
    let target = engine(1);
    let other = target.session("other").create().await.expect("there is none");
    say(&other.default_branch(), "It stays.").await;
    let before = exported(&other).await;

    let imported = target.import(&mut &data[..], options).await;
    assert_eq!(exported(&other).await, before, "another session is changed");
    check_readable(&target, &other).await;
    match imported {
        Ok(imported) => check_imported(&target, &imported, (data, options)).await,
        Err(Error::Archive(_) | Error::Conflict(_)) => {}
        Err(error) => panic!("an archive is refused in other words: {error:?}"),
    }
}

/// All that is in the store can be read or is refused in words, and the other session is whole. What an
/// archive tells is not folded when it is imported: ops that do not build on each other are told by `verify`.
async fn check_readable(engine: &Engine, other: &Session) {
    let report = engine.verify().await.expect("memory can be verified");
    for branch in other.branches().await.expect("memory can be read") {
        let id = branch.id.to_string();
        assert!(!report.problems.iter().any(|problem| problem.contains(&id)), "{report:?}");
    }
    for record in engine.sessions().await.expect("memory can be read") {
        let session = opened(engine, &record.id.to_string()).await;
        for branch in session.branches().await.expect("memory can be read") {
            let branch = session.branch(&branch.id.to_string()).await.expect("it is there");
            drop(branch.view().await);
        }
    }
}

/// What was imported is exported, imported elsewhere, and is the same again; importing it once more changes
/// nothing.
async fn check_imported(target: &Engine, imported: &Imported, again: (&[u8], &ImportOptions)) {
    let strict = ImportOptions::new();
    let archive = exported(&opened(target, &imported.session.to_string()).await).await;
    let copy = engine(2);
    let copied = copy.import(&mut &archive[..], &strict).await;
    let copied = copied.unwrap_or_else(|error| {
        panic!("what is exported is refused: {error:?}: {}", text(&archive))
    });
    let copied = exported(&opened(&copy, &copied.session.to_string()).await).await;
    assert_eq!(text(&copied), text(&archive));

    // What lacks a line is another session than the archive tells of. The second time more of it may fit: what
    // a line needs may be told behind it.
    if !imported.skipped.is_empty() {
        let (data, options) = again;
        return match target.import(&mut &data[..], options).await {
            Ok(_) | Err(Error::Archive(_) | Error::Conflict(_)) => {}
            Err(error) => panic!("it is refused in other words the second time: {error:?}"),
        };
    }
    for (data, options) in [(&archive[..], &strict), again] {
        let repeated = target.import(&mut &data[..], options).await;
        let repeated =
            repeated.unwrap_or_else(|error| panic!("it is refused the second time: {error:?}"));
        let counts = (repeated.branches, repeated.ops, repeated.mails);
        assert_eq!(counts, (0, 0, 0), "importing twice is importing once");
        let session = opened(target, &imported.session.to_string()).await;
        assert_eq!(text(&exported(&session).await), text(&archive));
    }
}

async fn opened(engine: &Engine, session: &str) -> Session {
    engine.open_session(session).await.expect("the session is there")
}

fn text(archive: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(archive)
}

/// A session of a few messages.
async fn quiet() -> Vec<u8> {
    let session = engine(3).session("quiet").create().await.expect("it is new");
    let main = session.default_branch();
    say(&main, "one").await;
    say(&main, "two").await;
    exported(&session).await
}

/// A session in which much happens.
async fn busy() -> Vec<u8> {
    let session = engine(4).session("busy").system("Be brief.").create().await.expect("it is new");
    let defaults = Defaults::new().with_system("Be kind.".to_owned());
    session.set_defaults(defaults).await.expect("they are right");
    let main = session.default_branch();
    say(&main, "one").await;
    let first = main.view().await.expect("it can be read");
    let first = first.messages().last().expect("there is one").id;
    let id = CallId::new("c1");
    let call = ToolCall { id: id.clone(), function: "look".to_owned(), arguments: "{}".to_owned() };
    let asks = Draft::new(Body::ActionRequest { parts: Vec::new(), calls: vec![call] });
    let answer = Draft::result(id, "look", Outcome::Succeeded("seen".into()));
    main.append_all(vec![asks, answer]).await.expect("a group is whole");
    let patch = ConfigPatch::default().with_setting("seed", 7.into()).expect("there is one");
    main.configure(patch).await.expect("it is right");
    let side = main.fork("side").await.expect("the name is free");
    say(&side, "two").await;
    side.edit(first, Body::instruction("another")).await.expect("it is of its kind");
    let gone = side.fork("gone").await.expect("the name is free");
    say(&gone, "three").await;
    let kept = gone.fork("kept").await.expect("the name is free");
    drop(main.send(&side, Contents::from("a letter")).await.expect("there is a branch"));
    let all = main.broadcast(Contents::from("to all")).expires_in(Duration::from_secs(9));
    drop(all.await.expect("there are some"));
    drop(side.receive().await.expect("there is some"));
    gone.delete().await.expect("it is no default");
    kept.rollback(1).await.expect("there is one");
    kept.undo().await.expect("there is a step");
    drop(session.merge(&kept).into(&main).await.expect("they part"));
    exported(&session).await
}

/// Archives that hold each op of the golden files of the codec, in the place of the last of `quiet`.
fn every_op(quiet: &str) -> Vec<Vec<u8>> {
    let plain = quiet.lines().find(|line| line.contains("\"two\"")).expect("it says so");
    let (place, _) = plain.split_once("\"head\":").expect("an op has a head");
    let with = |golden: Vec<u8>| {
        let golden = text(&golden).into_owned();
        let mut lines = golden.lines().filter(|line| !line.is_empty());
        let head = lines.next().unwrap_or("null");
        let body = lines.next().map_or_else(String::new, |body| format!(",\"body\":{body}"));
        quiet.replace(plain, &format!("{place}\"head\":{head}{body}}}}}")).into_bytes()
    };
    seeds::golden().into_iter().map(with).collect()
}
