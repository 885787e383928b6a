//! What two branches have and did since they were one.

use branchwork::{
    Engine, Error,
    core::{
        config::ConfigPatch,
        message::Body,
        provider::{Finish, ProviderEvent, Usage},
    },
    diff::{EditKind, Mark},
    sqlite::SqliteStore,
};
use branchwork_testkit::Script;

use crate::support::{engine_over, says, session};

fn used(text: &str, input: u64, output: u64) -> Script {
    let usage =
        Usage { input_tokens: Some(input), output_tokens: Some(output), ..Usage::default() };
    let script = Script::new().with_start().with_text(text).with_event(ProviderEvent::Usage(usage));
    script.with_event(ProviderEvent::Finished(Finish::Stop))
}

#[tokio::test]
async fn each_side_tells_what_it_said_changed_and_used() {
    let scripts = [
        used("Shared.", 100, 10),
        used("Sun.", 7, 1),
        used("Rain.", 20, 2),
        used("Snow.", 300, 30),
    ];
    let (session, _) = session(scripts).await;
    let main = session.default_branch();
    main.chat("Weather?").await.unwrap();
    let other = main.fork("other").await.unwrap();
    main.chat("Today?").await.unwrap();
    other.chat("Today?").await.unwrap();
    other.retry().await.unwrap();
    other.configure(ConfigPatch::new().with_temperature(0.5).with_tools(["look"])).await.unwrap();
    let shared = main.view().await.unwrap().messages().next().unwrap().id;
    other.edit(shared, Body::instruction("What weather?")).await.unwrap();
    let diff = session.diff(&main, &other).await.unwrap();
    assert_eq!(diff.shared, 2);
    let counts = (diff.left.delta.messages().count(), diff.right.delta.messages().count());
    assert_eq!(counts, (2, 2));
    assert_eq!((diff.left.usage.calls, diff.left.usage.input_tokens), (1, 7));
    assert_eq!(
        (diff.right.usage.calls, diff.right.usage.input_tokens),
        (2, 320),
        "both were billed"
    );
    assert!(diff.left.delta.edits.is_empty() && diff.left.delta.settings.is_empty());
    assert_eq!(diff.right.delta.settings[0].name, "temperature");
    assert_eq!(diff.right.delta.tools.added, ["look"]);
    let edit = &diff.right.delta.edits[0];
    assert_eq!((edit.message, edit.kind), (shared, EditKind::Edited));
    let pairs = diff.pairs();
    assert_eq!(pairs.len(), 1);
    let pieces: Vec<_> = pairs[0].words.pieces().collect();
    assert_eq!(pieces, [(Mark::Left, "Sun"), (Mark::Right, "Snow"), (Mark::Both, ".")]);
    let back = session.diff(&other, &main).await.unwrap();
    assert_eq!((back.ancestor, &back.left, &back.right), (diff.ancestor, &diff.right, &diff.left));
}

#[tokio::test]
async fn it_reads_like_a_diff() {
    let (session, _) = session([used("Go by train.", 5, 5), used("Go by bus.", 5, 5)]).await;
    let main = session.default_branch();
    let first = main.append(says("Rome?")).await.unwrap();
    let other = main.fork("other").await.unwrap();
    main.chat("How?").await.unwrap();
    other.chat("How?").await.unwrap();
    other.append(says("And back?")).await.unwrap();
    main.edit(first.messages[0], Body::instruction("Rome or Oslo?")).await.unwrap();
    main.configure(ConfigPatch::new().with_seed(1).with_tools(["look"])).await.unwrap();
    let diff = session.diff(&main, &other).await.unwrap();
    let expected = format!(
        "  1 message shared, up to {}\n\
         - main: 2 new messages, 1 edit, 10 tokens\n\
         + other: 3 new messages, 10 tokens\n\
         - seed: not set → 1\n\
         - tools: +look\n\
         - {} edited: user: Rome{{+ or Oslo+}}?\n\
         \x20 user: How?\n\
         ~ assistant: Go by [-train-]{{+bus+}}.\n\
         + user: And back?\n",
        first.head, first.messages[0],
    );
    assert_eq!(diff.to_string(), expected);
}

#[tokio::test]
async fn branches_that_share_nothing_or_everything_differ_in_all_or_nothing() {
    let (session, _) = session([used("first", 3, 3)]).await;
    let main = session.default_branch();
    main.append(says("1")).await.unwrap();
    let same = main.fork("same").await.unwrap();
    let diff = session.diff(&main, &same).await.unwrap();
    assert!(diff.left.delta.is_empty() && diff.right.delta.is_empty());
    let apart = session.create_branch("apart").await.unwrap();
    apart.append(says("2")).await.unwrap();
    let diff = session.diff(&main, &apart).await.unwrap();
    assert_eq!((diff.ancestor, diff.shared), (None, 0));
    assert_eq!(diff.to_string().lines().next(), Some("  nothing shared"));
    // The answer is the first thing that the fork says.
    same.retry().await.unwrap();
    let diff = session.diff(&main, &same).await.unwrap();
    assert_eq!((diff.right.usage.calls, diff.right.usage.output_tokens), (1, 3));
    let elsewhere = session.engine().session("elsewhere").create().await.unwrap().default_branch();
    let refused = session.diff(&main, &elsewhere).await.unwrap_err();
    assert!(matches!(refused, Error::OtherSession { branch } if branch == elsewhere.id()));
}

#[tokio::test]
async fn a_file_that_was_just_opened_gives_the_same_diff() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("diff.db");
    let open = || -> Engine { engine_over(std::sync::Arc::new(SqliteStore::open(&path).unwrap())) };
    let session = open().session("trip").create().await.unwrap();
    let main = session.default_branch();
    main.append(says("1")).await.unwrap();
    let other = main.fork("other").await.unwrap();
    main.append(says("2")).await.unwrap();
    other.append(says("3")).await.unwrap();
    let warm = session.diff(&main, &other).await.unwrap();
    let session = open().open_session("trip").await.unwrap();
    let (main, other) = (session.default_branch(), session.branch("other").await.unwrap());
    assert_eq!(session.diff(&main, &other).await.unwrap(), warm);
    let session = open().open_session("trip").await.unwrap();
    let (main, other) = (session.default_branch(), session.branch("other").await.unwrap());
    other.view().await.unwrap();
    assert_eq!(session.diff(&main, &other).await.unwrap(), warm, "the other one is known first");
}
