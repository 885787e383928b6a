//! Recorded answers of real servers, and the streams that the SDK of Anthropic is tested with.

use branchwork_core::provider::{ProviderError, ProviderEvent, Usage};

use super::{decode, decoder, fixture, show};
use crate::testing;

/// Every fixture that is a stream.
const STREAMS: [&str; 19] = [
    "cached.sse",
    "calls.sse",
    "sdk_basic.sse",
    "sdk_compaction.sse",
    "sdk_context_management.sse",
    "sdk_fallback.sse",
    "sdk_fallback_credit.sse",
    "sdk_incomplete_partial_json.sse",
    "sdk_input_transformations_delta.sse",
    "sdk_input_transformations_empty_delta.sse",
    "sdk_input_transformations_start_only.sse",
    "sdk_message_delta_fields.sse",
    "sdk_message_delta_omitted_usage.sse",
    "sdk_refusal.sse",
    "sdk_server_tool_use.sse",
    "sdk_tool_use.sse",
    "sdk_tool_use_invalid_json.sse",
    "sdk_unknown_events.sse",
    "thinking.sse",
];

fn recorded(name: &str) -> Vec<u8> {
    fixture(&format!("anthropic/{name}"))
}

fn events_of(name: &str) -> Vec<ProviderEvent> {
    let recorded = recorded(name);
    let (events, ended) = if recorded.starts_with(b"{") {
        testing::decode_whole(decoder(), &recorded)
    } else {
        decode([&recorded[..]])
    };
    assert!(ended.is_ok(), "{name}: {ended:?}");
    events
}

fn check(name: &str, expected: &str) {
    assert_eq!(show(&events_of(name)), expected.trim(), "{name}");
}

#[test]
fn recorded_streams_become_these_events() {
    check(
        "calls.sse",
        r#"
started Some("claude-3-5-sonnet-20240620") Some("msg_01RvjFrekzod2e3Dj6rZwmf3")
usage 514 5 0 -
text Certainly! I'|d be happy to help| you with both| the current weather in New| York and the current time| there. To| get this information, I|'ll need to use two| different tools.| Let's| start with the weather,| and then we'll check| the time.
call 0 toolu_01UGYEgvuRFeXbTZKyDyqo9P get_weather
arguments 0 {"location
arguments 0 ": "New Yo
arguments 0 rk, NY"
arguments 0 , "unit": 
arguments 0 "f
arguments 0 ahrenhei
arguments 0 t"}
call 1 toolu_01VCGwdaiXbGQJHRCzoWgK2U get_time
arguments 1 {"timezone":
arguments 1  "America/Ne
arguments 1 w_York"}
usage 514 168 0 -
finished tool_calls"#,
    );
    // What comes before the start and after the end, and events of no known kind, say nothing.
    let hello = r#"
started Some("claude-3-opus-latest") Some("msg_4QpJur2dWWDjF6C758FbBw5vm12BaVipnK")
usage 11 1 - -
text Hello| there|!
usage 11 6 - -
finished stop"#;
    check("sdk_basic.sse", hello);
    check("sdk_unknown_events.sse", hello);
}

#[test]
fn recorded_whole_answers_become_these_events() {
    check(
        "structured.json",
        r#"
started Some("claude-sonnet-4-5-20250929") Some("msg_01RRuttC1Mzd1RUPyP68mcB5")
text {"joke": "Why did the developer break up with OpenTelemetry? Because they had too many traces of their ex in the logs!", "rating": 7}
usage 222 39 0 -
finished stop"#,
    );
    check(
        "calls.json",
        r#"
started Some("claude-3-5-sonnet-20240620") Some("msg_01RBkXFe9TmDNNWThMz2HmGt")
text Certainly! I'd be happy to help you with both the current weather in New York and the current time there. Let's use the available tools to get this information for you.
call 0 toolu_012r6TBCWjRHG71j6zruYyUL get_weather
arguments 0 {"location": "New York, NY", "unit": "fahrenheit"}
call 1 toolu_01SkeBKkLCNYWNuivqFerGDd get_time
arguments 1 {"timezone": "America/New_York"}
usage 514 152 - -
finished tool_calls"#,
    );
}

/// The lines that begin with `head`.
fn lines_of(name: &str, head: &str) -> String {
    let shown = show(&events_of(name));
    let lines = shown.lines().filter(|line| line.starts_with(head));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn thoughts_end_with_what_the_server_wants_back() {
    for name in ["thinking.sse", "thinking.json"] {
        let shown = lines_of(name, "thought ended");
        let block = shown.strip_prefix("thought ended ").expect("it ended");
        let block: serde_json::Value = serde_json::from_str(block).expect("JSON");
        let said: String = events_of(name)
            .iter()
            .filter_map(|event| match event {
                ProviderEvent::Reasoning(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!((&block["type"], &block["thinking"]), (&"thinking".into(), &said.into()));
        assert!(block["signature"].as_str().is_some_and(|text| text.starts_with("ErUBCkYIARgCIk")));
    }
}

#[test]
fn blocks_that_only_the_server_understands_are_kept_whole() {
    assert_eq!(
        lines_of("sdk_compaction.sse", "native"),
        r#"native {"content":"Earlier conversation summarized.","encrypted_content":"EpwBCioIDxgCEAEYASJALd_opaque_compaction_payload","type":"compaction"}"#,
    );
    assert_eq!(
        lines_of("sdk_fallback.sse", "native"),
        r#"native {"from":{"model":"claude-opus-4-7"},"to":{"model":"claude-sonnet-4-5"},"trigger":{"category":null,"type":"refusal"},"type":"fallback"}"#,
    );
    let searched = lines_of("sdk_server_tool_use.sse", "native");
    let [call, result, cited] = searched.lines().collect::<Vec<_>>()[..] else {
        panic!("three blocks: {searched}")
    };
    assert_eq!(
        call,
        r#"native {"id":"srvtoolu_01Uz7MGoWkFSzxwLydECtuz5","input":{"query":"anthropic claude release notes"},"name":"web_search","type":"server_tool_use"}"#,
    );
    assert!(result.contains(r#""encrypted_content":"Eq8C_opaque_encrypted_content_0""#));
    assert!(cited.contains(r#""encrypted_index":"Eo8B_opaque_encrypted_index""#), "{cited}");
    let text = "Claude Opus 4.7 is now generally available with improvements in software engineering \
                and vision capabilities.";
    assert!(cited.contains(text), "{cited}");
}

#[test]
fn answers_end_for_these_reasons_and_cost_this() {
    for (name, finish, usage) in [
        // Arguments that are no JSON are the tool's affair.
        ("sdk_tool_use_invalid_json.sse", "tool_calls", [377, 65, 0, 0]),
        ("sdk_tool_use.sse", "tool_calls", [377, 65, 0, 0]),
        // The last block was never ended.
        ("sdk_incomplete_partial_json.sse", "length", [450, 124, 0, 0]),
        ("sdk_refusal.sse", "content_filter", [20, 0, -1, -1]),
        ("sdk_context_management.sse", "stop", [25, 8, 0, 0]),
        ("sdk_fallback_credit.sse", "stop", [25, 8, -1, -1]),
        ("sdk_input_transformations_delta.sse", "stop", [25, 8, 0, 0]),
        ("sdk_input_transformations_empty_delta.sse", "stop", [25, 8, 0, 0]),
        ("sdk_input_transformations_start_only.sse", "stop", [25, 8, 0, 0]),
        // Totals of the end count; what they leave out was said at the start.
        ("sdk_message_delta_fields.sse", "stop", [59, 8, 7, 12]),
        ("sdk_message_delta_omitted_usage.sse", "stop", [40, 8, 5, 10]),
        ("cached.sse", "stop", [1169, 201, 0, 1165]),
    ] {
        let events = events_of(name);
        let Some(ProviderEvent::Finished(found)) = events.last() else { panic!("{name}") };
        assert_eq!(found.as_str(), finish, "{name}");
        let last = events.iter().rev().find_map(|event| match event {
            ProviderEvent::Usage(usage) => Some(*usage),
            _ => None,
        });
        let [input_tokens, output_tokens, cached_tokens, cache_write_tokens] =
            usage.map(|count| u64::try_from(count).ok());
        let found = last.map(|usage| Usage { reasoning_tokens: None, ..usage });
        let expected = Usage {
            input_tokens,
            output_tokens,
            cached_tokens,
            cache_write_tokens,
            reasoning_tokens: None,
        };
        assert_eq!(found, Some(expected), "{name}");
    }
}

#[test]
fn recorded_streams_give_the_same_events_at_every_split() {
    for name in STREAMS {
        testing::at_every_split(&recorded(name), &|chunks| decode(chunks.iter().copied()));
    }
}

#[test]
fn a_stream_that_breaks_off_anywhere_is_cut_and_never_whole() {
    for name in ["thinking.sse", "sdk_server_tool_use.sse", "calls.sse"] {
        let recorded = recorded(name);
        let text = String::from_utf8(recorded.clone()).expect("text");
        let finished = text.find(r#"{"type":"message_delta""#).expect("it finishes");
        let rest = text.get(finished..).expect("it is a place in the text");
        let finished = finished + rest.find('\n').expect("the line ends");
        // White space at the end of the line is no part of the event.
        let finished = text.get(..finished).expect("a line").trim_end().len();
        for end in 0..finished {
            let (events, ended) = decode([&recorded[..end]]);
            assert!(
                matches!(ended, Err(ProviderError::Truncated { .. })),
                "{name} {end}: {ended:?}"
            );
            assert!(!events.iter().any(|event| matches!(event, ProviderEvent::Finished(_))));
        }
        assert!(decode([&recorded[..finished]]).1.is_ok(), "{name}");
    }
}
