//! Instructions, system text and results, rule by rule.

use branchwork_core::message::{Body, FileSource, Outcome, Part};
use serde_json::json;

use super::{asked, check, render, request, result};

#[test]
fn system_text_is_an_item_at_its_place() {
    let body = Body::System { text: "Be \"brief\"\n".to_owned() };
    check(body, r#"{"type":"message","role":"system","content":"Be \"brief\"\n"}"#);
}

#[test]
fn an_instruction_of_text_is_a_string() {
    let said = |text: &str| format!(r#"{{"type":"message","role":"user","content":"{text}"}}"#);
    check(Body::instruction("héllo"), &said("héllo"));
    check(asked(vec![], None), &said(""));
    let parts = vec![Part::text("a"), Part::Data(json!({"k": [1, "x"]})), Part::text("b")];
    check(
        asked(parts, Some(json!({"b": 1}))),
        &said(r#"a\n{\"k\":[1,\"x\"]}\nb\n\nContext:\n{\"b\":1}"#),
    );
}

#[test]
fn attachments_make_an_instruction_a_list() {
    let file = |name: Option<&str>, source| Part::File { name: name.map(str::to_owned), source };
    let parts = vec![
        Part::text("what is this?"),
        Part::Image { url: "data:image/png;base64,AA".to_owned(), detail: Some("low".to_owned()) },
        Part::Image { url: "https://example.com/a.png".to_owned(), detail: None },
        file(Some("a.pdf"), FileSource::Url("data:application/pdf;base64,AA".to_owned())),
        file(None, FileSource::Url("data:application/pdf;base64,AA".to_owned())),
        file(Some("b.pdf"), FileSource::Url("https://example.com/b.pdf".to_owned())),
        file(None, FileSource::Id("file-1".to_owned())),
        Part::Data(json!([1])),
    ];
    let expected = concat!(
        r#"{"type":"message","role":"user","content":["#,
        r#"{"type":"input_text","text":"what is this?"},"#,
        r#"{"type":"input_image","image_url":"data:image/png;base64,AA","detail":"low"},"#,
        r#"{"type":"input_image","image_url":"https://example.com/a.png","detail":"auto"},"#,
        r#"{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,AA"},"#,
        r#"{"type":"input_file","filename":"file","file_data":"data:application/pdf;base64,AA"},"#,
        r#"{"type":"input_file","file_url":"https://example.com/b.pdf"},"#,
        r#"{"type":"input_file","file_id":"file-1"},"#,
        r#"{"type":"input_text","text":"[1]"},"#,
        r#"{"type":"input_text","text":"Context:\nsoon"}]}"#,
    );
    check(asked(parts, Some(json!("soon"))), expected);
}

#[test]
fn a_text_that_says_nothing_is_no_part_beside_attachments() {
    let picture = Part::Image { url: "https://example.com/a.png".to_owned(), detail: None };
    let picture_only = concat!(
        r#"{"type":"message","role":"user","content":["#,
        r#"{"type":"input_image","image_url":"https://example.com/a.png","detail":"auto"}]}"#,
    );
    check(asked(vec![Part::text(""), picture], None), picture_only);
}

#[test]
fn what_the_protocol_cannot_say_is_refused() {
    let refused = |part: Part| render(&request(vec![asked(vec![part], None)]));
    let sound = Part::Audio { url: "data:audio/wav;base64,AA==".to_owned() };
    assert_eq!(refused(sound), Err("this protocol takes no sound".to_owned()));
    let source = FileSource::Url("/etc/passwd".to_owned());
    let problem = refused(Part::File { name: None, source }).expect_err("it is no content");
    assert!(problem.contains("a file as a `data:` URL"), "{problem}");
}

#[test]
fn results_are_text_and_named_by_their_call() {
    let output = |text: &str| {
        format!(r#"{{"type":"function_call_output","call_id":"c1","output":"{text}"}}"#)
    };
    check(result(Outcome::Succeeded(json!("18 C"))), &output("18 C"));
    check(result(Outcome::Succeeded(json!({"t": 18}))), &output(r#"{\"t\":18}"#));
    check(result(Outcome::Failed("no \"sun\"".to_owned())), &output(r#"failed: no \"sun\""#));
    check(result(Outcome::Cancelled("late".to_owned())), &output("cancelled: late"));
    check(result(Outcome::Denied("no".to_owned())), &output("denied: no"));
    let unknown = "outcome unknown: the call may or may not have taken effect";
    check(result(Outcome::Unknown), &output(unknown));
}
