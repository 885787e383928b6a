//! Asking many things at once, each on a fork of its own.

use serde_json::{Value, json};

use crate::{
    server::{Answer, Server},
    support::{Home, run_with},
};

const KEPT: [&str; 3] = ["Be brief.", "Warm?", "Rome."];

fn texts<const N: usize>(answers: [&'static [&'static str]; N]) -> [Answer; N] {
    answers.map(Answer::Text)
}

#[test]
fn instructions_contexts_and_models_are_asked_on_forks_and_answered_in_order() {
    let home = Home::with_trip();
    let server = Server::start(texts([&["a"], &["b"], &["c"], &["d"]]));
    let ran = home.run(&[
        "fan-out",
        "trip",
        "Sun?",
        "Rain?",
        "-m",
        "tiny",
        "-m",
        "large",
        "--context",
        "{\"days\":3}",
        "--concurrency",
        "1",
        "--temperature",
        "0.5",
        "--base-url",
        &server.url,
    ]);
    let expected = "main-2 · Sun? · tiny · {\"days\":3} · sample 1\na\n\n\
                    main-3 · Sun? · large · {\"days\":3} · sample 1\nb\n\n\
                    main-4 · Rain? · tiny · {\"days\":3} · sample 1\nc\n\n\
                    main-5 · Rain? · large · {\"days\":3} · sample 1\nd\n\n";
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, expected, ""));
    assert_eq!(home.texts("trip"), KEPT, "the branch is left as it is");
    assert_eq!(home.texts("trip@main-3"), ["Be brief.", "Warm?", "Rome.", "Sun?", "b"]);
    let sent = server.requests();
    let models: Vec<_> = sent.iter().map(|request| request["model"].clone()).collect();
    assert_eq!(models, ["tiny", "large", "tiny", "large"]);
    assert!(sent.iter().all(|request| request["temperature"] == 0.5));
}

#[test]
fn each_model_is_asked_of_its_own_provider() {
    let home = Home::new();
    let own = Server::start(texts([&["first"], &["own"]]));
    let other = Server::start(texts([&["other"]]));
    // The session remembers the server by its URL.
    assert_eq!(home.run(&[&own.options()[..], &["-t", "trip", "Warm?"]].concat()).code, 0);
    let arguments = ["fan-out", "trip", "q", "-m", "small", "-m", "ollama:x", "--concurrency", "1"];
    let mut command = home.command(arguments);
    command.env("OLLAMA_HOST", &other.url);
    let ran = run_with(command, b"");
    let expected = "main-2 · q · small · sample 1\nown\n\n\
                    main-3 · q · ollama:x · sample 1\nother\n\n";
    assert_eq!((ran.code, ran.out.as_str()), (0, expected), "{ran:?}");
    assert_eq!(own.requests()[1]["model"], "small");
    assert_eq!(other.requests()[0]["model"], "x");
}

#[test]
fn lines_of_standard_input_are_instructions() {
    let home = Home::with_trip();
    let server = Server::start(texts([&["a"], &["b"], &["c"]]));
    let arguments = ["fan-out", "trip", "first", "-", "--concurrency", "1", "-m", "tiny"];
    let arguments = [&arguments[..], &["--base-url", &server.url, "--json"]].concat();
    let ran = home.run_with(b"second\n\nthird\n", &arguments);
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    let items = value["items"].as_array().unwrap();
    let asked: Vec<_> = items.iter().map(|item| item["instruction"].clone()).collect();
    assert_eq!(asked, ["first", "second", "third"]);
}

#[test]
fn a_failure_is_of_its_item_and_the_others_are_kept() {
    let home = Home::with_trip();
    let refuse = Answer::Refuse(400, "", "{\"error\":{\"message\":\"no such word\"}}".to_owned());
    let server = Server::start([Answer::Text(&["a"]), refuse, Answer::Text(&["c"])]);
    let arguments = ["fan-out", "trip", "x", "y", "z", "--concurrency", "1", "-m", "tiny"];
    let ran = home.run(&[&arguments[..], &["--base-url", &server.url, "--json"]].concat());
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.err.contains("1 of 3 failed") && ran.err.contains("no such word"), "{ran:?}");
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    let texts: Vec<_> =
        value["items"].as_array().unwrap().iter().map(|item| item["text"].clone()).collect();
    assert_eq!(texts, [json!("a"), json!(null), json!("c")]);
    assert_eq!(home.texts("trip@main-4").last().unwrap(), "c");
}

#[test]
fn a_prompt_can_be_asked_several_times() {
    let home = Home::new();
    let server = Server::start(texts([&["a"], &["a"], &["a"]]));
    let ran = home.run(&[&server.options()[..], &["-t", "trip", "-n", "3", "Where?"]].concat());
    assert_eq!((ran.code, ran.out.matches("sample").count()), (0, 3), "{ran:?}");
    assert_eq!(home.texts("trip"), Vec::<String>::new());
    for fork in ["main-2", "main-3", "main-4"] {
        assert_eq!(home.texts(&format!("trip@{fork}")), ["Where?", "a"]);
    }
}

#[test]
fn what_cannot_be_asked_is_refused_before_anything_is_made() {
    let home = Home::with_trip();
    let before = home.json(&["tree", "trip"]);
    for (arguments, problem) in [
        (&["fan-out", "trip"][..], "INSTRUCTION"),
        (&["fan-out", "trip", " "], "an instruction is empty"),
        (&["fan-out", "trip", "q", "--context", "{"], "it is no JSON"),
        (&["fan-out", "trip", "q", "-n", "0"], "there is nothing to ask"),
        (&["fan-out", "trip", "q", "-n", "10001"], "it asks more than 10 000 things"),
        (&["fan-out", "trip", "q", "--concurrency", "0"], "none may be asked at a time"),
        (&["-n", "2", "--raw", "q"], "--raw"),
    ] {
        let server = Server::start([]);
        let options: &[&str] = &["-m", "tiny", "--base-url", &server.url];
        let ran = home.run(&[arguments, options].concat());
        ran.fails(2, problem);
        assert!(ran.err.contains(problem), "{ran:?}");
    }
    home.run(&["fan-out", "tirp", "q"]).fails(3, "no such session");
    assert_eq!(home.json(&["tree", "trip"]), before);
}
