//! Appends: what is written is what is read, wherever it lies.

use std::sync::Arc;

use branchwork_core::{
    config::ConfigPatch,
    id::OpId,
    message::{Body, CallId, Draft, FileSource, Outcome, Part, Status, ToolCall},
    store::{Cause, Change, Commit, Store, read},
};
use serde_json::{Map, json};

use crate::bench::{Bench, Line, head_move, say};

/// Every field of every op comes back.
pub async fn an_append_is_read_back_as_it_was_written(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let line = bench.start().await;
    let (ops, view) = bench.step(&line, |writer| {
        say(writer, "one");
        say(writer, "two");
        let target = writer.view().last().expect("it has one").id;
        writer.edit(target, Body::instruction("second")).expect("it stands");
        writer.configure(ConfigPatch::default().with_model(None, "tiny")).expect("it fits");
        writer.remove(target).expect("it stands");
    });
    let mut ops = ops;
    if let Some(last) = ops.last_mut() {
        last.author = Some("ada".to_owned());
    }
    let head = view.head();
    bench.write(bench.commit(line.session).with_ops(ops.clone(), head_move(&line, head))).await;
    let stretch = head.expect("it has a head").stretch();
    let stored = bench.store.ops(line.session, stretch, 0..100).await.expect("they are read");
    assert_eq!(stored, ops);
    let session = line.session;
    for op in &ops {
        assert_eq!(read::op(&*bench.store, session, op.id).await.expect("it is there"), *op);
    }
    let stored = bench.view(session, head).await;
    assert_eq!(stored.config(), view.config());
    assert!(stored.messages().eq(view.messages()));
}

/// Bodies of each kind, with every kind of part, metadata, recipient and status.
pub async fn every_kind_of_body_survives(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    let drafts = drafts();
    bench
        .append(&mut line, |writer| {
            for draft in drafts.clone() {
                writer.message(draft).expect("it can follow");
            }
        })
        .await;
    let stored = bench.view(line.session, line.head()).await;
    assert!(stored.messages().eq(line.view.messages()));
    let bodies: Vec<_> = stored.messages().map(|message| message.body.clone()).collect();
    let expected: Vec<_> = drafts.into_iter().map(|draft| draft.body).collect();
    assert_eq!(bodies, expected);
}

fn drafts() -> Vec<Draft> {
    let metadata = Map::from_iter([("tags".to_owned(), json!(["a", null, 1.5, {"b": ""}]))]);
    let parts = vec![
        Part::text(""),
        Part::Reasoning { text: "hm".to_owned(), detail: Some(json!({"signature": "x"})) },
        Part::Image { url: "https://example.invalid/a.png".to_owned(), detail: None },
        Part::File { name: Some("a".to_owned()), source: FileSource::Id("file-1".to_owned()) },
        Part::File { name: None, source: FileSource::Url("data:,x".to_owned()) },
        Part::Data(json!(null)),
    ];
    let call = |id: &str| ToolCall {
        id: CallId::new(id),
        function: "look".to_owned(),
        arguments: "{ malformed".to_owned(),
    };
    let result = |id: &str, outcome| Draft::result(CallId::new(id), "look", outcome);
    let calls = ["a", "b", "c", "d"].map(call).to_vec();
    vec![
        Draft::new(Body::System { text: "be brief".to_owned() }).with_sender("host"),
        Draft::new(Body::Instruction { parts: parts.clone(), context: Some(json!(null)) }),
        Draft::new(Body::Instruction { parts: Vec::new(), context: Some(json!({"x": [0]})) })
            .with_recipient("model")
            .with_metadata(metadata),
        Draft::new(Body::Response { parts: parts.clone() }).with_status(Status::Interrupted),
        Draft::new(Body::ActionRequest { parts, calls }),
        result("a", Outcome::Succeeded(json!({"found": true}))),
        result("b", Outcome::Failed("no".to_owned())),
        result("c", Outcome::Cancelled("later".to_owned())),
        result("d", Outcome::Unknown),
        Draft::new(Body::response("done")).with_status(Status::Failed),
    ]
}

/// Text is not changed by a byte.
pub async fn text_of_every_script_survives(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start_named(Some("Zoë’s 旅行 🧳")).await;
    let texts = [
        "Ünïcödé",
        "世界，你好",
        "مرحبا بالعالم",
        "e\u{301} is not é",
        "👩‍👩‍👧‍👦",
        "\u{feff}bom\u{200b}",
        "quote \" backslash \\ slash / tab \t line \r\n",
        "\u{1}\u{7f}\u{2028}\u{10ffff}",
        "'; DROP TABLE op; -- % _ ?1",
        " ",
    ];
    bench.say(&mut line, &texts).await;
    assert_eq!(bench.texts(&line).await, texts);
    let session = bench.store.session(line.session).await.expect("it exists");
    assert_eq!(session.name.as_deref(), Some("Zoë’s 旅行 🧳"));
}

/// Bodies of any size are read back; a store may keep equal ones once.
pub async fn a_large_body_survives_and_equal_ones_are_kept_once(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut main = bench.start().await;
    let large = "lärge \"text\"\n".repeat(400_000);
    let sizes = [1_000, 4_000, 16_000, 16_384, 17_000, 70_000];
    let sized: Vec<_> = sizes.iter().map(|size| "x".repeat(*size)).collect();
    for text in &sized {
        bench.say(&mut main, &[text]).await;
    }
    bench.say(&mut main, &[&large, "between", &large]).await;
    let once = bench.store.stats().await.expect("they are counted").blobs;
    let mut other = bench.start().await;
    bench.say(&mut other, &[&large]).await;
    let again = bench.store.stats().await.expect("they are counted").blobs;
    assert_eq!(once, again);
    assert_eq!(bench.texts(&other).await, [large.as_str()]);
    let stored = bench.texts(&main).await;
    assert!(stored.iter().take(sizes.len()).eq(&sized));
    assert!(stored.iter().skip(sizes.len()).eq([large.as_str(), "between", large.as_str()]));
    bench.verify().await;
}

/// The head left the end of the stretch and came back: the stretch may go on.
pub async fn an_append_goes_on_in_the_stretch_after_the_head_came_back_to_its_end(
    store: Arc<dyn Store>,
) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    bench.say(&mut line, &["one", "two"]).await;
    let tip = line.head();
    bench.go(&mut line, None, Cause::Undo).await;
    bench.go(&mut line, tip, Cause::Redo).await;
    bench.say(&mut line, &["three"]).await;
    assert_eq!(line.head(), tip.and_then(OpId::next));
    assert_eq!(bench.texts(&line).await, ["one", "two", "three"]);
    let record = bench.branch(&line).await;
    assert_eq!((record.revision, record.tip), (6, line.head()));
    bench.verify().await;
}

/// What was left behind by the rewind stays where it is.
pub async fn an_append_after_a_rewind_begins_a_stretch(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    bench.say(&mut line, &["one", "two", "three"]).await;
    let left = line.clone();
    bench.go(&mut line, left.view.lineage().op_at(1), Cause::Rewind).await;
    bench.say(&mut line, &["second"]).await;
    bench.say(&mut line, &["third"]).await;
    assert_eq!(bench.texts(&line).await, ["one", "second", "third"]);
    let old = bench.view(left.session, left.head()).await;
    assert!(old.messages().eq(left.view.messages()));
    assert_eq!(old.lineage(), left.view.lineage());
    bench.verify().await;
}

/// Heads of several branches move together.
pub async fn one_commit_may_write_several_branches(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut main = bench.start().await;
    bench.say(&mut main, &["root"]).await;
    let fork = bench.fork(&main, "fork", main.head()).await;
    let commit = both(&bench, &main, &fork);
    bench.write(commit).await;
    assert_eq!(bench.texts(&main).await, ["root", "left"]);
    assert_eq!(bench.texts(&fork).await, ["root", "right", "more"]);
}

/// Appends to both branches.
fn both(bench: &Bench, left: &Line, right: &Line) -> Commit {
    let (left_ops, left_view) = bench.step(left, |writer| say(writer, "left"));
    let (right_ops, right_view) = bench.step(right, |writer| {
        say(writer, "right");
        say(writer, "more");
    });
    bench
        .commit(left.session)
        .with_ops(left_ops, head_move(left, left_view.head()))
        .with_ops(right_ops, head_move(right, right_view.head()))
}

/// A session, a fork of it and what both say, in one commit.
pub async fn one_commit_may_fork_and_write_the_fork(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let (created, session, branch) = bench.creation(None);
    let line = Line { session, branch, ..bench.start().await };
    let (ops, view) = bench.step(&line, |writer| say(writer, "root"));
    bench.write(created.with_ops(ops, head_move(&line, view.head()))).await;
    let main = Line { tip: view.head(), view, ..line };
    assert_eq!(bench.texts(&main).await, ["root"]);
    let change = bench.fork_change(&main, "fork", main.head());
    let Change::CreateBranch { branch, .. } = change else { unreachable!("BUG: a fork") };
    let fork = Line { branch, tip: None, ..main.clone() };
    bench.write(both(&bench, &main, &fork).with_change(change)).await;
    assert_eq!(bench.texts(&main).await, ["root", "left"]);
    assert_eq!(bench.texts(&fork).await, ["root", "right", "more"]);
    bench.verify().await;
}

/// An append may begin stretches on its way; each op follows the one before it.
pub async fn one_append_may_lie_in_several_stretches(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    bench.say(&mut line, &["one"]).await;
    let (mut ops, middle) = bench.step(&line, |writer| say(writer, "two"));
    // A writer that does not know the tip begins a stretch of its own.
    let behind = Line { tip: None, view: middle, ..line.clone() };
    let (later, view) = bench.step(&behind, |writer| {
        say(writer, "three");
        say(writer, "four");
    });
    ops.extend(later);
    bench.write(bench.commit(line.session).with_ops(ops, head_move(&line, view.head()))).await;
    let after = Line { tip: view.head(), view, ..line.clone() };
    assert_eq!(bench.texts(&after).await, ["one", "two", "three", "four"]);
    let record = bench.branch(&after).await;
    assert_eq!((record.revision, record.tip), (5, after.head()));
    let entries = bench.store.reflog(line.branch, u64::MAX, 9).await.expect("it is read");
    let moves: Vec<_> = entries.iter().map(|entry| (entry.revision, entry.to)).collect();
    let op_at = |depth| after.view.lineage().op_at(depth);
    assert_eq!(moves, [(5, op_at(4)), (4, op_at(3)), (3, op_at(2)), (2, op_at(1)), (1, None)]);
    bench.verify().await;
}
