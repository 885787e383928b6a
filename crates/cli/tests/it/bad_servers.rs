//! Servers that misbehave: a code, one line, and what had come is kept.

use crate::{
    server::{Answer, Server, chunks},
    support::Home,
};

/// Asks a server that does `answer`; answers what is kept of it.
fn asked(what: &str, answer: Answer, says: &str) -> (String, String) {
    let (home, server) = (Home::with_trip(), Server::start([answer, Answer::Text(&["well"])]));
    let ask = || home.run(&[&server.options()[..], &["-S", "trip", "q"]].concat());
    let ran = ask();
    ran.fails(5, what);
    assert!(ran.err.contains(says), "{what}: {ran:?}");
    let log = home.json(&["log", "trip"]);
    let messages = log["messages"].as_array().unwrap();
    assert_eq!((messages.len(), &messages[3]["content"]), (5, &"q".into()), "{what}");
    assert_eq!(ask().code, 0, "{what}: the next turn goes well");
    assert_eq!(home.json(&["db", "verify"])["ok"], true, "{what}");
    let field = |name: &str| messages[4][name].as_str().unwrap().to_owned();
    (field("status"), field("content"))
}

#[test]
fn refusals_are_told_apart_and_the_question_is_kept() {
    let error = |message: &str| format!("{{\"error\":{{\"message\":\"{message}\"}}}}");
    for (what, status, headers, body, says) in [
        ("401", 401, "", error("bad key"), "credentials: bad key"),
        ("403", 403, "", error("not yours"), "credentials"),
        ("404", 404, "", error("no such model"), "no such model"),
        ("400", 400, "", error("temperature"), "refused the request"),
        (
            "too long",
            400,
            "",
            error("This model's maximum context length is 10 tokens"),
            "longer than",
        ),
        ("429", 429, "retry-after: 7\r\n", error("slow down"), "hint: the server asks to wait 7 s"),
        ("500", 500, "", error("oops"), "unavailable"),
        ("503", 503, "", "<html>busy</html>".to_owned(), "unavailable"),
        ("HTML", 200, "content-type: text/html\r\n", "<html></html>".to_owned(), "malformed"),
        ("no JSON", 200, "content-type: application/json\r\n", "{".to_owned(), "malformed"),
    ] {
        let kept = asked(what, Answer::Refuse(status, headers, body), says);
        assert_eq!(kept, ("failed".to_owned(), String::new()), "{what}");
    }
}

#[test]
fn a_stream_that_breaks_off_is_kept_as_far_as_it_came() {
    let half = chunks(&["half a ", "wo"]);
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let cut = leak(half.clone() + "data: {\"choices\":[{\"delta\":{\"cont");
    let malformed = leak(half.clone() + "data: {nonsense}\n\n");
    let error = leak(half.clone() + "data: {\"error\":{\"message\":\"overloaded\"}}\n\n");
    for (what, body, says) in [
        ("cut in mid-word", cut, "cut off"),
        ("ends without its end", leak(half), "cut off"),
        ("malformed", malformed, "malformed"),
        ("an error inside", error, "overloaded"),
    ] {
        let kept = asked(what, Answer::Raw(body), says);
        assert_eq!(kept, ("failed".to_owned(), "half a wo".to_owned()), "{what}");
    }
}

#[test]
fn an_answer_that_says_nothing_is_a_failure() {
    let end = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    asked("empty", Answer::Raw(end), "empty answer");
}

#[test]
fn with_no_model_and_no_server_it_says_in_three_lines_what_to_do() {
    let home = Home::new();
    let mut command = home.command(["q"]);
    // Ports on which nothing listens, whatever else runs on this machine.
    command.env("OLLAMA_HOST", "127.0.0.1:9");
    let ran = crate::support::Ran::new(&command.output().unwrap());
    if ran.code == 0 {
        // A real server runs on one of the usual ports: then it was asked.
        assert!(!ran.out.is_empty());
        return;
    }
    ran.fails(5, "nobody to ask");
    assert_eq!(ran.err.lines().count(), 3, "{ran:?}");
    assert!(!home.db().exists());
}
