//! What is done when providers fail, as options and the configuration file say.

use std::{net::TcpListener, sync::mpsc, thread};

use serde_json::{Value, json};

use crate::{
    server::{Answer, Server},
    support::{Home, Ran, run_with},
};

fn down() -> Answer {
    Answer::Refuse(503, "", "{}".to_owned())
}

/// A home whose provider `lab` is `server`, with `fields`.
fn home(server: &Server, fields: &str) -> Home {
    Home::configured(&format!("[providers.lab]\nbase_url = '{}'\n{fields}", server.url))
}

fn ask(home: &Home, options: &[&str]) -> Ran {
    home.run(&[&["-m", "lab:tiny"], options, &["Warm?"]].concat())
}

#[test]
fn a_call_is_made_anew_only_when_it_is_said_and_the_option_comes_before_the_file() {
    let server = Server::start([down()]);
    ask(&home(&server, ""), &[]).fails(5, "nothing is said");
    assert_eq!(server.requests().len(), 1);

    let server = Server::start([down(), Answer::Text(&["Rome."])]);
    let home_of = home(&server, "retries = 1\n");
    let ran = ask(&home_of, &[]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "Rome.\n"), "{ran:?}");
    assert!(ran.err.contains("unavailable"), "it is told: {ran:?}");
    assert_eq!(home_of.json(&["usage"])["rows"][0]["retries"], 1);

    let server = Server::start([down(), Answer::Text(&["Rome."])]);
    ask(&home(&server, "retries = 1\n"), &["--retries", "0"]).fails(5, "none is wanted");
    assert_eq!(server.requests().len(), 1);
    let ran = ask(&home(&server, ""), &["--retries", "1", "--stream-json"]);
    assert_eq!((ran.code, server.requests().len()), (0, 2), "{ran:?}");
}

#[test]
fn another_provider_is_asked_with_a_key_of_its_own_when_the_first_cannot_answer() {
    let near = Server::start((0..4).map(|_| down()));
    let far = Server::start((0..4).map(|_| Answer::Text(&["Rome."])));
    let config = format!(
        "[providers.near]\nbase_url = '{}'\nkey_env = 'NEAR'\nfallbacks = ['far:large']\n\
         [providers.far]\nbase_url = '{}'\nkey_env = 'FAR'\n[aliases]\nbig = 'far:huge'\n",
        near.url, far.url
    );
    let home = Home::configured(&config);
    let ask = |options: &[&str]| {
        let mut command = home.command([&["-m", "near:tiny"], options, &["Warm?"]].concat());
        command.env("NEAR", "sk-near").env("FAR", "sk-far");
        let ran = run_with(command, b"");
        assert_eq!((ran.code, ran.out.as_str()), (0, "Rome.\n"), "{ran:?}");
    };
    ask(&[]);
    ask(&["--fallback", "far"]);
    ask(&["--fallback", "big"]);
    // The first one that can answer is the last that is asked.
    ask(&["--fallback", "near:small", "--fallback", "far"]);
    // The second one is paid.
    let paid = home.json(&["usage", "--by", "model"]);
    let keys: Vec<_> = paid["rows"].as_array().unwrap().iter().map(|row| &row["key"]).collect();
    assert!(keys.iter().all(|key| key.as_str().unwrap().starts_with("far:")), "{paid}");
    let models = |server: &Server| -> Vec<Value> {
        server.requests().iter().map(|request| request["model"].clone()).collect()
    };
    assert_eq!(models(&near), ["tiny", "tiny", "tiny", "tiny", "small"]);
    assert_eq!(models(&far), ["large", "tiny", "huge", "tiny"]);
    assert!(near.keys().iter().all(|key| key.as_deref() == Some("sk-near")));
    assert!(far.keys().iter().all(|key| key.as_deref() == Some("sk-far")));
}

#[test]
fn an_open_breaker_is_passed_by_where_there_is_a_fallback() {
    let near = Server::start((0..4).map(|_| down()));
    let far = Server::start([Answer::Text(&["Rome."])]);
    let config = format!("[providers.far]\nbase_url = '{}'\n", far.url);
    let home = Home::configured(&format!("{config}[providers.lab]\nbase_url = '{}'\n", near.url));
    let ran = ask(&home, &["--retries", "3", "--breaker-failures", "2", "--fallback", "far"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "Rome.\n"), "{ran:?}");
    // It is not waited for until it closes, and asked again.
    assert_eq!(near.requests().len(), 2);
}

#[test]
fn a_fallback_that_cannot_be_asked_is_named_before_anything_is_sent() {
    let server = Server::start([Answer::Text(&["Rome."])]);
    let home = home(&server, "");
    for (other, code, said) in [
        ("opnai", 2, "did you mean `openai`?"),
        ("nobody:x", 2, "there is no provider `nobody`"),
        ("lab", 2, "`lab` cannot stand in for itself"),
        ("openai", 5, "the fallback `openai` of `lab`: the provider `openai` wants a key"),
    ] {
        let ran = ask(&home, &["--fallback", other]);
        ran.fails(code, other);
        assert!(ran.err.contains(said), "{ran:?}");
    }
    assert!(server.requests().is_empty() && !home.db().exists());
}

#[test]
fn a_call_that_takes_too_long_is_ended_and_says_which_limit_it_was() {
    let stalled = |pieces: &'static [&'static str], fields: &str, options: &[&str]| {
        let (told, heard) = mpsc::channel();
        let server = Server::start([Answer::Stall(pieces, told)]);
        let home = home(&server, fields);
        let ran = ask(&home, &[options, &["-t", "trip"]].concat());
        heard.recv().unwrap();
        ran.fails(5, fields);
        (ran.err, home.texts("trip").pop().unwrap())
    };
    let (said, kept) = stalled(&[], "first_token_timeout = 0.2\n", &[]);
    assert!(said.contains("no first token came within 200ms"), "{said}");
    assert_eq!(kept, "");
    let (said, kept) = stalled(&["Ro"], "between_tokens_timeout = 0.2\n", &[]);
    assert!(said.contains("no next token came within 200ms"), "{said}");
    assert_eq!(kept, "Ro");
    let (said, _) = stalled(&["Ro"], "total_timeout = 3600\n", &["--total-timeout", "1s"]);
    assert!(said.contains("no end of the answer came within 1s"), "{said}");
}

#[test]
fn a_connection_that_does_not_come_about_is_given_up() {
    // It is connected, and never says a word of TLS.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/v1", listener.local_addr().unwrap());
    thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    let config = format!("[providers.lab]\nbase_url = '{url}'\nconnect_timeout = 0.2\n");
    let ran = ask(&Home::configured(&config), &["--total-timeout", "8s"]);
    ran.fails(5, "nobody answers");
    assert!(!ran.err.contains("within 8s"), "the shorter limit is reached: {ran:?}");
}

/// The result of asking twice, one after the other; fails as the first of them does.
fn twice(home: &Home, options: &[&str]) -> Ran {
    home.json(&["append", "trip", "--create", "--role", "system", "Be brief."]);
    let arguments = ["fan-out", "trip", "Warm?", "Warm?", "--concurrency", "1"];
    home.run(&[&arguments, options].concat())
}

#[test]
fn who_asks_one_provider_shares_its_limits() {
    let wait = || Answer::Refuse(429, "retry-after: 120\r\n", "{}".to_owned());
    let server = Server::start([wait(), wait(), wait()]);
    let models = ["-m", "lab:a", "-m", "lab:b"];
    // Without a limit, nobody waits for another.
    assert_eq!(twice(&home(&server, ""), &models[..2]).code, 5);
    assert_eq!(server.requests().len(), 2);
    let ran = twice(&home(&server, "requests_per_minute = 100\n"), &models);
    ran.fails(5, "all four are refused");
    assert!(ran.err.contains("4 of 4 failed"), "{ran:?}");
    assert_eq!(server.requests().len(), 3, "one is sent: the provider wants to be left alone");
}

#[test]
fn a_provider_that_fails_is_left_alone_when_it_is_said() {
    let server = Server::start([down(), down()]);
    twice(&home(&server, ""), &["-m", "lab:tiny"]).fails(5, "each is asked");
    assert_eq!(server.requests().len(), 2);
    let server = Server::start([down(), down()]);
    let ran = twice(&home(&server, ""), &["-m", "lab:tiny", "--breaker-failures", "1"]);
    ran.fails(5, "the second is not asked");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_answer_is_given_again_only_when_it_is_said_and_one_is_wanted() {
    let server = Server::start((0..9).map(|_| Answer::Text(&["Rome."])));
    let asked = |home: &Home, options: &[&str], count: usize| {
        let before = server.requests().len();
        let ran = twice(home, &[&["-m", "lab:tiny"], options].concat());
        assert_eq!((ran.code, ran.out.matches("Rome.").count() >= 2), (0, true), "{ran:?}");
        assert_eq!(server.requests().len() - before, count, "{options:?}");
    };
    asked(&home(&server, ""), &[], 2);
    asked(&home(&server, ""), &["--cache"], 1);
    asked(&home(&server, "cache = true\n"), &[], 1);
    asked(&home(&server, "cache = true\n"), &["--cache=false"], 2);

    let home = home(&server, "cache = true\n");
    let before = server.requests().len();
    assert_eq!(ask(&home, &["-n", "2"]).code, 0);
    assert_eq!(server.requests().len() - before, 2, "several answers are wanted");
    ask(&home, &["-n", "2", "--cache"]).fails(2, "both cannot be");
}

#[test]
fn options_that_make_no_sense_are_named() {
    let server = Server::start([]);
    let home = home(&server, "");
    for option in [
        "--retries=-1",
        "--retries=x",
        "--requests-per-minute=0",
        "--tokens-per-minute=0",
        "--input-tokens-per-minute=1.5",
        "--output-tokens-per-minute=",
        "--concurrent-calls=0",
        "--connect-timeout=5",
        "--first-token-timeout=0s",
        "--between-tokens-timeout=soon",
        "--total-timeout=1w",
        "--breaker-failures=0",
        "--breaker-cool-down=-1s",
        "--cache=maybe",
        "--budget-usd=0",
        "--budget-usd=0.0000001",
        "--budget-tokens=0",
        "--budget-scope=forest",
        "--budget-over=go",
    ] {
        let ran = ask(&home, &[option]);
        ran.fails(2, option);
        let name = option.split_once('=').unwrap().0;
        assert!(ran.err.contains(name), "{option}: {ran:?}");
    }
    let ran = home.run(&["compact", "trip", "--summary", "x", "--retries", "1"]);
    ran.fails(2, "no model is asked");
    home.run(&["--retries", "1", "ls"]).fails(2, "an option of a prompt before a command");
    assert!(server.requests().is_empty() && !home.db().exists());
}

#[test]
fn settings_of_calls_are_set_shown_and_refused() {
    let home = Home::new();
    let settings = [
        ("providers.lab.retries", "3", "3"),
        ("providers.lab.first_token_timeout", "1.5", "1.5"),
        ("providers.lab.cache", "true", "true"),
        ("providers.lab.fallbacks", "[\"openai\", \"groq:x\"]", "openai, groq:x"),
        ("budget.tokens", "1000", "1000"),
        ("budget.usd", "2.5", "2.5"),
        ("budget.scope", "tree", "tree"),
    ];
    for (key, value, _) in settings {
        home.json(&["config", "set", key, value]);
        assert_eq!(home.json(&["config", "get", key])["value"], value, "{key}");
    }
    let shown = home.json(&["config", "show"]);
    for (key, _, value) in settings {
        let setting = json!({ "key": key, "value": value, "origin": "file" });
        assert!(shown["settings"].as_array().unwrap().contains(&setting), "{setting}: {shown}");
    }
    for (key, value, said) in [
        ("providers.lab.retries", "many", "`providers.lab.retries` must be a whole number"),
        (
            "providers.lab.fallbacks",
            "[\"opnai\"]",
            "`providers.lab.fallbacks`: there is no provider",
        ),
        ("providers.lab.retrys", "1", "there is no setting `providers.lab.retrys`"),
        ("budget.usd", "free", "`budget.usd` must be US dollars"),
    ] {
        let ran = home.run(&["config", "set", key, value]);
        ran.fails(2, key);
        assert!(ran.err.contains(said), "{ran:?}");
    }
    assert_eq!(home.json(&["config", "show"]), shown, "nothing was written");
}
