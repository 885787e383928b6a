//! Recorded answers of real servers.

use branchwork_core::provider::{ProviderError, ProviderEvent};

use super::{decode, decoder, fixture, show};
use crate::testing;

fn check_recorded(name: &str, expected: &str) {
    let recorded = fixture(name);
    let (events, ended) = if recorded.starts_with(b"data:") {
        decode([&recorded[..]])
    } else {
        testing::decode_whole(decoder(), &recorded)
    };
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(show(&events), expected.trim(), "{name}");
}

#[test]
fn recorded_streams_become_these_events() {
    check_recorded(
        "openai_text_usage.sse",
        r#"
started Some("gpt-4o-mini-2024-07-18") Some("chatcmpl-CnMM0oFYQitzT43PYAvCrmNt6GIKs")
text This| is| a| test|.| How| can| I| assist| you| today|?
usage 12 12 0 0
finished stop"#,
    );
    check_recorded(
        "openai_parallel_calls.sse",
        r#"
started Some("gpt-3.5-turbo-0125") Some("chatcmpl-9g58noIjRkOeNNxfFsFfcNjhXlul7")
call 0 call_cCPjAyfwTzboEKjVlqFrArNF get_current_weather
arguments 0 {"lo
arguments 0 catio
arguments 0 n": "S
arguments 0 an F
arguments 0 ranci
arguments 0 sco"}
call 1 call_Zi4He1Ns0mozwT6f85nW1BOW get_current_weather
arguments 1 {"lo
arguments 1 catio
arguments 1 n": "B
arguments 1 osto
arguments 1 n"}
finished tool_calls"#,
    );
    check_recorded(
        "azure_text.sse",
        r#"
started Some("gpt-35-turbo") Some("chatcmpl-9HpbbsSaH8U6amSDAwdA2WzMeDdLB")
text Why| did| the| Open|Te|lemetry| project| become| a| stand|-up| comedian|?

|Because| it| wanted| to| trace| its| steps| and| observe| its| laughter|-per|-minute| rate|!
finished stop"#,
    );
}

#[test]
fn recorded_whole_answers_become_these_events() {
    check_recorded(
        "openai_call.json",
        r#"
started Some("gpt-3.5-turbo-0125") Some("chatcmpl-DPTDofxWJuEm6sz9R8dowmaas6fmJ")
call 0 call_QCPDXlNI3rMBHkK1q38k4gLu get_weather
arguments 0 {"location":"Boston"}
usage 50 14 0 0
finished tool_calls"#,
    );
    check_recorded(
        "openai_refusal.json",
        r#"
started Some("gpt-4o-2024-08-06") Some("chatcmpl-AGkyFJGzZPUGAAEDJJuOS3idKvD3G")
text I'm very sorry, but I can't assist with that request.
usage 65 13 0 0
finished stop"#,
    );
    check_recorded(
        "vllm_text.json",
        r#"
started Some("meta-llama/Llama-3.2-1B-Instruct") Some("chat-4db07f02ecae49cbafe1d359db1650df")
text A data scientist walks into an openTelemetry adoption meeting and says, 

"I'm here to help track our progress, but I'm just a trace."
usage 43 32 - -
finished stop"#,
    );
}

#[test]
fn recorded_streams_give_the_same_events_in_chunks_of_any_size() {
    for name in [
        "azure_text.sse",
        "deepseek_text_usage.sse",
        "openai_parallel_calls.sse",
        "openai_parallel_calls_usage.sse",
        "openai_text_usage.sse",
    ] {
        let recorded = fixture(name);
        let (whole, ended) = decode([&recorded[..]]);
        assert!(
            ended.is_ok() && matches!(whole.last(), Some(ProviderEvent::Finished(_))),
            "{name}"
        );
        for size in [1, 2, 3, 7, 64, 1000, 4096] {
            let (split, ended) = decode(recorded.chunks(size));
            assert!(ended.is_ok() && split == whole, "{name} in chunks of {size}");
        }
    }
}

#[test]
fn a_stream_that_breaks_off_anywhere_is_cut_and_never_whole() {
    let recorded = fixture("openai_text_usage.sse");
    let text = String::from_utf8(recorded.clone()).expect("text");
    let finished = text.find(r#""finish_reason":"stop""#).expect("it finishes");
    let rest = text.get(finished..).expect("it is a place in the text");
    let finished = finished + rest.find('\n').expect("the line ends");
    for end in 0..finished {
        let (events, ended) = decode([&recorded[..end]]);
        assert!(matches!(ended, Err(ProviderError::Truncated { .. })), "at {end}: {ended:?}");
        assert!(!events.iter().any(|event| matches!(event, ProviderEvent::Finished(_))));
    }
    // From there on it is whole, with or without the end mark.
    assert!(decode([&recorded[..finished]]).1.is_ok());
}
