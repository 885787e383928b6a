use std::time::Duration;

use super::*;
use crate::{
    message::{BodyKind, DraftError, Native, Part},
    provider::{Prices, Retried},
};

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
    calling_within(TurnLimits::new().with_rounds(1))
}

fn calling_within(limits: TurnLimits) -> (Turn, Vec<Effect>) {
    let (mut turn, _) = Turn::begin(Draft::new(Body::instruction("q")));
    turn = turn.with_tools(["add".to_owned()].into()).with_limits(limits);
    assert_eq!(turn.step(Input::Written), [Effect::AskModel]);
    let effects = call(&mut turn);
    (turn, effects)
}

/// Lets the model call `add`, `nope`, `add`.
fn call(turn: &mut Turn) -> Vec<Effect> {
    for (index, function) in (0..).zip(["add", "nope", "add"]) {
        let (id, function) = (format!("c{index}"), function.to_owned());
        let event = ProviderEvent::CallStarted { index, id, function };
        assert_eq!(turn.step(Input::Event(event)), []);
    }
    turn.step(Input::Event(ProviderEvent::Finished(Finish::ToolCalls)))
}

/// Lets the calls of [`call`] run to their end.
fn run(turn: &mut Turn) -> Vec<Effect> {
    assert!(matches!(turn.step(Input::Written)[..], [Effect::RunCalls(_)]));
    note(turn, "c2", 2);
    turn.step(ran("c0", Outcome::Succeeded(0.into())))
}

/// Lets a call end before an earlier one, and what came of it be noted.
fn note(turn: &mut Turn, call: &str, value: i64) {
    let outcome = Outcome::Succeeded(value.into());
    let effects = turn.step(ran(call, outcome.clone()));
    let noted = CallResult { call: CallId::new(call), function: "add".to_owned(), outcome };
    assert_eq!(effects, [Effect::Record { results: Vec::new(), noted: Some(noted) }]);
    assert_eq!(turn.step(Input::Written), []);
}

fn used(input_tokens: u64) -> Input {
    let usage = Usage { input_tokens: Some(input_tokens), ..Usage::default() };
    Input::Event(ProviderEvent::Usage(usage))
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
    assert!(matches!(effects.as_slice(), [Effect::WriteCalls { .. }]), "{effects:?}");
    let [Effect::RunCalls(calls)] = &turn.step(Input::Written)[..] else {
        panic!("expected calls to run")
    };
    let ids: Vec<_> = calls.iter().map(|call| call.id.as_str()).collect();
    assert_eq!(ids, ["c0", "c2"], "only what is offered runs");
    note(&mut turn, "c2", 2);
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
    let ending = Ending::Limited(Limit::Rounds(1));
    assert_eq!(turn.step(Input::Written), [Effect::Finish(ending)]);
}

#[test]
fn the_model_is_asked_again_until_it_calls_nothing() {
    let (mut turn, _) = calling_within(TurnLimits::new());
    let effects = run(&mut turn);
    let [Effect::WriteResults(results)] = &effects[..] else { panic!("{effects:?}") };
    let ids: Vec<_> = outcomes(results).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["c0", "c1", "c2"]);
    assert_eq!(turn.step(Input::Written), [Effect::AskModel]);
    // A name that nobody offers is no end: the model is told so.
    let event =
        ProviderEvent::CallStarted { index: 0, id: "d".to_owned(), function: "nope".to_owned() };
    assert_eq!(turn.step(Input::Event(event)), []);
    let effects = turn.step(Input::Event(ProviderEvent::Finished(Finish::ToolCalls)));
    assert!(matches!(effects[..], [Effect::WriteCalls { .. }]), "{effects:?}");
    assert!(matches!(turn.step(Input::Written)[..], [Effect::WriteResults(_)]));
    assert_eq!(turn.step(Input::Written), [Effect::AskModel]);
    assert_eq!(turn.step(text("Two.")), []);
    let drafts = written(&turn.step(Input::Event(ProviderEvent::Finished(Finish::Stop))));
    assert_eq!(drafts, [Draft::new(Body::response("Two."))], "earlier answers are written already");
    assert_eq!(turn.step(Input::Written), [Effect::Finish(Ending::Answered)]);
    assert_eq!(turn.rounds(), 3);
}

#[test]
fn a_turn_goes_as_far_as_it_may() {
    let finish = |turn: &mut Turn, effects: Vec<Effect>| {
        let drafts = written(&effects);
        let ended = turn.step(Input::Written);
        let [Effect::Finish(Ending::Limited(limit))] = ended[..] else { panic!("{ended:?}") };
        (limit, outcomes(&drafts))
    };
    let (mut turn, _) = calling_within(TurnLimits::new().with_rounds(2));
    drop(run(&mut turn));
    assert_eq!(turn.step(Input::Written), [Effect::AskModel]);
    drop(call(&mut turn));
    let effects = run(&mut turn);
    assert_eq!(finish(&mut turn, effects).0, Limit::Rounds(2));
    // More calls than may run: none of them runs.
    let (mut turn, _) = calling_within(TurnLimits::new().with_calls(1));
    let effects = turn.step(Input::Written);
    let (limit, outcomes) = finish(&mut turn, effects);
    assert_eq!(limit, Limit::Calls(1));
    let cancelled = Outcome::Cancelled("the turn may run 1 calls of tools".to_owned());
    assert_eq!((&outcomes[0].1, &outcomes[2].1), (&cancelled, &cancelled));
    // Tokens that were used up, and those that nobody counts.
    for (count, expected) in [(Some(10), Limit::Tokens(10)), (None, Limit::TokensUnknown(10))] {
        let (mut turn, _) = Turn::begin(Draft::new(Body::instruction("q")));
        let limits = TurnLimits::new().with_tokens(10);
        turn = turn.with_tools(["add".to_owned()].into()).with_limits(limits);
        drop(turn.step(Input::Written));
        count.map(used).into_iter().for_each(|input| assert_eq!(turn.step(input), []));
        drop(call(&mut turn));
        let effects = run(&mut turn);
        assert_eq!(finish(&mut turn, effects).0, expected);
    }
}

#[test]
fn a_turn_costs_what_its_tariff_says_of_requests_as_long_as_its_own() {
    let price = |input| Prices::new(input, 0);
    let tariff = Tariff::new(price(1_000_000)).with_above(100, price(9_000_000));
    let limits = TurnLimits::new().with_cost(200);
    let usage =
        |input| Usage { input_tokens: Some(input), output_tokens: Some(1), ..Usage::default() };
    // 100 tokens for $1 a million are 100 millionths; 101 tokens cost nine times as much each.
    for (tariff, input, expected) in [
        (Some(tariff.clone()), 100, Effect::AskModel),
        (Some(tariff), 101, Effect::Finish(Ending::Limited(Limit::Cost(200)))),
        (None, 1, Effect::Finish(Ending::Limited(Limit::CostUnknown(200)))),
    ] {
        let (turn, _) = Turn::begin(Draft::new(Body::instruction("q")));
        let mut turn = turn.with_tools(["add".to_owned()].into()).with_limits(limits);
        turn = turn.with_tariff(tariff);
        drop(turn.step(Input::Written));
        assert_eq!(turn.step(Input::Event(ProviderEvent::Usage(usage(input)))), []);
        drop(call(&mut turn));
        drop(run(&mut turn));
        assert_eq!(turn.step(Input::Written), [expected]);
    }
}

#[test]
fn a_turn_whose_time_is_over_ends_where_it_is() {
    let time = Duration::from_secs(1);
    let ending = Ending::Limited(Limit::Time(time));
    let limits = TurnLimits::new().with_time(time);
    // While tools run: what ended counts, of the rest nobody knows.
    let (mut turn, _) = calling_within(limits);
    drop(turn.step(Input::Written));
    let effects = turn.step(ran("c0", Outcome::Succeeded(0.into())));
    let [Effect::Record { results, noted: None }] = &effects[..] else { panic!("{effects:?}") };
    let told: Vec<_> = outcomes(results).into_iter().map(|(id, _)| id).collect();
    assert_eq!(told, ["c0", "c1"], "what is in its turn is told at once");
    assert_eq!(turn.step(Input::OutOfTime), [], "it is written first");
    let outcomes = outcomes(&written(&turn.step(Input::Written)));
    assert_eq!(outcomes, [("c2".to_owned(), Outcome::Unknown)]);
    assert_eq!(turn.step(Input::Written), [Effect::Finish(ending)]);
    // While their results are written: that is done first.
    let (mut turn, _) = calling_within(limits);
    drop(run(&mut turn));
    assert_eq!(turn.step(Input::OutOfTime), []);
    assert_eq!(turn.step(Input::Cancelled), [], "the first word counts");
    let drafts = written(&turn.step(Input::Written));
    let nothing = Body::Response { parts: Vec::new() };
    assert_eq!(drafts, [Draft::new(nothing).with_status(Status::Interrupted)]);
    assert_eq!(turn.step(Input::Written), [Effect::Finish(ending)]);
    // Without a limit there is no end of it.
    let mut turn = answering();
    assert_eq!(turn.step(Input::OutOfTime), []);
}

#[test]
fn what_ran_when_the_turn_was_stopped_may_have_taken_effect() {
    let (mut turn, _) = calling();
    drop(turn.step(Input::Written));
    note(&mut turn, "c2", 2);
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

#[test]
fn a_turn_that_was_cut_off_goes_on_and_repeats_nothing_that_is_done() {
    let call = |id: &str| ToolCall {
        id: CallId::new(id),
        function: "add".to_owned(),
        arguments: "{}".to_owned(),
    };
    let resume = |rounds, calls, limits| {
        Turn::resume_from(CutOff { rounds, calls }, ["add".to_owned()].into(), limits)
    };
    // Before the model had answered: it is asked.
    let (_, effects) = resume(0, Vec::new(), TurnLimits::new());
    assert_eq!(effects, [Effect::AskModel]);
    // While calls ran: what may run again does, of the rest nobody knows.
    let calls = vec![
        (call("told"), CallState::Told),
        (call("again"), CallState::Runs),
        (call("ended"), CallState::Ended(Outcome::Succeeded(3.into()))),
        (call("lost"), CallState::Unknown),
    ];
    let (mut turn, effects) = resume(1, calls, TurnLimits::new());
    assert_eq!(effects, [Effect::RunCalls(vec![call("again")])]);
    let effects = turn.step(ran("again", Outcome::Succeeded(1.into())));
    let [Effect::WriteResults(results)] = &effects[..] else { panic!("{effects:?}") };
    let expected = [
        ("again".to_owned(), Outcome::Succeeded(1.into())),
        ("ended".to_owned(), Outcome::Succeeded(3.into())),
        ("lost".to_owned(), Outcome::Unknown),
    ];
    assert_eq!(outcomes(results), expected);
    assert_eq!(turn.step(Input::Written), [Effect::AskModel]);
    assert_eq!(turn.rounds(), 2);
    // With all results known, but not all told.
    let ended = vec![(call("a"), CallState::Ended(Outcome::Unknown))];
    let (_, effects) = resume(1, ended.clone(), TurnLimits::new());
    assert!(matches!(effects[..], [Effect::WriteResults(_)]), "{effects:?}");
    // With everything told: the model is asked, if it may be.
    let told = vec![(call("a"), CallState::Told)];
    let (_, effects) = resume(1, told.clone(), TurnLimits::new());
    assert_eq!(effects, [Effect::AskModel]);
    let (mut turn, effects) = resume(1, told, TurnLimits::new().with_rounds(1));
    assert_eq!(written(&effects).len(), 1, "the step is ended");
    let limited = Ending::Limited(Limit::Rounds(1));
    assert_eq!(turn.step(Input::Written), [Effect::Finish(limited)]);
    let (_, effects) = resume(1, ended, TurnLimits::new().with_rounds(1));
    assert_eq!(outcomes(&written(&effects)), [("a".to_owned(), Outcome::Unknown)]);
}

/// The body that `events` make.
fn body_of(events: impl IntoIterator<Item = ProviderEvent>) -> Body {
    let mut answer = Answer::default();
    events.into_iter().for_each(|event| answer.push(event));
    answer.body()
}

fn call_started(index: u32, id: &str) -> ProviderEvent {
    ProviderEvent::CallStarted { index, id: id.to_owned(), function: "add".to_owned() }
}

#[test]
fn blocks_stand_in_the_order_in_which_they_were_said() {
    let native = |name: &str| Native::new("anthropic", "opus", name.into());
    let thought = |text: &str| ProviderEvent::Reasoning(text.to_owned());
    let ended = |name| ProviderEvent::ReasoningEnded { native: Some(native(name)) };
    let body = body_of([
        thought("one"),
        ended("a"),
        ended("hidden"),
        thought("two"),
        ended("b"),
        call_started(3, "c"),
        ProviderEvent::Native(native("search")),
        call_started(5, "d"),
        thought("three"),
        call_started(7, "e"),
    ]);
    let reasoning = |text: &str, name: Option<&str>| Part::Reasoning {
        text: text.to_owned(),
        detail: name.map(|name| native(name).into_detail()),
    };
    let Body::ActionRequest { parts, calls } = &body else { panic!("{body:?}") };
    let expected = [
        reasoning("one", Some("a")),
        reasoning("", Some("hidden")),
        reasoning("two", Some("b")),
        Part::Call(0),
        Part::Native(native("search")),
        Part::Call(1),
        reasoning("three", None),
    ];
    assert_eq!(parts, &expected);
    assert_eq!(calls.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["c", "d", "e"]);
    assert_eq!(Draft::new(body).check(), Ok(()));
}

#[test]
fn what_came_before_a_call_was_made_anew_does_not_count() {
    let problem = "cut".to_owned();
    let again = ProviderEvent::Retried(Retried {
        retries: 1,
        wait: Duration::ZERO,
        error_type: "truncated",
        problem,
    });
    let text = |text: &str| ProviderEvent::Text(text.to_owned());
    let body = body_of([text("Ro"), call_started(0, "c"), again, text("Rome")]);
    assert_eq!(body, Body::response("Rome"));
}

#[test]
fn the_place_of_a_call_that_is_not_there_is_refused() {
    let calls = || {
        let (id, function) = (CallId::new("c"), "add".to_owned());
        vec![ToolCall { id, function, arguments: "{}".to_owned() }]
    };
    for body in [
        Body::Response { parts: vec![Part::Call(0)] },
        Body::ActionRequest { parts: vec![Part::Call(1)], calls: calls() },
        Body::ActionRequest { parts: vec![Part::Call(0), Part::Call(0)], calls: calls() },
    ] {
        let checked = Draft::new(body.clone()).check();
        assert!(matches!(checked, Err(DraftError::BadCalls { .. })), "{body:?}: {checked:?}");
    }
}
