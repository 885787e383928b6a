//! Asking: prompts, sessions, models, output.

use serde_json::json;

use crate::{
    server::{Answer, Server},
    support::{Home, run_with, text_of},
};

#[test]
fn a_prompt_is_answered_kept_and_gone_on_with() {
    let (home, server) =
        (Home::new(), Server::start([Answer::Text(&["Ro", "me."]), Answer::Text(&["Oslo."])]));
    let first =
        home.run(&[&server.options()[..], &["-t", "trip", "-s", "Be brief.", "Warm?"]].concat());
    assert_eq!((first.code, first.out.as_str(), first.err.as_str()), (0, "Rome.\n", ""));
    let second = home.run(&["--base-url", &server.url, "-c", "Cold?"]);
    assert_eq!((second.code, second.out.as_str()), (0, "Oslo.\n"));
    assert_eq!(home.texts("trip"), ["Be brief.", "Warm?", "Rome.", "Cold?", "Oslo."]);
    let sent = &server.requests()[1];
    assert_eq!(sent["model"], "tiny");
    let roles: Vec<_> =
        sent["messages"].as_array().unwrap().iter().map(|m| m["role"].clone()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
}

#[test]
fn a_server_is_remembered_by_its_url() {
    let home = Home::new();
    let server = Server::start([Answer::Text(&["Rome."]), Answer::Text(&["Oslo."])]);
    assert_eq!(home.run(&[&server.options()[..], &["-t", "trip", "Warm?"]].concat()).code, 0);
    let second = home.run(&["-c", "Cold?"]);
    assert_eq!((second.code, second.out.as_str()), (0, "Oslo.\n"), "{second:?}");
    assert_eq!(server.requests()[1]["model"], "tiny");
}

#[test]
fn a_key_goes_to_another_server_only_when_its_provider_is_named_with_it() {
    let home = Home::new();
    let answers = ["a", "b", "c"].map(|_| Answer::Text(&["well"]));
    let server = Server::start(answers);
    let ask = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("GROQ_API_KEY", "gsk-secret");
        assert_eq!(run_with(command, b"").code, 0, "{arguments:?}");
    };
    ask(&["--base-url", &server.url, "-m", "groq:tiny", "-t", "trip", "named with it"]);
    ask(&["--base-url", &server.url, "-c", "only the session names it"]);
    ask(&["--base-url", &server.url, "-m", "tiny", "--new", "not named"]);
    assert_eq!(server.keys(), [Some("gsk-secret".to_owned()), None, None]);
}

/// The request that `arguments` would send.
fn planned(home: &Home, arguments: &[&str]) -> serde_json::Value {
    let ran = home.run(&[&["--dry-run", "--seed", "5"], arguments, &["q"]].concat());
    assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn a_protocol_of_the_file_keeps_the_dialect_of_a_known_provider() {
    let home = Home::new();
    for (name, seed) in [("mistral", "random_seed"), ("lab", "seed"), ("openai-responses", "seed")]
    {
        home.json(&["config", "set", &format!("providers.{name}.base_url"), "127.0.0.1:9"]);
        home.json(&["config", "set", &format!("providers.{name}.protocol"), "chat"]);
        let planned = planned(&home, &["-m", &format!("{name}:tiny")]);
        assert_eq!(planned["url"], "http://127.0.0.1:9/v1/chat/completions", "{name}");
        assert_eq!(planned["body"][seed], 5, "{name}: {planned}");
    }
}

#[test]
fn a_server_by_its_url_is_talked_to_as_the_provider_that_is_named_with_it() {
    let home = Home::new();
    home.json(&["config", "set", "providers.lab.protocol", "ollama"]);
    let at = |model: &str| planned(&home, &["--base-url", "127.0.0.1:9", "-m", model]);
    let lab = at("lab:tiny");
    assert_eq!(lab["url"], "http://127.0.0.1:9/api/chat");
    assert_eq!(lab["body"]["options"]["seed"], 5, "{lab}");
    let mistral = at("mistral:tiny");
    assert_eq!(mistral["url"], "http://127.0.0.1:9/v1/chat/completions");
    assert_eq!(mistral["body"]["random_seed"], 5, "{mistral}");
    assert_eq!(at("tiny")["body"]["seed"], 5, "nobody is named");
}

#[test]
fn models_of_a_server_by_its_url_are_asked_for_as_those_of_the_provider_that_is_named() {
    let (home, server) = (Home::new(), Server::start([]));
    home.json(&["config", "set", "providers.lab.protocol", "anthropic"]);
    home.json(&["config", "set", "providers.lab.key_env", "LAB_KEY"]);
    let list = |arguments: &[&str], key: &str| {
        let mut command = home.command(["models", "--base-url", &server.url]);
        command.args(arguments).env(key, "sk-secret");
        let ran = run_with(command, b"");
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran.out
    };
    assert_eq!(list(&["lab"], "LAB_KEY"), "lab:first\nlab:second\n");
    assert_eq!(list(&[], "LAB_KEY"), "custom:first\ncustom:second\n");
    list(&[], "BRANCHWORK_API_KEY");
    let get = |path: &str, key: Option<&str>| {
        (format!("GET /v1/models{path} HTTP/1.1"), key.map(str::to_owned))
    };
    let key = Some("sk-secret");
    assert_eq!(server.listed(), [get("?limit=1000", key), get("", None), get("", key)]);
}

#[test]
fn s182_a_missing_key_is_named_before_anything_is_sent_or_made() {
    let server = Server::start([Answer::Text(&["well"])]);
    let ask = |home: &Home, key: &str, arguments: &[&str]| {
        let mut command = home.command(["-m", "openai:x"].iter().chain(arguments));
        command.env("OPENAI_BASE_URL", &server.url).env("OPENAI_API_KEY", key);
        run_with(command, b"")
    };
    let (home, trip) = (Home::new(), Home::with_trip());
    let before = trip.json(&["sessions", "list"]);
    for (home, arguments) in [
        (&home, &["q"][..]),
        (&home, &["-t", "new", "-s", "Be brief.", "q"]),
        (&trip, &["-t", "new", "q"]),
        (&trip, &["-S", "trip", "q"]),
        (&trip, &["-c", "q"]),
    ] {
        let ran = ask(home, "", arguments);
        ran.fails(5, "a provider without its key");
        assert!(ran.err.contains("OPENAI_API_KEY"), "{arguments:?}: {ran:?}");
        assert_eq!(ran.out, "", "{arguments:?}");
    }
    assert!(server.requests().is_empty(), "nothing is sent");
    assert!(!home.db().exists(), "nothing is made");
    assert_eq!(trip.json(&["sessions", "list"]), before);
    assert_eq!(trip.texts("trip"), ["Be brief.", "Warm?", "Rome."]);
    let with_key = ask(&home, "sk-good", &["q"]);
    assert_eq!((with_key.code, with_key.out.as_str()), (0, "well\n"), "{with_key:?}");
    assert_eq!(server.keys(), [Some("sk-good".to_owned())]);
}

#[test]
fn what_is_piped_in_is_appended_and_a_dash_stands_for_it() {
    let home = Home::new();
    let server = Server::start([Answer::Text(&["a"]), Answer::Text(&["b"]), Answer::Text(&["c"])]);
    let ask = |input: &str, prompt: &[&str]| {
        let ran = home.run_with(input.as_bytes(), &[&server.options()[..], prompt].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
    };
    ask("the diff", &["Review"]);
    ask("from the pipe", &["-"]);
    ask("alone", &[]);
    let said: Vec<_> =
        server.requests().iter().map(|r| r["messages"][0]["content"].clone()).collect();
    assert_eq!(said, ["Review\n\nthe diff", "from the pipe", "alone"]);
}

#[test]
fn without_a_model_the_first_one_of_the_server_is_asked() {
    let (home, server) = (Home::new(), Server::start([Answer::Text(&["x"])]));
    let ran = home.run(&["--base-url", &server.url, "q"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "x\n"));
    assert_eq!(server.requests()[0]["model"], "first");
}

#[test]
fn the_answer_goes_to_a_file_or_comes_raw() {
    let (home, server) =
        (Home::new(), Server::start([Answer::Text(&["one"]), Answer::Text(&["two"])]));
    let file = home.path("answer.txt");
    let ran = home.run(&[&server.options()[..], &["-o", file.to_str().unwrap(), "q"]].concat());
    assert_eq!((ran.code, ran.out.as_str(), text_of(&file).as_str()), (0, "", "one"));
    let raw = home.run(&[&server.options()[..], &["-r", "q"]].concat());
    assert_eq!(raw.out, "two");
    let again = home.run(&[&server.options()[..], &["-o", file.to_str().unwrap(), "q"]].concat());
    again.fails(4, "a file is not overwritten");
    assert_eq!(server.requests().len(), 2, "and the model is not asked");
}

#[test]
fn a_dry_run_prints_the_request_and_leaves_nothing() {
    let (home, server) = (Home::new(), Server::start([]));
    let ran =
        home.run(&[&server.options()[..], &["--dry-run", "--seed", "0", "-s", "S", "q"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let printed: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(printed["url"], format!("{}/chat/completions", server.url));
    assert_eq!(
        (&printed["body"]["seed"], &printed["body"]["messages"][1]["content"]),
        (&json!(0), &json!("q"))
    );
    assert!(server.requests().is_empty());
    assert!(!home.db().exists());
    let home = Home::with_trip();
    let ran = home.run(&[&server.options()[..], &["--dry-run", "-S", "trip", "And?"]].concat());
    let printed: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(printed["body"]["messages"].as_array().unwrap().len(), 4);
    assert_eq!(home.texts("trip").len(), 3);
}

#[test]
fn nothing_is_saved_when_nothing_shall_be() {
    let (home, server) = (Home::new(), Server::start([Answer::Text(&["x"])]));
    let ran = home.run(&[&server.options()[..], &["--no-save", "q"]].concat());
    assert_eq!((ran.code, ran.out.as_str()), (0, "x\n"));
    assert!(!home.db().exists());
}

#[test]
fn asking_from_an_old_message_forks_there_and_from_the_last_one_does_not() {
    let home = Home::with_trip();
    let server = Server::start([Answer::Text(&["Oslo."]), Answer::Text(&["Bye."])]);
    let ids = home.ids("trip");
    let ask = |from: &str| {
        let ran = home.run(
            &[&server.options()[..], &["-S", "trip", "--from", from, "--json", "Else?"]].concat(),
        );
        assert_eq!(ran.code, 0, "{ran:?}");
        serde_json::from_str::<serde_json::Value>(&ran.out).unwrap()["branch"].clone()
    };
    assert_eq!(ask(&ids[1]), "main-2");
    assert_eq!(home.texts("trip@main-2"), ["Be brief.", "Warm?", "Else?", "Oslo."]);
    assert_eq!(ask(&ids[2]), "main");
    assert_eq!(home.texts("trip"), ["Be brief.", "Warm?", "Rome.", "Else?", "Bye."]);
}

#[test]
fn options_come_before_the_environment_before_the_file() {
    let (home, server) = (
        Home::new(),
        Server::start([Answer::Text(&["1"]), Answer::Text(&["2"]), Answer::Text(&["3"])]),
    );
    home.json(&["config", "set", "providers.lab.base_url", &server.url]);
    home.json(&["config", "set", "model", "lab:of-file"]);
    home.json(&["config", "set", "aliases.quick", "lab:of-alias"]);
    assert_eq!(home.run(&["q"]).code, 0);
    let with_environment = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        assert!(command.env("BRANCHWORK_MODEL", "lab:of-environment").status().unwrap().success());
    };
    with_environment(&["q"]);
    with_environment(&["-m", "quick", "q"]);
    let models: Vec<_> = server.requests().iter().map(|request| request["model"].clone()).collect();
    assert_eq!(models, ["of-file", "of-environment", "of-alias"]);
}

#[test]
fn keys_go_to_the_server_and_nowhere_else() {
    let key = "sk-planted-0123456789";
    let body = format!("{{\"error\":{{\"message\":\"Incorrect API key provided: {key}\"}}}}");
    let (home, server) = (Home::new(), Server::start([Answer::Refuse(401, "", body)]));
    let arguments = [&server.options()[..], &["--json", "q"]].concat();
    let output = home.command(arguments).env("BRANCHWORK_API_KEY", key).output().unwrap();
    let ran = crate::support::Ran::new(&output);
    assert_eq!(ran.code, 5);
    assert!(!format!("{ran:?}").contains(key), "{ran:?}");
    for file in std::fs::read_dir(home.db().parent().unwrap()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()));
    }
}

#[test]
fn s182_a_key_that_the_configuration_names_and_that_is_missing_is_named_too() {
    let server = Server::start([Answer::Text(&["well"])]);
    for provider in ["lab", "openai"] {
        let home = Home::new();
        let setting = |name: &str| format!("providers.{provider}.{name}");
        home.json(&["config", "set", &setting("base_url"), &server.url]);
        home.json(&["config", "set", &setting("key_env"), "LAB_KEY"]);
        let ran = home.run(&["-m", &format!("{provider}:x"), "q"]);
        ran.fails(5, "a provider without the key it was configured to have");
        assert!(ran.err.contains("LAB_KEY"), "{ran:?}");
        assert!(server.requests().is_empty() && !home.db().exists());
    }
}
