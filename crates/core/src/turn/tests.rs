use super::*;
use crate::message::{Body, BodyKind, Part};

fn text(text: &str) -> Input {
    Input::Event(ProviderEvent::Text(text.to_owned()))
}

fn answering() -> Turn {
    let (mut turn, _) = Turn::begin(Draft::new(Body::instruction("q")));
    assert_eq!(turn.step(Input::Written), [Effect::AskModel]);
    turn
}

fn written(effects: &[Effect]) -> Vec<Draft> {
    match effects {
        [Effect::WriteAnswer(drafts)] => drafts.clone(),
        other => panic!("expected an answer, got {other:?}"),
    }
}

#[test]
fn what_came_before_a_cancel_is_kept_as_interrupted() {
    let mut turn = answering();
    assert_eq!(turn.step(text("Once upon")), []);
    assert_eq!(turn.step(text(" a ti")), []);
    let drafts = written(&turn.step(Input::Cancelled));
    let expected = Draft::new(Body::response("Once upon a ti")).with_status(Status::Interrupted);
    assert_eq!(drafts, [expected]);
    assert_eq!(turn.step(text("me")), [], "late events change nothing");
    assert_eq!(turn.step(Input::Written), [Effect::Finish(Ending::Interrupted)]);
}

#[test]
fn a_cancel_while_the_instruction_is_written_closes_the_turn_right_after() {
    let (mut turn, _) = Turn::begin(Draft::new(Body::instruction("q")));
    assert_eq!(turn.step(Input::Cancelled), []);
    let drafts = written(&turn.step(Input::Written));
    let expected = Body::Response { parts: Vec::new() };
    assert_eq!(drafts, [Draft::new(expected).with_status(Status::Interrupted)]);
}

#[test]
fn a_failure_keeps_what_came_and_says_so() {
    let mut turn = answering();
    assert_eq!(turn.step(text("half a wo")), []);
    let drafts = written(&turn.step(Input::ProviderFailed));
    assert_eq!(drafts, [Draft::new(Body::response("half a wo")).with_status(Status::Failed)]);
    assert_eq!(turn.step(Input::Written), [Effect::Finish(Ending::Failed)]);
}

#[test]
fn an_answer_that_says_nothing_is_not_taken_for_one() {
    let mut turn = answering();
    assert_eq!(turn.step(text("")), []);
    drop(turn.step(Input::Event(ProviderEvent::Finished(Finish::Stop))));
    assert_eq!(turn.step(Input::Written), [Effect::Finish(Ending::Empty)]);
}

#[test]
fn calls_in_pieces_are_put_together_and_each_gets_one_result() {
    let mut turn = answering();
    let started = |index, id: &str| {
        let (id, function) = (id.to_owned(), "add".to_owned());
        Input::Event(ProviderEvent::CallStarted { index, id, function })
    };
    let arguments = |index, text: &str| {
        Input::Event(ProviderEvent::CallArguments { index, text: text.to_owned() })
    };
    let inputs = [
        text("Let me look."),
        started(1, "same"),
        started(0, "same"),
        arguments(0, "{\"a\""),
        arguments(1, "{}"),
        arguments(0, ":1}"),
    ];
    for input in inputs {
        assert_eq!(turn.step(input), []);
    }
    let drafts = written(&turn.step(Input::Event(ProviderEvent::Finished(Finish::ToolCalls))));
    let Body::ActionRequest { parts, calls } = &drafts[0].body else {
        panic!("expected a request, got {:?}", drafts[0].body.kind());
    };
    assert_eq!(parts, &[Part::text("Let me look.")]);
    let pairs: Vec<_> =
        calls.iter().map(|call| (call.id.as_str(), call.arguments.as_str())).collect();
    assert_eq!(pairs, [("same", "{\"a\":1}"), ("same#1", "{}")]);
    let kinds: Vec<_> = drafts.iter().map(|draft| draft.body.kind()).collect();
    let result = BodyKind::ActionResponse;
    assert_eq!(kinds, [BodyKind::ActionRequest, result, result]);
}

/// A turn that offers `add` and has just heard an answer that calls `add`, `nope`, `add`.
fn calling() -> (Turn, Vec<Effect>) {
    let (mut turn, _) = Turn::begin(Draft::new(Body::instruction("q")));
    turn = turn.with_tools(["add".to_owned()].into());
    assert_eq!(turn.step(Input::Written), [Effect::AskModel]);
    for (index, function) in (0..).zip(["add", "nope", "add"]) {
        let (id, function) = (format!("c{index}"), function.to_owned());
        let event = ProviderEvent::CallStarted { index, id, function };
        assert_eq!(turn.step(Input::Event(event)), []);
    }
    let effects = turn.step(Input::Event(ProviderEvent::Finished(Finish::ToolCalls)));
    (turn, effects)
}

fn ran(call: &str, outcome: Outcome) -> Input {
    Input::Ran { call: CallId::new(call), outcome }
}

fn outcomes(drafts: &[Draft]) -> Vec<(String, Outcome)> {
    let outcome = |draft: &Draft| match &draft.body {
        Body::ActionResponse { call, outcome, .. } => (call.to_string(), outcome.clone()),
        other => panic!("expected a result, got {:?}", other.kind()),
    };
    drafts.iter().map(outcome).collect()
}

#[test]
fn calls_run_once_they_are_written_and_results_keep_their_order() {
    let (mut turn, effects) = calling();
    assert!(matches!(effects.as_slice(), [Effect::WriteCalls(_)]), "{effects:?}");
    let [Effect::RunCalls(calls)] = &turn.step(Input::Written)[..] else {
        panic!("expected calls to run")
    };
    let ids: Vec<_> = calls.iter().map(|call| call.id.as_str()).collect();
    assert_eq!(ids, ["c0", "c2"], "only what is offered runs");
    assert_eq!(turn.step(ran("c2", Outcome::Succeeded(2.into()))), []);
    assert_eq!(turn.step(ran("c2", Outcome::Unknown)), [], "the first word counts");
    assert_eq!(turn.step(ran("c1", Outcome::Unknown)), [], "what was not started cannot end");
    let drafts = written(&turn.step(ran("c0", Outcome::Failed("no".to_owned()))));
    let missing = Outcome::Failed("there is no tool `nope`; there are `add`".to_owned());
    let expected = [
        ("c0".to_owned(), Outcome::Failed("no".to_owned())),
        ("c1".to_owned(), missing),
        ("c2".to_owned(), Outcome::Succeeded(2.into())),
    ];
    assert_eq!(outcomes(&drafts), expected);
    assert_eq!(turn.step(Input::Written), [Effect::Finish(Ending::Answered)]);
}

#[test]
fn what_ran_when_the_turn_was_stopped_may_have_taken_effect() {
    let (mut turn, _) = calling();
    drop(turn.step(Input::Written));
    assert_eq!(turn.step(ran("c2", Outcome::Succeeded(2.into()))), []);
    let drafts = written(&turn.step(Input::Cancelled));
    let outcomes: Vec<_> = outcomes(&drafts).into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!((&outcomes[0], &outcomes[2]), (&Outcome::Unknown, &Outcome::Succeeded(2.into())));
    assert_eq!(turn.step(Input::Written), [Effect::Finish(Ending::Interrupted)]);
}

#[test]
fn a_cancel_while_the_calls_are_written_runs_none_of_them() {
    let (mut turn, _) = calling();
    assert_eq!(turn.step(Input::Cancelled), []);
    let drafts = written(&turn.step(Input::Written));
    let cancelled = Outcome::Cancelled("the answer was interrupted".to_owned());
    assert_eq!(outcomes(&drafts)[0].1, cancelled);
}

#[test]
fn an_identifier_that_is_made_is_none_that_came() {
    let mut turn = answering();
    for (index, id) in (0..).zip(["a#2", "a", "a", "a#2", ""]) {
        let (id, function) = (id.to_owned(), "f".to_owned());
        let event = ProviderEvent::CallStarted { index, id, function };
        assert_eq!(turn.step(Input::Event(event)), []);
    }
    let drafts = written(&turn.step(Input::Event(ProviderEvent::Finished(Finish::ToolCalls))));
    let ids: BTreeSet<_> = outcomes(&drafts[1..]).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), 5, "{ids:?}");
    assert!(ids.contains("a#2") && ids.contains("a"));
}
