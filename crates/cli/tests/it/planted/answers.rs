//! A server that repeats the key it is asked with, wherever it can.

use super::sweep::escaped;
use crate::server::{Answer, chunks};

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// Failures that hold the key, in every form: what each is, and the answer.
pub(super) fn failures(key: &str) -> Vec<(String, Answer)> {
    let named = |(form, key): (&'static str, String)| {
        let all = failures_with(&key).into_iter();
        all.map(move |(what, answer)| (format!("{what}, {form}"), answer))
    };
    escaped(key).into_iter().flat_map(named).collect()
}

fn failures_with(key: &str) -> Vec<(&'static str, Answer)> {
    let refuse =
        |status, headers: String, body: String| Answer::Refuse(status, leak(headers), body);
    let json = "content-type: application/json\r\n";
    let html = "content-type: text/html\r\n";
    let half = chunks(&["half a ", "wo"]);
    let stream = |end: String| Answer::Raw(leak(format!("{half}{end}")));
    let said = format!("{{\"error\":{{\"message\":\"Incorrect API key provided: {key}\"}}}}");
    vec![
        ("401", refuse(401, json.to_owned(), said.clone())),
        (
            "400 in a list",
            refuse(400, String::new(), format!("{{\"detail\":[{{\"input\":\"{key}\"}}]}}")),
        ),
        (
            "403 behind another",
            refuse(
                403,
                String::new(),
                format!(
                    "{{\"error\":{{\"message\":\"m\",\"metadata\":{{\"raw\":\"{{\\\"key\\\":\\\"{}\\\"}}\"}}}}}}",
                    key.replace('\\', r"\\"),
                ),
            ),
        ),
        ("429", refuse(429, format!("retry-after: {key}\r\n"), said.clone())),
        ("500 as text", refuse(500, String::new(), format!("authorization: Bearer {key}"))),
        ("502 as a page", refuse(502, html.to_owned(), format!("<html><title>No {key}</title>"))),
        (
            "a redirect",
            refuse(307, format!("location: http://127.0.0.1:9/?key={key}\r\n"), String::new()),
        ),
        ("a page", refuse(200, html.to_owned(), format!("<p>{key}</p>"))),
        ("no JSON", refuse(200, json.to_owned(), format!("{{\"key\": {key}"))),
        (
            "a half at the end of what is shown",
            refuse(200, json.to_owned(), format!("{}{key}", "x".repeat(108))),
        ),
        (
            "JSON of another kind",
            refuse(200, json.to_owned(), format!("{{\"choices\":\"{key}\"}}")),
        ),
        ("an error in the stream", stream(format!("data: {said}\n\n"))),
        ("an event of an error", stream(format!("event: error\ndata: {key}\n\n"))),
        ("nonsense in the stream", stream(format!("data: {{\"{key}\n\n"))),
    ]
}

/// Answers that are good and hold the key: whole, cut into pieces, and in every field.
pub(super) fn answers(key: &str) -> Vec<Answer> {
    let (left, right) = key.split_at(7);
    let delta = |delta: String| format!("data: {{\"choices\":[{{\"delta\":{{{delta}}}}}]}}\n\n");
    let end = |reason: &str| {
        format!(
            "data: {{\"choices\":[{{\"delta\":{{}},\"finish_reason\":\"{reason}\"}}]}}\n\ndata: [DONE]\n\n"
        )
    };
    let raw = |text: String| Answer::Raw(leak(text));
    let call = format!(
        "\"tool_calls\":[{{\"index\":0,\"id\":\"{key}\",\"function\":{{\"name\":\"{key}\",\"arguments\":\"{{\\\"k\\\":\\\"{left}\"}}}}]"
    );
    let more = format!(
        "\"tool_calls\":[{{\"index\":0,\"function\":{{\"arguments\":\"{right}\\\"}}\"}}}}]"
    );
    let whole = format!(
        "{{\"id\":\"{key}\",\"model\":\"{key}\",\"choices\":[{{\"message\":{{\"content\":\"You are {key}.\"}},\"finish_reason\":\"{key}\"}}]}}"
    );
    vec![
        raw(chunks(&["You are ", leak(key.to_owned()), "."]) + &end("stop")),
        raw(chunks(&["You are ", leak(left.to_owned()), leak(right.to_owned()), "."]) + &end(key)),
        raw(key.chars().map(|letter| chunks(&[&letter.to_string()])).collect::<String>()
            + &end("stop")),
        raw(format!("data: {{\"id\":\"{key}\",\"model\":\"{key}\",\"choices\":[]}}\n\n")
            + &delta(format!("\"reasoning\":\"I know {left}\""))
            + &delta(format!("\"reasoning\":\"{right}\""))
            + &delta(format!("\"reasoning_details\":[{{\"text\":\"{key}\"}}]"))
            + &delta("\"content\":\"well\"".to_owned())
            + &end("stop")),
        Answer::Refuse(200, "content-type: application/json\r\n", whole),
        raw(delta(call) + &delta(more) + &end("tool_calls")),
    ]
}

/// Lists of models that hold the key.
pub(super) fn lists(key: &str) -> Vec<Answer> {
    let json = "content-type: application/json\r\n";
    let mut lists = Vec::new();
    for (_, key) in escaped(key) {
        let list = format!("{{\"data\":[{{\"id\":\"{key}\",\"owned_by\":\"{key}\"}}]}}");
        lists.push(Answer::Refuse(200, json, list));
        lists.push(Answer::Refuse(200, json, format!("{{\"models\":\"{key}\"}}")));
        lists.push(Answer::Refuse(401, json, format!("{{\"error\":\"no {key}\"}}")));
        let location = leak(format!("location: /?key={key}\r\n"));
        lists.push(Answer::Refuse(302, location, String::new()));
    }
    lists
}
