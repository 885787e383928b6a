//! What came or changed since an op, and what is told of it.

use branchwork_core::{
    clock::Timestamp,
    config::ConfigPatch,
    diff::{Delta, EditKind},
    graph::{Extent, Merge, MergeMode, StepWriter, View},
    id::{BranchId, MessageId},
    message::{Body, Draft, Message, Origin},
};

use crate::view::Counter;

fn says(text: &str) -> Draft {
    Draft::new(Body::instruction(text))
}

/// `view` after one step.
fn after(ids: &Counter, view: &View, write: impl FnOnce(&mut StepWriter<'_>)) -> View {
    let mut step = StepWriter::after(view.clone(), None, ids, Timestamp::default());
    write(&mut step);
    step.finish(Extent::Whole).1
}

fn said(ids: &Counter, view: &View, texts: &[&str]) -> View {
    after(ids, view, |step| drop(step.messages(texts.iter().map(|text| says(text))).unwrap()))
}

fn ids_of(view: &View) -> Vec<MessageId> {
    view.messages().map(|message| message.id).collect()
}

fn texts<'a, M: AsRef<Message> + 'a>(messages: impl IntoIterator<Item = M>) -> Vec<String> {
    messages.into_iter().map(|message| message.as_ref().text()).collect()
}

/// The key and the places that a provider with a cache is told.
fn hints(view: &View) -> (Option<String>, Vec<usize>) {
    let hints = view.cache_hints();
    (hints.key, hints.shared)
}

#[test]
fn what_forks_share_is_told_by_the_places_where_they_part_and_the_key_of_their_root() {
    let ids = Counter::default();
    assert_eq!(hints(&View::default()), (None, vec![]));
    let main = said(&ids, &View::default(), &["1", "2", "3"]);
    let (key, places) = hints(&main);
    assert_eq!(places, Vec::<usize>::new(), "nobody is known to share it");
    let at = |view: &View, count: usize| {
        let id = ids_of(view)[count - 1];
        view.at(Some(view.head_at(id).unwrap())).unwrap()
    };
    let fork = said(&ids, &at(&main, 2), &["4", "5"]);
    assert_eq!(hints(&fork), (key.clone(), vec![2]));
    let twice = said(&ids, &at(&fork, 3), &["6"]);
    assert_eq!(hints(&twice), (key.clone(), vec![2, 3]));
    // What was taken out since is not counted; what leads is.
    let two = ids_of(&twice)[1];
    let shorter = after(&ids, &twice, |step| step.remove(two).unwrap());
    assert_eq!(hints(&shorter), (key.clone(), vec![1, 2, 3]));
    let other = said(&ids, &View::default(), &["1", "2"]);
    assert_ne!(hints(&other).0, key);
    let root = format!("{:x}", main.head().unwrap().stretch().to_bits());
    assert!(!key.unwrap().contains(&root));
}

#[test]
fn what_came_since_is_what_stands_and_what_was_said_is_under_its_summaries() {
    let ids = Counter::default();
    let base = said(&ids, &View::default(), &["1", "2"]);
    let depth = base.lineage().depth();
    let view = said(&ids, &base, &["3", "4", "5"]);
    let [_, two, three, four, five] = ids_of(&view).try_into().unwrap();
    let view = after(&ids, &view, |step| {
        step.fold(three, four, "3-4".to_owned()).unwrap();
    });
    assert_eq!(texts(view.messages_since(depth)), ["3-4", "5"]);
    assert_eq!(texts(view.said_since(depth)), ["3", "4", "5"]);
    assert_eq!(texts(view.said_with(three).unwrap()), ["3", "4"]);
    let summary = view.summary_of(four).unwrap();
    assert_eq!((summary.id, summary.text()), (three, "3-4".to_owned()));
    // A summary of a summary, which begins before.
    let whole = after(&ids, &view, |step| {
        step.fold(two, five, "2-5".to_owned()).unwrap();
    });
    assert_eq!(texts(whole.messages_since(depth)), Vec::<String>::new());
    assert_eq!(texts(whole.said_since(depth)), ["3", "4", "5"]);
    assert_eq!(texts(whole.said_with(two).unwrap()), ["2", "3", "4", "5"]);
    assert_eq!(whole.summary_of(four).unwrap().text(), "2-5");
    assert_eq!(whole.touched_since(depth), [two]);
    // What is taken out with its summary was not said.
    let gone = after(&ids, &whole, |step| step.remove(two).unwrap());
    assert_eq!(texts(gone.said_since(depth)), Vec::<String>::new());
    assert!(gone.summary_of(four).is_none());
}

#[test]
fn a_delta_tells_what_became_of_each_message_and_setting() {
    let ids = Counter::default();
    let base = said(&ids, &View::default(), &["1", "2", "3", "4", "5"]);
    let base = after(&ids, &base, |step| {
        step.configure(ConfigPatch::new().with_seed(1).with_tools(["look", "put"])).unwrap();
    });
    let [one, two, three, four, _] = ids_of(&base).try_into().unwrap();
    let view = after(&ids, &base, |step| {
        step.edit(one, Body::instruction("one")).unwrap();
        step.remove(two).unwrap();
        step.fold(three, four, "3-4".to_owned()).unwrap();
        step.configure(ConfigPatch::new().with_temperature(0.5).with_tools(["put", "go"])).unwrap();
        step.message(says("6")).unwrap();
    });
    let delta = Delta::between(&base, &view);
    let edits: Vec<_> = delta
        .edits
        .iter()
        .map(|edit| (edit.message, edit.kind, edit.after.as_ref().map(|after| after.text())))
        .collect();
    let summary = Some("3-4".to_owned());
    let expected = [
        (one, EditKind::Edited, Some("one".to_owned())),
        (two, EditKind::Removed, None),
        (three, EditKind::Folded, summary.clone()),
        (four, EditKind::Folded, summary),
    ];
    assert_eq!(edits, expected);
    assert_eq!(texts(delta.messages()), ["6"]);
    let settings: Vec<_> = delta.settings.iter().map(|change| change.name.as_str()).collect();
    assert_eq!(settings, ["temperature"]);
    assert_eq!((delta.tools.added, delta.tools.removed), (vec!["go".into()], vec!["look".into()]));
    // Done and taken back is not done.
    let back = after(&ids, &view, |step| step.unfold(three).unwrap());
    let again = Delta::between(&view, &back).edits;
    assert!(again.iter().all(|edit| edit.kind == EditKind::Unfolded) && again.len() == 2);
    assert_eq!(Delta::between(&base, &back).edits.len(), 2);
    assert!(Delta::between(&base, &base).is_empty());
}

#[test]
fn a_copy_stands_for_what_was_first_said_until_it_is_cut_off() {
    let ids = Counter::default();
    let main = said(&ids, &View::default(), &["1"]);
    let other = said(&ids, &main, &["theirs", "told"]);
    let [_, theirs, told] = ids_of(&other).try_into().unwrap();
    let merged = after(&ids, &main, |step| {
        let (from, head) = (BranchId::from_bits(1), other.head().unwrap());
        let (base, mode) = (main.head(), MergeMode::Append);
        step.merge(Merge { from, head, base, mode, told: vec![told] }).unwrap();
        let copy = Draft::copy_of(
            other.message(theirs).unwrap(),
            Origin::Merged { message: theirs, mail: None },
        );
        step.message(copy).unwrap();
    });
    assert!(merged.knows(theirs) && merged.knows(told));
    assert_eq!(merged.stands_as(theirs).unwrap().text(), "theirs");
    assert!(merged.stands_as(told).is_none());
    let copy = merged.last().unwrap().id;
    let edited = after(&ids, &merged, |step| {
        step.edit(copy, Body::instruction("ours now")).unwrap();
    });
    assert_eq!(edited.stands_as(theirs).unwrap().text(), "ours now");
    let cut = edited.at(main.head()).unwrap();
    assert!(!cut.knows(theirs) && cut.stands_as(theirs).is_none());
}
