//! Replaying a session from its log, and recording what goes over the wire.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};

use crate::{
    server::{Answer, Server},
    support::{Home, Ran, run_with, text_of},
};

/// A home with the session `trip`, which asked `server` twice.
fn asked() -> (Home, Server) {
    let (home, server) =
        (Home::new(), Server::start([Answer::Text(&["Ro", "me."]), Answer::Text(&["Oslo."])]));
    let first = home.run(&[&server.options()[..], &["-t", "trip", "Warm?"]].concat());
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(home.run(&["-c", "Cold?"]).code, 0);
    (home, server)
}

/// The same session elsewhere, with `from` in its archive as `to`.
fn tampered(home: &Home, from: &str, to: &str) -> Home {
    let archive = home.run(&["export", "trip"]).out;
    assert_eq!(archive.matches(from).count(), 1, "{from}");
    let other = Home::new();
    fs::write(other.path("trip.jsonl"), archive.replace(from, to)).unwrap();
    other.json(&["import", "trip.jsonl"]);
    other
}

fn lines(ran: &Ran) -> Vec<&str> {
    ran.out.lines().collect()
}

#[test]
fn a_session_is_had_again_offline_and_left_as_it_was() {
    let (home, server) = asked();
    let before = (home.json(&["reflog", "trip"]), home.json(&["usage"]));
    for arguments in [&["replay", "trip"][..], &["replay", "trip@main", "--drift"]] {
        let ran = home.run(arguments);
        assert_eq!(lines(&ran), ["2 turns, 2 calls, 4 messages: all as logged"], "{ran:?}");
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    }
    let second = home.ids("trip")[2].clone();
    let ran = home.run(&["replay", "trip", "--from", &second]);
    assert_eq!(lines(&ran), ["1 turn, 1 call, 2 messages: all as logged"], "{ran:?}");
    let told = home.json(&["replay", "trip"]);
    assert_eq!(
        (&told["turns"], &told["calls"], &told["messages"]),
        (&2.into(), &2.into(), &4.into())
    );
    assert_eq!((&told["copied"], &told["drifts"]), (&json!([]), &json!([])));
    assert_eq!(server.requests().len(), 2, "nobody was asked");
    assert_eq!((home.json(&["reflog", "trip"]), home.json(&["usage"])), before);
    assert_eq!(home.json(&["sessions", "list"])["sessions"].as_array().unwrap().len(), 1);
}

#[test]
fn what_differs_is_an_exit_code_of_its_own_and_a_report() {
    let (home, _server) = asked();
    let ids = home.ids("trip");
    let other = tampered(&home, "Warm?", "Worm?");
    let strict = other.run(&["replay", "trip"]);
    strict.fails(9, "another question");
    let clause = format!("the replay differs: what {} answered is not what is asked", ids[1]);
    assert!(strict.err.contains(&clause) && strict.err.contains("--drift"), "{strict:?}");
    assert_eq!(strict.out, "");

    let told = other.run(&["replay", "trip", "--drift"]);
    assert_eq!((told.code, told.err.as_str()), (9, ""), "{told:?}");
    let lines = lines(&told);
    assert_eq!(lines.len(), 3, "{told:?}");
    for (line, id) in lines.iter().zip([&ids[1], &ids[3]]) {
        assert!(line.contains(id.as_str()) && line.contains("other bytes were sent"), "{line}");
    }
    assert_eq!(lines[2], "2 turns, 2 calls, 4 messages: 2 things differ");

    let told = other.run(&["replay", "trip", "--drift", "--json"]);
    assert_eq!(told.code, 9);
    let told: Value = serde_json::from_str(&told.out).unwrap();
    let drift = &told["drifts"][0];
    assert_eq!((&drift["kind"], &drift["message"]), (&"asked".into(), &ids[1].as_str().into()));
    assert_eq!(drift["differences"][0]["known"], 0);
    let error = other.run(&["replay", "trip", "--json"]);
    assert_eq!(error.code, 9);
    let error: Value = serde_json::from_str(&error.err).unwrap();
    assert_eq!(error["error"]["code"], "differs");
    // An answer that was changed is what a later request differs in.
    let other = tampered(&home, "Rome.", "Room.");
    let told = other.run(&["replay", "trip", "--drift"]);
    assert!(told.out.ends_with("4 messages: one thing differs\n"), "{told:?}");
}

#[test]
fn what_is_not_there_cannot_be_replayed() {
    let (home, _server) = asked();
    home.run(&["replay", "tirp"]).fails(3, "no such session");
    home.run(&["replay", "trip", "--from", "msg_zzz"]).fails(3, "no such message");
    home.run(&["replay", "trip", "--bogus"]).fails(2, "no such option");
    Home::new().run(&["replay", "trip"]).fails(3, "no session at all");
    let empty = Home::with_trip();
    let ran = empty.run(&["replay", "trip"]);
    assert_eq!(lines(&ran), ["0 turns, 0 calls, 0 messages: all as logged"]);
}

#[test]
fn a_provider_needs_no_key_and_may_be_unknown() {
    let (home, server) = (Home::new(), Server::start([Answer::Text(&["Rome."])]));
    let config = home.path(".config/branchwork/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    let lab = format!("[providers.lab]\nbase_url = '{}'\nkey_env = 'LAB_KEY'\n", server.url);
    fs::write(&config, lab).unwrap();
    let mut command = home.command(["-m", "lab:tiny", "-t", "trip", "Warm?"]);
    command.env("LAB_KEY", "sk-lab");
    assert_eq!(run_with(command, b"").code, 0);
    let all = "1 turn, 1 call, 2 messages: all as logged\n";
    let ran = home.run(&["replay", "trip"]);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), (all, ""));
    fs::remove_file(&config).unwrap();
    let ran = home.run(&["replay", "trip"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, all), "{ran:?}");
    assert!(ran.err.contains("the provider `lab` is not known here"), "{ran:?}");
}

#[test]
fn a_provider_that_was_asked_at_another_address_is_understood() {
    let (home, server) =
        (Home::new(), Server::start([Answer::Text(&["Rome."]), Answer::Text(&["Oslo."])]));
    let ask = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("OPENAI_API_KEY", "sk-1").env("OPENAI_BASE_URL", &server.url);
        let ran = run_with(command, b"");
        assert_eq!(ran.code, 0, "{ran:?}");
    };
    let named = ["--base-url", &server.url, "-m", "openai:tiny", "--max-tokens", "9"];
    ask(&[&named[..], &["-t", "trip", "Warm?"]].concat());
    ask(&["-m", "openai:tiny", "--max-tokens", "9", "-t", "other", "--new", "Cold?"]);
    let bodies = server.requests();
    assert_eq!(
        bodies[0].as_object().unwrap().keys().collect::<Vec<_>>(),
        bodies[1].as_object().unwrap().keys().collect::<Vec<_>>(),
        "the dialect is that of the provider, wherever it is asked"
    );
    for session in ["trip", "other"] {
        let ran = home.run(&["replay", session]);
        assert_eq!(lines(&ran), ["1 turn, 1 call, 2 messages: all as logged"], "{ran:?}");
    }
}

/// A key that was planted, and what the server says of it: whole, in pieces, and refusing it.
const KEY: &str = "sk-Wn3/8fTq+5ZrJ=1dKx7vGb9Ym2Pc";

#[test]
fn a_recording_has_all_that_went_over_the_wire_and_no_key() {
    let refused = json!({ "error": { "message": format!("{KEY} is no key") } }).to_string();
    let headers = "content-type: application/json\r\nset-cookie: a=b\r\n";
    let (home, server) = (
        Home::new(),
        Server::start([
            Answer::Text(&["Ro", "me."]),
            Answer::Refuse(401, headers, refused),
            Answer::Text(&["You said sk-Wn3/8fTq+5ZrJ=1dKx7vGb9Ym2Pc."]),
            Answer::Text(&["You said sk-Wn3/8f", "Tq+5ZrJ=1dKx7vGb9Ym2Pc."]),
            Answer::Text(&["Oslo."]),
        ]),
    );
    let ask = |arguments: &[&str]| {
        let wish = ["--base-url", &server.url, "-m", "tiny", "--record", "wire.jsonl"];
        let mut command = home.command(wish.iter().chain(arguments));
        command.env("BRANCHWORK_API_KEY", KEY);
        run_with(command, b"")
    };
    assert_eq!(ask(&["-t", "trip", "Warm?"]).out, "Rome.\n");
    assert_eq!(ask(&["-S", "trip", "Cold?"]).code, 5);
    for _ in 0..2 {
        assert_eq!(ask(&["-S", "trip", "What did I say?"]).out, "You said ***.\n");
    }
    assert_eq!(ask(&["-S", "trip", "-n", "1", "Cold?"]).code, 0);
    let keys = server.keys();
    assert!(keys.len() == 5 && keys.iter().all(|key| key.as_deref() == Some(KEY)), "{keys:?}");

    let path = home.path("wire.jsonl");
    let text = text_of(&path);
    for part in [KEY, "sk-Wn3", "8fTq", "7vGb9Ym2Pc", "a=b"] {
        assert!(!text.contains(part), "{part} is in {text}");
    }
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let exchanges: Vec<Value> =
        text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
    let ended: Vec<_> = exchanges.iter().map(|one| one["ended"].as_str().unwrap()).collect();
    assert_eq!(ended, ["whole", "whole", "whole", "withheld", "whole"]);
    let bodies: Vec<Value> = exchanges
        .iter()
        .map(|one| serde_json::from_str(one["request"]["body"].as_str().unwrap()).unwrap())
        .collect();
    assert_eq!(bodies, server.requests(), "what was sent, in its order");
    assert!(exchanges[0]["request"]["headers"].to_string().contains(r#"["authorization","***"]"#));
    assert_eq!(exchanges[1]["response"]["status"], 401);
    let body = &exchanges[1]["response"]["pieces"][0]["text"];
    assert_eq!(body, r#"{"error":{"message":"*** is no key"}}"#);
}

#[test]
fn a_file_that_is_no_recording_is_left_alone_and_nobody_is_asked() {
    let (home, server) = (Home::new(), Server::start([Answer::Text(&["Rome."])]));
    fs::write(home.path("diary"), "dear diary\n").unwrap();
    let ask = |more: &[&str]| home.run(&[&server.options()[..], more, &["Warm?"]].concat());
    ask(&["--record", "diary"]).fails(4, "it is no recording");
    assert_eq!(text_of(&home.path("diary")), "dear diary\n");
    ask(&["--record", "no/such/folder"]).fails(1, "it cannot be made");
    ask(&["--record", "wire", "--dry-run"]).fails(2, "nothing goes over the wire");
    assert_eq!(server.requests().len(), 0);
    assert!(!home.path("wire").exists());
}
