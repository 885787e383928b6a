//! Text, thoughts, ends and errors, and what servers get wrong about them; made by hand.

use branchwork_core::provider::{Finish, ProviderError, ProviderEvent};

use super::{super::Decoder, check, check_deltas, decode, decoder, fixture, show, stream};
use crate::{
    framing::Framing,
    testing::{self, reporter},
};

#[test]
fn usage_is_taken_from_a_chunk_that_has_no_choices_at_all() {
    let usage = r#"{"usage":{"prompt_tokens":7,"completion_tokens":2}}"#;
    let text = r#"{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#;
    let stream = format!("data: {text}\n\ndata: {usage}\n\ndata: [DONE]\n\n");
    let (events, ended) = decode([stream.as_bytes()]);
    assert!(ended.is_ok(), "{ended:?}");
    let counted = |event: &ProviderEvent| matches!(event, ProviderEvent::Usage(usage) if usage.input_tokens == Some(7));
    assert!(events.iter().any(counted), "{events:?}");
}

#[test]
fn thoughts_come_under_several_names_and_once() {
    check_deltas(
        &[r#"{"reasoning_content":"a"}"#, r#"{"reasoning":"b"}"#, r#"{"content":"c"}"#],
        "thought a|b\ntext c\nfinished stop",
    );
    check_deltas(
        &[r#"{"reasoning_content":"a","reasoning":"a","content":null}"#],
        "thought a\nfinished stop",
    );
    check_deltas(
        &[
            r#"{"reasoning":"a","reasoning_details":[{"type":"reasoning.text","text":"a"},{"n":1}]}"#,
        ],
        "thought a\ndetail {\"block\":null,\"model\":\"tiny\",\"protocol\":\"chat\"}\n\
         detail {\"text\":\"a\",\"type\":\"reasoning.text\"}\ndetail {\"n\":1}\nfinished stop",
    );
    check_deltas(
        &[
            r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"a"}]}]}"#,
            r#"{"content":[{"type":"text","text":"b"},{"type":"reference","reference_ids":[1]}]}"#,
        ],
        "thought a\ntext b\nfinished stop",
    );
}

#[test]
fn whose_details_are_is_told_for_each_thought() {
    let whose = "detail {\"block\":null,\"model\":\"tiny\",\"protocol\":\"chat\"}";
    check_deltas(
        &[
            r#"{"reasoning":"a","reasoning_details":[{"n":1}]}"#,
            r#"{"content":"","reasoning_details":[{"n":2}]}"#,
            r#"{"content":"b"}"#,
            r#"{"reasoning":"c","reasoning_details":[{"n":3}]}"#,
        ],
        &format!(
            "thought a\n{whose}\ndetail {{\"n\":1}}\ndetail {{\"n\":2}}\ntext b\n\
             thought c\n{whose}\ndetail {{\"n\":3}}\nfinished stop"
        ),
    );
}

#[test]
fn fields_that_we_do_not_read_are_kept_at_the_end() {
    check_deltas(
        &[
            r#"{"role":"assistant","audio":{"id":"a1","data":"AA","transcript":"Ro"},"annotations":[]}"#,
            r#"{"audio":{"data":"BB","transcript":"me","expires_at":7}}"#,
            r#"{"images":[{"n":1}],"annotations":null}"#,
            r#"{"images":[{"n":2}],"channel":"final","spoken":"a"}"#,
            r#"{"function_call":null,"channel":"final","spoken":"b"}"#,
        ],
        "native {\"audio\":{\"data\":\"AABB\",\"expires_at\":7,\"id\":\"a1\",\"transcript\":\"Rome\"},\
         \"channel\":\"final\",\"images\":[{\"n\":1},{\"n\":2}],\"spoken\":\"ab\"}\nfinished stop",
    );
}

#[test]
fn ends_are_read_however_servers_spell_them() {
    for (finish, expected) in [
        ("\"stop\"", "stop"),
        ("\"eos\"", "stop"),
        ("\"length\"", "length"),
        ("\"model_length\"", "length"),
        ("\"content_filter\"", "content_filter"),
        ("\"odd\"", "odd"),
        ("\"\"", ""),
        ("null", ""),
    ] {
        check_deltas_end(finish, &format!("text a\nfinished {expected}"));
    }
    // No end mark, and a last chunk without choices after the reason.
    let head = r#"data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#;
    let usage = r#"data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2.0}}"#;
    check(&format!("{head}\n\n{usage}"), "text a\nusage 1 2 - -\nfinished stop");
    check(&format!("{head}\n\n"), "text a\nfinished stop");
}

fn check_deltas_end(finish: &str, expected: &str) {
    check(&stream(&[r#"{"content":"a"}"#], finish), expected);
}

#[test]
fn odd_but_readable_streams_are_read() {
    let one = "text a\nfinished stop";
    let chunk = r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}"#;
    check(&format!("data:{chunk}\r\n\r\ndata:[DONE]\r\n\r\n"), one);
    check(&format!("\u{feff}: ping\n\n:\n\ndata: {chunk}\n\n: ping\n\ndata: [DONE]"), one);
    let lines = chunk.replace(",\"delta", ",\ndata: \"delta");
    check(&format!("data: {lines}\n\n"), one);
    check(
        &format!("data: {{\"type\":\"ping\"}}\n\ndata: {chunk}\n\ndata: [DONE]\n\ndata: junk"),
        one,
    );
    check_deltas(&[r#"{"role":"assistant","content":null}"#, r#"{"content":"a"}"#], one);
    // Of several choices the first counts; a whole message may stand where a delta belongs.
    let second =
        r#"data: {"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":"length"}]}"#;
    check(&format!("{second}\n\ndata: {chunk}\n\n"), one);
    check(&format!("data: {}\n\n", chunk.replace("delta", "message")), one);
    check(
        &format!("data: {}\n\n", chunk.replace("\"index\":0", "\"logprobs\":{\"content\":[]}")),
        "text a\nlogprobs {\"content\":[]}\nfinished stop",
    );
    let groq =
        r#","x_groq":{"usage":{"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":1}}}}"#;
    let with_usage = chunk.strip_suffix('}').expect("an object").to_owned() + groq;
    check(&format!("data: {with_usage}\n\n"), "text a\nusage 1 - 1 -\nfinished stop");
}

#[test]
fn a_character_cut_in_two_by_the_server_costs_only_itself() {
    let chunk =
        |text: &[u8]| [br#"data: {"choices":[{"delta":{"content":""#, text, b"\"}}]}\n\n"].concat();
    let end = stream(&[], "\"stop\"");
    let (events, ended) = decode([&chunk(b"a\xc3")[..], &chunk(b"\xa9b"), end.as_bytes()]);
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(show(&events), "started None None\ntext a\u{fffd}|\u{fffd}b\nfinished stop");
}

#[test]
fn errors_inside_a_stream_end_it_with_what_to_do_about_them() {
    let check = |event: &str, expected: &str| {
        let head = r#"data: {"choices":[{"delta":{"content":"a"}}]}"#;
        let (events, ended) = decode([format!("{head}\n\n{event}\n\n").as_bytes()]);
        assert_eq!(show(&events), "started None None\ntext a", "{event}");
        let error = ended.expect_err("the server failed");
        assert_eq!(format!("{:?} {}", error.remedy(), error.detail()), expected, "{event}");
        assert!(!format!("{error:?}{error}").contains("sk-secret"));
    };
    let retry = |detail: &str| format!("Retry(None) {detail}");
    check(r#"data: {"error":{"message":"boom sk-secret","code":502}}"#, &retry("boom ***"));
    check(r#"data: {"error":"boom"}"#, &retry("boom"));
    check(r#"{"error":{"message":"boom"}}"#, &retry("boom"));
    check(r#"error: {"code":500,"message":"boom","type":"server_error"}"#, &retry("boom"));
    check("event: error\ndata: boom", &retry("boom"));
    check(
        r#"data: {"error":{"message":"slow down","type":"rate_limit_error"}}"#,
        &retry("slow down"),
    );
    check(r#"data: {"object":"error","message":"bad","code":400}"#, "FixInput bad");
    check(
        r#"data: {"error":{"code":400,"message":"x","type":"exceed_context_size_error"}}"#,
        "Shorten x",
    );
    check(
        r#"data: {"choices":[{"delta":{},"finish_reason":"error"}]}"#,
        &retry("the server ended the answer with an error"),
    );
    let malformed = "Retry(None) EOF while parsing an object at line 1 column 1: {";
    check("data: {\n\ndata: [DONE]", malformed);
}

#[test]
fn all_that_is_kept_of_an_answer_is_bounded() {
    let choices: [fn(&str) -> String; 6] = [
        |long| format!(r#""delta":{{"content":"{long}"}}"#),
        |long| format!(r#""delta":{{"reasoning":"{long}"}}"#),
        |long| format!(r#""delta":{{"reasoning_details":[{{"data":"{long}"}}]}}"#),
        |long| format!(r#""delta":{{}},"logprobs":{{"content":"{long}"}}"#),
        |long| format!(r#""delta":{{"tool_calls":[{{"id":"{long}","function":{{"name":"f"}}}}]}}"#),
        |long| format!(r#""index":1,"delta":{{}},"logprobs":{{"content":"{long}"}}"#),
    ];
    for choice in choices {
        let decoder = Decoder::new(reporter(), "tiny", (3, 2));
        let frame = |_, long: &str| format!("data: {{\"choices\":[{{{}}}]}}\n\n", choice(long));
        testing::is_bounded(decoder, Framing::Events, frame);
    }
}

#[test]
fn whole_answers_that_are_none_are_told_from_errors() {
    let decode = |body: &[u8]| testing::decode_whole(decoder(), body);
    for body in ["", "{}", "[]", "\"text\"", "<html>", "{\"choices\":null}", "{\"choices\":[]}"] {
        let (_, decoded) = decode(body.as_bytes());
        assert!(matches!(decoded, Err(ProviderError::Malformed { .. })), "{body}: {decoded:?}");
    }
    let (_, filtered) = decode(&fixture("azure_200_filtered.json"));
    assert!(matches!(filtered, Err(ProviderError::InvalidRequest { status: Some(400), .. })));
    let unsaid = r#"{"choices":[{"message":{"content":"a"}}]}"#;
    let (events, ended) = decode(unsaid.as_bytes());
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(events.last(), Some(&ProviderEvent::Finished(Finish::Other(String::new()))));
}

#[test]
fn several_answers_are_told_apart_and_the_last_word_is_that_of_the_first() {
    let chunk = |index: u32, rest: &str| {
        format!("data: {{\"choices\":[{{\"index\":{index},{rest}}}]}}\n\n")
    };
    let say = |index, text: &str| chunk(index, &format!(r#""delta":{{"content":"{text}"}}"#));
    let end = |index, why: &str| chunk(index, &format!(r#""delta":{{}},"finish_reason":"{why}""#));
    let call = r#""delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"look","arguments":"{}"}}]}"#;
    let said = [say(1, "Os"), say(0, "Ro"), end(0, "stop"), say(1, "lo"), chunk(2, call)].concat();
    let whole = [&said, &end(1, "length"), &end(2, "stop"), "data: [DONE]\n\n"].concat();
    let decode = |stream: &str, choices| {
        let decoder = Decoder::new(reporter(), "tiny", (3, choices));
        let (events, ended) = testing::decode(decoder, Framing::Events, [stream.as_bytes()]);
        (siblings(&events), ended.is_ok())
    };
    let expected = "0 started 1 Os 0 Ro 1 lo 2 c 2 {} 1 length 2 tool_calls 0 stop";
    assert_eq!(decode(&whole, 3), (expected.to_owned(), true));
    assert_eq!(decode(&whole, 1), ("0 started 0 Ro 0 stop".to_owned(), true), "one was asked for");
    // The first one is whole; the others are not.
    let (_, is_whole) = decode(&said, 3);
    assert!(!is_whole);
}

/// Which answer said what.
fn siblings(events: &[ProviderEvent]) -> String {
    let said = |choice: u32, event: &ProviderEvent| match event {
        ProviderEvent::Started { .. } => format!("{choice} started"),
        ProviderEvent::Text(text) | ProviderEvent::CallArguments { text, .. } => {
            format!("{choice} {text}")
        }
        ProviderEvent::CallStarted { id, .. } => format!("{choice} {id}"),
        ProviderEvent::Finished(finish) => format!("{choice} {}", finish.as_str()),
        other => format!("{choice} {other:?}"),
    };
    let lines = events.iter().map(|event| match event {
        ProviderEvent::Sibling { choice, event } => said(*choice, event),
        event => said(0, event),
    });
    lines.collect::<Vec<_>>().join(" ")
}
