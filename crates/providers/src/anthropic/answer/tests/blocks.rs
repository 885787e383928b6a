//! Blocks, made by hand: what becomes an event at once and what when it is whole.

use super::{check, delta, start, stop};

fn text(index: u64, text: &str) -> String {
    delta(index, &format!(r#"{{"type":"text_delta","text":"{text}"}}"#))
}

fn check_all(lines: &[String], expected: &str) {
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    check(&lines, &format!("{expected}\nfinished stop"));
}

#[test]
fn texts_side_by_side_are_one_and_told_again_when_one_cites() {
    let cite = r#"{"type":"citations_delta","citation":{"type":"page_location","n":1}}"#;
    let lines = [
        start(0, r#"{"type":"text","text":""}"#),
        text(0, "Rome "),
        stop(0),
        start(1, r#"{"type":"text","text":"","citations":[]}"#),
        text(1, "is"),
        delta(1, cite),
        text(1, " old"),
        stop(1),
    ];
    let pieces = concat!(
        r#"native [{"text":"Rome ","type":"text"},"#,
        r#"{"citations":[{"n":1,"type":"page_location"}],"text":"is old","type":"text"}]"#,
    );
    check_all(&lines, &format!("text Rome |is| old\n{pieces}"));
    // Another block ends them.
    let mut more = lines.to_vec();
    more.extend([
        start(2, r#"{"type":"new","n":1}"#),
        stop(2),
        start(3, r#"{"type":"text","text":"so"}"#),
        stop(3),
    ]);
    let expected =
        format!("text Rome |is| old\n{pieces}\nnative {{\"n\":1,\"type\":\"new\"}}\ntext so");
    check_all(&more, &expected);
}

#[test]
fn hidden_thoughts_are_thoughts_and_stand_where_they_stood() {
    let lines = [
        start(0, r#"{"type":"redacted_thinking","data":"x=="}"#),
        stop(0),
        start(1, r#"{"type":"thinking","thinking":"","signature":""}"#),
        delta(1, r#"{"type":"signature_delta","signature":"s1"}"#),
        stop(1),
        start(2, r#"{"type":"tool_use","id":"a","name":"look","input":{}}"#),
        stop(2),
        start(3, r#"{"type":"thinking","thinking":"so","signature":"s2","new":true}"#),
        stop(3),
    ];
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let expected = concat!(
        "thought ended {\"data\":\"x==\",\"type\":\"redacted_thinking\"}\n",
        "thought ended {\"signature\":\"s1\",\"thinking\":\"\",\"type\":\"thinking\"}\n",
        "call 0 a look\n",
        "thought so\n",
        "thought ended {\"new\":true,\"signature\":\"s2\",\"thinking\":\"so\",\"type\":\"thinking\"}\n",
        "finished tool_calls",
    );
    check(&lines, expected);
}

#[test]
fn a_thought_that_was_cut_has_no_signature_and_nothing_goes_back() {
    let lines = [
        start(0, r#"{"type":"thinking","thinking":"","signature":""}"#),
        delta(0, r#"{"type":"thinking_delta","thinking":"hm"}"#),
    ];
    check_all(&lines, "thought hm");
    let signed = [lines[0].clone(), delta(0, r#"{"type":"signature_delta","signature":"s"}"#)];
    check_all(&signed, r#"thought ended {"signature":"s","thinking":"","type":"thinking"}"#);
}

#[test]
fn calls_of_ours_become_calls_whatever_is_left_out_of_them() {
    let input = |index, text: &str| {
        delta(index, &format!(r#"{{"type":"input_json_delta","partial_json":"{text}"}}"#))
    };
    let lines = [
        start(0, r#"{"type":"tool_use","id":"a","name":"look","input":{"at": 1}}"#),
        stop(0),
        // What comes in pieces counts more than what the block begins with.
        start(1, r#"{"type":"tool_use","id":"b","name":"look","input":{"at":1}}"#),
        input(1, ""),
        input(1, "{}"),
        stop(1),
        start(2, r#"{"type":"tool_use","id":"","name":"go","input":null}"#),
        stop(2),
    ];
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let expected = "call 0 a look\narguments 0 {\"at\": 1}\ncall 1 b look\narguments 1 {}\n\
                    call 2 call_0_2 go\nfinished tool_calls";
    check(&lines, expected);
}

#[test]
fn blocks_and_deltas_of_no_known_kind_are_put_together() {
    let lines = [
        start(0, r#"{"type":"mcp_tool_use","id":"m","name":"find","server_name":"s","input":{}}"#),
        delta(0, r#"{"type":"input_json_delta","partial_json":"{\"q\":"}"#),
        delta(0, r#"{"type":"input_json_delta","partial_json":"1}"}"#),
        stop(0),
        start(1, r#"{"type":"future","content":null,"title":"a"}"#),
        delta(1, r#"{"type":"future_delta","content":"x","title":"b","list":[1]}"#),
        delta(1, r#"{"type":"future_delta","content":"y"}"#),
        // Another block, and none that is open.
        delta(7, r#"{"type":"future_delta","content":"z"}"#),
        stop(7),
        stop(1),
    ];
    check_all(
        &lines,
        concat!(
            r#"native {"id":"m","input":{"q":1},"name":"find","server_name":"s","type":"mcp_tool_use"}"#,
            "\n",
            r#"native {"content":"xy","list":[1],"title":"ab","type":"future"}"#,
        ),
    );
}

#[test]
fn blocks_may_go_on_side_by_side() {
    let lines = [
        start(0, r#"{"type":"tool_use","id":"a","name":"look"}"#),
        start(1, r#"{"type":"tool_use","id":"b","name":"look"}"#),
        delta(1, r#"{"type":"input_json_delta","partial_json":"{\"n\":2}"}"#),
        delta(0, r#"{"type":"input_json_delta","partial_json":"{\"n\":1}"}"#),
        stop(1),
        stop(0),
    ];
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let expected = "call 0 a look\ncall 1 b look\narguments 1 {\"n\":2}\narguments 0 {\"n\":1}\n\
                    finished tool_calls";
    check(&lines, expected);
}
