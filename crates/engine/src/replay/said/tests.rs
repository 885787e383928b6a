//! An answer, said again, is the same answer.

use branchwork_core::{
    call::{CallFailure, CallRequest, ModelCall, RequestHash, Timings},
    message::{Draft, Native, Status},
    provider::{Adapted, Finish, ProviderEvent, ToolChoice, Usage},
    turn::Answer,
};
use proptest::prelude::*;
use serde_json::json;

use super::{End, said};

fn call(answer: &Answer) -> ModelCall {
    ModelCall {
        request: CallRequest {
            head: None,
            shown: None,
            results_kept: None,
            provider: "local".to_owned(),
            model: "tiny".to_owned(),
            config: None,
            tools: Vec::new(),
            tool_choice: ToolChoice::Auto,
            stream: true,
            choices: 1,
            hash: RequestHash([0; 32]),
            adapted: Adapted::default(),
        },
        rerouted: None,
        model: answer.model().map(str::to_owned),
        finish: answer.finish().map(|finish| finish.as_str().to_owned()),
        usage: answer.usage(),
        cost_usd: None,
        timings: Timings::default(),
        retries: 0,
        failure: None,
    }
}

fn answer(events: impl IntoIterator<Item = ProviderEvent>) -> Answer {
    let mut answer = Answer::default();
    events.into_iter().for_each(|event| answer.push(event));
    answer
}

/// Checks that the answer that `events` make says itself again.
fn check(events: Vec<ProviderEvent>) {
    let first = answer(events);
    let message = Draft::new(first.body()).with_status(Status::Complete).preview();
    let again = answer(said(&message, &[], &call(&first)).events);
    assert_eq!(again.body(), first.body());
    assert_eq!(again.finish(), first.finish());
    assert_eq!((again.model(), again.usage()), (first.model(), first.usage()));
}

fn event() -> impl Strategy<Value = ProviderEvent> {
    let text = "[a-cé]{0,3}";
    let native = (0_u8..3).prop_map(|block| Native::new("anthropic", "opus", json!(block)));
    prop_oneof![
        text.prop_map(ProviderEvent::Text),
        text.prop_map(ProviderEvent::Reasoning),
        (0_u8..3).prop_map(|detail| ProviderEvent::ReasoningDetail(json!({ "d": detail }))),
        prop::option::of(native.clone())
            .prop_map(|native| ProviderEvent::ReasoningEnded { native }),
        native.prop_map(ProviderEvent::Native),
        (0_u32..4, "[x-z]{0,2}").prop_map(|(index, id)| ProviderEvent::CallStarted {
            index,
            id,
            function: "look".to_owned()
        }),
        (0_u32..4, text).prop_map(|(index, text)| ProviderEvent::CallArguments { index, text }),
        any::<Option<u64>>().prop_map(|input_tokens| {
            ProviderEvent::Usage(Usage { input_tokens, ..Usage::default() })
        }),
        Just(ProviderEvent::Started { model: Some("opus-1".to_owned()), response_id: None }),
    ]
}

proptest! {
    #[test]
    fn whatever_a_model_says_is_said_again(
        events in prop::collection::vec(event(), 0..16),
        finish in prop::option::of("stop|length|tool_calls|content_filter|odd"),
    ) {
        let finish = finish.map(|name| ProviderEvent::Finished(Finish::from_name(&name)));
        check(events.into_iter().chain(finish).collect());
    }
}

#[test]
fn a_call_ends_as_it_ended() {
    let said_by = |change: &dyn Fn(&mut ModelCall)| {
        let text = answer([ProviderEvent::Text("half".to_owned())]);
        let mut call = call(&text);
        change(&mut call);
        said(&Draft::new(text.body()).preview(), &[], &call)
    };
    let failure = CallFailure {
        problem: "the provider limits the rate of calls".to_owned(),
        detail: "slow down".to_owned(),
    };
    let failed = said_by(&|call| call.failure = Some(failure.clone()));
    let End::Failed(error) = failed.end else { panic!("it failed: {failed:?}") };
    assert_eq!(error.detail(), "slow down");
    assert_eq!(failed.events, [ProviderEvent::Text("half".to_owned())]);
    assert!(matches!(said_by(&|_| ()).end, End::Stopped));
    let retried = said_by(&|call| call.retries = 2);
    let ProviderEvent::Retried(retried) = &retried.events[0] else { panic!("{retried:?}") };
    assert_eq!(retried.retries, 2);
}
