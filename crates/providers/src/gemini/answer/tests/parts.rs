//! Parts: text, thoughts, calls, and what stands beside them.

use branchwork_core::provider::{ProviderError, ProviderEvent};

use super::{super::Decoder, check, check_parts, decode, show, stream};
use crate::{
    framing::Framing,
    testing::{self, asked, reporter, request},
};

#[test]
fn text_comes_as_one_text_and_a_block_says_where_signed_parts_met() {
    check_parts(&[r#"{"text":"a"}"#, r#"{"text":"b"},{"text":"c"}"#], "text a|b|c\nfinished stop");
    check_parts(
        &[r#"{"text":"é"}"#, r#"{"text":"b"}"#, r#"{"text":"","thoughtSignature":"s"}"#],
        r#"
text é|b
native {"texts":[{"bytes":3},{"bytes":0,"thoughtSignature":"s"}]}
finished stop"#,
    );
    check_parts(
        &[r#"{"text":"a","thoughtSignature":"s"}"#, r#"{"text":"b"}"#, r#"{"text":"c"}"#],
        r#"
text a|b|c
native {"texts":[{"bytes":1,"thoughtSignature":"s"},{"bytes":2}]}
finished stop"#,
    );
    check_parts(&[r#"{"text":""}"#, r#"{"text":null}"#], "native {\"text\":null}\nfinished stop");
}

#[test]
fn thoughts_are_told_from_text_and_end_with_what_stood_beside_them() {
    check_parts(
        &[
            r#"{"text":"h","thought":true}"#,
            r#"{"text":"m","thought":true}"#,
            r#"{"text":"a","thought":false}"#,
            r#"{"text":"ah","thought":true,"thoughtSignature":"s"}"#,
            r#"{"text":"","thought":true}"#,
        ],
        r#"
thought h|m
thought ended {}
text a
thought ah
thought ended {"thoughtSignature":"s"}
finished stop"#,
    );
    check_parts(
        &[r#"{"text":"hm","thought":true}"#],
        "thought hm\nthought ended {}\nfinished stop",
    );
}

#[test]
fn calls_come_whole_with_their_marks_before_them() {
    let two = concat!(
        r#"{"functionCall":{"name":"look","args":{"b": 1, "a": "\u00e9"}},"thoughtSignature":"s","#,
        r#""partMetadata":{"k":1}},"#,
        r#"{"functionCall":{"id":"x","name":"go","args":null}}"#,
    );
    check_parts(
        &[r#"{"text":"a"}"#, two, r#"{"text":""}"#],
        r#"
text a
native {"partMetadata":{"k":1},"thoughtSignature":"s"}
call 0 call_3_0 look
arguments 0 {"b": 1, "a": "\u00e9"}
call 1 x go
finished tool_calls"#,
    );
}

#[test]
fn arguments_that_a_gateway_gives_as_text_are_read() {
    check_parts(
        &[r#"{"functionCall":{"name":"look","args":"{\"a\":1}"}}"#],
        "call 0 call_3_0 look\narguments 0 {\"a\":1}\nfinished tool_calls",
    );
    check_parts(
        &[r#"{"functionCall":{"name":"look","args":null}}"#],
        "call 0 call_3_0 look\nfinished tool_calls",
    );
}

#[test]
fn parts_that_nobody_knows_stay_blocks_at_their_place() {
    check_parts(
        &[
            r#"{"text":"a"},{"executableCode":{"code":"1"},"thoughtSignature":"s"}"#,
            r#"{"unheardOf":[1]},{"text":7},"odd""#,
        ],
        r#"
text a
native {"executableCode":{"code":"1"},"thoughtSignature":"s"}
native {"unheardOf":[1]}
text 7
native "odd"
finished stop"#,
    );
}

#[test]
fn what_is_signed_without_content_is_kept_only_beside_what_is_said() {
    let signed = r#"{"text":"","thoughtSignature":"s"}"#;
    check_parts(&[signed], "finished stop");
    check_parts(
        &[r#"{"text":"hm","thought":true}"#, signed],
        "thought hm\nthought ended {}\nfinished stop",
    );
    check_parts(
        &[signed, r#"{"functionCall":{"name":"look"}}"#, signed],
        r#"
native {"text":"","thoughtSignature":"s"}
call 0 call_3_0 look
native {"text":"","thoughtSignature":"s"}
finished tool_calls"#,
    );
}

#[test]
fn sources_come_last_and_once() {
    let candidate =
        r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"groundingMetadata":{"q":[1]}}]}"#;
    let last = concat!(
        r#"{"candidates":[{"groundingMetadata":{"q":[1]},"citationMetadata":{"c":2},"#,
        r#""logprobsResult":{"l":3},"finishReason":"STOP"}]}"#,
    );
    check(
        &format!("data: {candidate}\n\ndata: {last}\n\n"),
        r#"
text a
logprobs {"l":3}
native {"groundingMetadata":{"q":[1]}}
native {"citationMetadata":{"c":2}}
finished stop"#,
    );
}

#[test]
fn of_several_candidates_each_that_was_asked_for_is_told_apart() {
    let whole = concat!(
        r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"},"#,
        r#"{"index":2,"content":{"parts":[{"functionCall":{"name":"go"}}]},"finishReason":"STOP"},"#,
        r#"{"index":1,"content":{"parts":[{"text":"b"}]},"groundingMetadata":{"q":1},"#,
        r#""finishReason":"MAX_TOKENS"},"#,
        r#"{"index":3,"content":{"parts":[{"text":"unasked"}]},"finishReason":"STOP"}]}"#,
    );
    let decoder = |choices| {
        let asked = request(vec![asked(Vec::new(), None); 3]).with_choices(choices);
        Decoder::new(&asked, reporter())
    };
    let told = |choices| {
        let (events, ended) = testing::decode_whole(decoder(choices), whole.as_bytes());
        assert!(ended.is_ok(), "{ended:?}");
        let of = |choice: u32| {
            let of_choice = events.iter().filter_map(|event| match event {
                ProviderEvent::Sibling { choice: of, event } if *of == choice => {
                    Some((**event).clone())
                }
                ProviderEvent::Sibling { .. } => None,
                event => (choice == 0).then(|| event.clone()),
            });
            show(&of_choice.collect::<Vec<_>>())
        };
        (0..4).map(of).collect::<Vec<_>>()
    };
    let first = "started None None\ntext a\nfinished stop";
    let second = "text b\nnative {\"groundingMetadata\":{\"q\":1}}\nfinished length";
    assert_eq!(told(3), [first, second, "call 0 call_3_0 go\nfinished tool_calls", ""]);
    assert_eq!(told(1), [first, "", "", ""], "one was asked for");
    // In a stream the answer is whole when all of them are.
    let stream = stream(&[r#"{"text":"a"}"#], "STOP");
    let (_, ended) = testing::decode(decoder(2), Framing::Events, [stream.as_bytes()]);
    assert!(matches!(ended, Err(ProviderError::Truncated { .. })), "{ended:?}");
}

#[test]
fn of_several_candidates_the_first_counts() {
    let other = r#"{"candidates":[{"index":1,"content":{"parts":[{"text":"b"}]},"finishReason":"SAFETY"}]}"#;
    let stream = stream(&[r#"{"text":"a"}"#], "STOP");
    let (events, ended) = decode([format!("data: {other}\n\n{stream}").as_bytes()]);
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(show(&events), "started None None\ntext a\nfinished stop");
}
