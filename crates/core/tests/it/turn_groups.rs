//! Invariant 4 and section 2 of the design: turn groups are kept by construction.

use branchwork_core::{
    clock::Timestamp,
    graph::{ApplyError, CallResult, Extent, StepWriter, View},
    message::{Body, CallId, Draft, Outcome, ToolCall},
};

use crate::view::Counter;

fn call(id: &str) -> ToolCall {
    let (function, arguments) = ("add".to_owned(), "{}".to_owned());
    ToolCall { id: CallId::new(id), function, arguments }
}

fn request(ids: &[&str]) -> Draft {
    let calls = ids.iter().map(|id| call(id)).collect();
    Draft::new(Body::ActionRequest { parts: Vec::new(), calls })
}

fn result(id: &str) -> Draft {
    Draft::result(CallId::new(id), "add", Outcome::Succeeded(3.into()))
}

/// Writes `drafts` behind `view` and returns the new view.
fn write(view: &View, drafts: impl IntoIterator<Item = Draft>) -> Result<View, ApplyError> {
    let ids = Counter::default();
    // Each step begins a stretch of its own: far apart, so that identifiers stay distinct.
    let mut step = StepWriter::after(view.clone(), view.head(), &ids, Timestamp::default());
    for draft in drafts {
        step.message(draft)?;
    }
    Ok(step.finish(Extent::Whole).1)
}

fn texts(view: &View) -> Vec<String> {
    view.messages().map(|message| message.text()).collect()
}

#[test]
fn going_on_closes_open_calls_as_cancelled() {
    let view = write(&View::default(), [request(&["a", "b"]), result("b")]).unwrap();
    assert_eq!(view.open_calls(), [call("a")]);
    let view = write(&view, [Draft::new(Body::instruction("go on"))]).unwrap();
    let cancelled = "cancelled: the conversation went on without it";
    assert_eq!(texts(&view), ["", "3", cancelled, "go on"]);
    assert!(view.open_calls().is_empty());
}

#[test]
fn a_result_without_its_call_is_refused() {
    let unknown = |id: &str| ApplyError::UnknownCall { call: id.to_owned() };
    assert_eq!(write(&View::default(), [result("a")]).unwrap_err(), unknown("a"));
    let twice = write(&View::default(), [request(&["a"]), result("a"), result("a")]);
    assert_eq!(twice.unwrap_err(), unknown("a"));
}

#[test]
fn rewind_and_rollback_take_groups_as_a_whole() {
    let drafts = [
        Draft::new(Body::instruction("q")),
        request(&["a", "b"]),
        result("a"),
        result("b"),
        Draft::new(Body::response("done")),
    ];
    let view = write(&View::default(), drafts).unwrap();
    let ids: Vec<_> = view.messages().map(|message| message.id).collect();
    for inside in &ids[1..=3] {
        let head = view.head_at(*inside).unwrap();
        assert_eq!(view.at(Some(head)).unwrap().len(), 4, "the group stays whole");
    }
    for (count, left) in [(0, 5), (1, 4), (2, 1), (3, 1), (4, 1), (5, 0)] {
        let head = view.head_before_last(count).unwrap();
        assert_eq!(view.at(head).unwrap().len(), left, "rolled back {count}");
    }
    assert!(view.head_before_last(6).is_err());
}

#[test]
fn removing_one_message_of_a_group_removes_the_group() {
    let drafts = [Draft::new(Body::instruction("q")), request(&["a"]), result("a")];
    let view = write(&View::default(), drafts).unwrap();
    let ids: Vec<_> = view.messages().map(|message| message.id).collect();
    assert_eq!(view.removed_with(ids[1]), Ok(ids[1..].to_vec()));
    assert_eq!(view.removed_with(ids[2]), Ok(ids[1..].to_vec()));
    let open = write(&View::default(), [request(&["a", "b"]), result("a")]).unwrap();
    let first = open.messages().next().unwrap().id;
    assert_eq!(open.removed_with(first), Err(ApplyError::OpenCalls { open: 1 }));
}

#[test]
fn records_of_calls_cannot_be_edited_and_kinds_cannot_change() {
    let drafts = [Draft::new(Body::instruction("q")), request(&["a"]), result("a")];
    let view = write(&View::default(), drafts).unwrap();
    let ids = Counter::default();
    for message in view.messages() {
        let mut step = StepWriter::after(view.clone(), None, &ids, Timestamp::default());
        let edited = step.edit(message.id, Body::response("x"));
        assert!(matches!(edited, Err(ApplyError::CannotEdit { .. })), "{edited:?}");
    }
}

#[test]
fn what_is_noted_of_a_call_is_told_in_its_turn_and_by_nothing_else() {
    let noted = |id: &str| CallResult {
        call: CallId::new(id),
        function: "add".to_owned(),
        outcome: Outcome::Succeeded(7.into()),
    };
    let ids = Counter::default();
    let mut step = StepWriter::after(View::default(), None, &ids, Timestamp::default());
    step.message(request(&["a", "b", "c"])).unwrap();
    let before = step.view().clone();
    step.note(noted("b")).unwrap();
    let unknown = |id: &str| ApplyError::UnknownCall { call: id.to_owned() };
    assert_eq!(step.note(noted("b")), Err(unknown("b")), "the first word counts");
    assert_eq!(step.note(noted("x")), Err(unknown("x")));
    let view = step.view().clone();
    assert_eq!((view.len(), view.open_calls().len()), (1, 3), "it is no message");
    assert_eq!(view.noted(&CallId::new("b")).map(|known| &**known), Some(&noted("b")));
    // Going on closes each call by what is known of it.
    step.message(Draft::new(Body::instruction("go on"))).unwrap();
    let after = step.view().clone();
    let cancelled = "cancelled: the conversation went on without it";
    assert_eq!(texts(&after), ["", cancelled, "7", cancelled, "go on"]);
    assert_eq!(after.noted(&CallId::new("b")), None);
    // Taking back brings back what was known then.
    let back = after.at(view.head()).unwrap();
    assert_eq!(back.noted(&CallId::new("b")).map(|known| &**known), Some(&noted("b")));
    assert_eq!(after.at(before.head()).unwrap().noted(&CallId::new("b")), None);
    // Nothing is miscounted at any op, and the open group ends with what is noted of it.
    for depth in 0..=after.lineage().depth() {
        let cut = after.at(after.lineage().op_at(depth)).unwrap();
        assert_eq!(cut.len(), cut.messages().count(), "at depth {depth}");
    }
    let request = view.messages().next().unwrap().id;
    assert_eq!(view.head_at(request), Ok(view.head().unwrap()));
}

#[test]
fn calls_of_a_turn_that_was_cut_off_may_have_run() {
    let ids = Counter::default();
    let begin = |extent| {
        let mut step = StepWriter::after(View::default(), None, &ids, Timestamp::default());
        step.message(request(&["a"])).unwrap();
        step.finish(extent).1
    };
    let go_on = |view: &View| {
        let view = write(view, [Draft::new(Body::instruction("go on"))]).unwrap();
        view.messages().nth(1).unwrap().text()
    };
    let unknown = "outcome unknown: the call may or may not have taken effect";
    assert_eq!(go_on(&begin(Extent::Beginning)), unknown);
    assert_eq!(go_on(&begin(Extent::Whole)), "cancelled: the conversation went on without it");
}
