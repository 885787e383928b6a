//! Messages, rule by rule: roles, order, what is blank.

use branchwork_core::message::{Body, FileSource, Outcome, Part};
use serde_json::json;

use super::{
    GO_ON, asked, assistant, call, check, messages, native, offered, render, request, response,
    result, said, user,
};

fn system(text: &str) -> Body {
    Body::System { text: text.to_owned() }
}

#[test]
fn system_messages_are_the_system_prompt_wherever_they_stand() {
    let bodies = vec![
        system("Be \"brief\"\n"),
        Body::instruction("hi"),
        system(" "),
        system("Be kind"),
        Body::instruction("ho"),
    ];
    let request = request(bodies);
    let rendered = render(&request).expect("a good request");
    let prompt = concat!(
        r#","system":[{"type":"text","text":"Be \"brief\"\n"},{"type":"text","text":"Be kind","#,
        r#""cache_control":{"type":"ephemeral"}}],"messages":["#,
    );
    assert!(rendered.contains(prompt), "{rendered}");
    assert_eq!(messages(&request), user(&[said("hi"), said("ho")].join(",")));
}

#[test]
fn neighbours_of_one_role_are_one_message() {
    let bodies = vec![
        Body::instruction("a"),
        Body::instruction("b"),
        Body::response("c"),
        system("Be brief"),
        Body::response("d"),
        Body::instruction("e"),
    ];
    check(
        bodies,
        "",
        &[
            &user(&[said("a"), said("b")].join(",")),
            &assistant(&[said("c"), said("d")].join(",")),
            &user(&said("e")),
        ],
    );
}

#[test]
fn the_first_message_and_the_last_are_the_users() {
    let hi = user(&said("hi"));
    let yes = assistant(&said("yes "));
    check(vec![], "nothing_asked 1", &[GO_ON]);
    check(vec![system("Be brief")], "nothing_asked 1", &[GO_ON]);
    check(vec![Body::instruction("hi")], "", &[&hi]);
    // White space at the end of an answer stays: no answer is ever the last.
    let ends = vec![Body::instruction("hi"), Body::response("yes ")];
    check(ends, "asked_to_go_on 1", &[&hi, &yes, GO_ON]);
    let begins = vec![Body::response("yes "), Body::instruction("hi")];
    check(begins, "first_message_asked 1", &[GO_ON, &yes, &hi]);
    let alone = vec![Body::response("yes ")];
    check(alone, "asked_to_go_on 1, first_message_asked 1", &[GO_ON, &yes, GO_ON]);
}

#[test]
fn what_is_blank_is_left_out() {
    let hi = user(&said("hi"));
    let blank = vec![Body::instruction(" \n"), asked(vec![], None), Body::instruction("hi")];
    check(blank, "blank_instruction_left_out 2", &[&hi]);
    // Those beside one are one message then.
    let answers = |parts| vec![Body::instruction("hi"), response(parts), Body::instruction("hi")];
    let joined = user(&[said("hi"), said("hi")].join(","));
    check(answers(vec![]), "empty_answer_left_out 1", &[&joined]);
    check(answers(vec![Part::text("")]), "empty_answer_left_out 1", &[&joined]);
    let lines = vec![Part::text("\n\n")];
    check(answers(lines), "blank_text_left_out 1, empty_answer_left_out 1", &[&joined]);
    let some = vec![Part::text(" "), Part::text("yes")];
    check(answers(some), "blank_text_left_out 1", &[&hi, &assistant(&said("yes")), &hi]);
}

#[test]
fn texts_of_an_instruction_are_one_block_and_its_context_ends_it() {
    let parts = vec![Part::text("a"), Part::Data(json!({"k": [1, "x"]})), Part::text("b")];
    let text = r#"a\n{\"k\":[1,\"x\"]}\nb\n\nContext:\n{\"a\":1,\"b\":2}"#;
    check(vec![asked(parts, Some(json!({"b": 2, "a": 1})))], "", &[&user(&said(text))]);
    let plain = vec![asked(vec![], Some(json!("soon \"now\"")))];
    check(plain, "", &[&user(&said(r#"Context:\nsoon \"now\""#))]);
    let nothing = vec![asked(vec![Part::text("a")], Some(json!("")))];
    check(nothing, "", &[&user(&said(r"a\n\nContext:\n"))]);
}

#[test]
fn attachments_stand_where_they_stood() {
    let parts = vec![
        Part::text("what is this?"),
        Part::Image { url: "data:image/png;base64,AAAA".into(), detail: Some("low".into()) },
        Part::text(" "),
        Part::File { name: None, source: FileSource::Id("file_1".into()) },
        Part::Data(json!([1])),
    ];
    let blocks = concat!(
        r#"{"type":"text","text":"what is this?"},"#,
        r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},"#,
        r#"{"type":"document","source":{"type":"file","file_id":"file_1"}},"#,
        r#"{"type":"text","text":"[1]\n\nContext:\nsoon"}"#,
    );
    let bodies = vec![asked(parts, Some(json!("soon")))];
    check(bodies, "image_detail_left_out 1", &[&user(blocks)]);
}

#[test]
fn parts_of_an_instruction_that_only_a_provider_understands_are_left_out() {
    let parts = vec![Part::text("a"), native("tiny", json!({"type": "text"})), Part::text("b")];
    check(vec![asked(parts, None)], "native_left_out 1", &[&user(&said(r"a\nb"))]);
}

#[test]
fn what_cannot_be_said_is_refused() {
    let refused = |part, expected: &str| {
        assert_eq!(render(&request(vec![asked(vec![part], None)])), Err(expected.to_owned()));
    };
    let sound = Part::Audio { url: "data:audio/wav;base64,AAAA".into() };
    refused(sound, "this protocol takes no sound");
    refused(
        Part::Image { url: "gs://a/b.png".into(), detail: None },
        "a picture is neither on the web nor a `data:` URL in base64",
    );
}

#[test]
fn what_came_of_a_call_is_told_with_whether_it_went_well() {
    let check = |outcome, told: &str| {
        let asked = Body::ActionRequest { parts: vec![], calls: vec![call("c1", "{}")] };
        let messages = messages(&offered(vec![Body::instruction("hi"), asked, result(outcome)]));
        let block = format!(r#"{{"type":"tool_result","tool_use_id":"c1"{told}}}"#);
        assert!(messages.ends_with(&user(&block)), "{messages}");
    };
    check(Outcome::Succeeded(json!("18 C")), r#","content":"18 C""#);
    check(Outcome::Succeeded(json!({"b": 1, "a": 2})), r#","content":"{\"a\":2,\"b\":1}""#);
    // The API takes no blank text, and does without one.
    check(Outcome::Succeeded(json!(" ")), "");
    let others = [
        Outcome::Failed("no sun".into()),
        Outcome::Denied("no".into()),
        Outcome::Cancelled("stopped".into()),
        Outcome::Unknown,
    ];
    for outcome in others {
        let told = format!(r#","content":"{}","is_error":true"#, outcome.shown());
        check(outcome, &told);
    }
}
