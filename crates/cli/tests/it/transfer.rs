//! Export and import: files are whole, never overwritten, and come back as they were.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    server::{Answer, Server},
    support::Home,
};

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn an_archive_makes_the_same_session_elsewhere_as_often_as_you_like() {
    let (home, server) = (Home::with_trip(), Server::start([Answer::Text(&["well"])]));
    let ran = home.run(&[&server.options()[..], &["-S", "trip", "q"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    home.json(&["fork", "trip", "--at", "~2", "--name", "side"]);
    home.json(&["undo", "trip"]);
    let written = home.json(&["export", "trip", "-o", "trip.jsonl"]);
    assert_eq!(written["file"], "trip.jsonl");
    home.run(&["export", "trip", "-o", "trip.jsonl"]).fails(4, "it is there already");
    assert_eq!(home.run(&["export", "trip"]).out, text(&home.path("trip.jsonl")));
    let other = Home::new();
    fs::copy(home.path("trip.jsonl"), other.path("trip.jsonl")).unwrap();
    for messages in [5, 0] {
        let imported = other.json(&["import", "trip.jsonl"]);
        assert_eq!(imported["messages"], messages);
        assert_eq!(imported["sessions"][0]["name"], "trip");
    }
    for command in [["log", "trip"], ["log", "trip@side"], ["reflog", "trip"], ["tree", "trip"]] {
        assert_eq!(other.json(&command), home.json(&command), "{command:?}");
    }
    let usage = other.json(&["usage", "--by", "model"]);
    let row = &usage["rows"][0];
    assert!(row["key"].as_str().unwrap().ends_with("/v1:tiny"), "{row}");
    assert_eq!(row["calls"], 1);
    assert_eq!(other.json(&["db", "verify"])["ok"], true);
}

#[test]
fn tables_come_back_as_they_were() {
    let home = Home::with_trip();
    for (format, file) in [("csv", "t.csv"), ("json", "t.json"), ("jsonl", "t.jsonl")] {
        home.json(&["export", "trip@main", "--format", format, "-o", file]);
        let imported = home.json(&["import", file, "--session", format]);
        assert_eq!((&imported["messages"], &imported["branches"]), (&3.into(), &1.into()));
        assert_eq!(home.texts(format), home.texts("trip"));
        let again = home.run(&["export", format, "--format", format]);
        assert_eq!(again.out, text(&home.path(file)));
    }
    let head = text(&home.path("t.csv"));
    assert!(head.starts_with("node_id,timestamp,role,sender,content\n"), "{head}");
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_tables_come_back_as_they_were() {
    let home = Home::with_trip();
    home.json(&["export", "trip@main", "--format", "parquet", "-o", "t.parquet"]);
    assert!(fs::read(home.path("t.parquet")).unwrap().starts_with(b"PAR1"));
    let imported = home.json(&["import", "t.parquet", "--session", "again"]);
    assert_eq!(imported["messages"], 3);
    assert_eq!(home.texts("again"), home.texts("trip"));
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_program_without_parquet_says_so() {
    let home = Home::with_trip();
    let ran = home.run(&["export", "trip@main", "--format", "parquet", "-o", "t.parquet"]);
    ran.fails(2, "no parquet");
    assert!(ran.err.contains("--features parquet"), "{ran:?}");
    assert!(!home.path("t.parquet").exists());
}

#[test]
fn usage_is_told_by_session_branch_model_and_day() {
    let (home, server) =
        (Home::new(), Server::start([&["a"][..], &["b"], &["c"]].map(Answer::Text)));
    let ask = |more: &[&str]| {
        assert_eq!(home.run(&[&server.options()[..], more, &["q"]].concat()).code, 0);
    };
    ask(&["-t", "one"]);
    home.json(&["fork", "one", "--name", "side"]);
    ask(&["-S", "one", "-b", "side"]);
    ask(&["-t", "two"]);
    let calls = |by: &str| -> Vec<Value> {
        let rows = home.json(&["usage", "--by", by]);
        rows["rows"].as_array().unwrap().iter().map(|row| row["calls"].clone()).collect()
    };
    let sorted = |by: &str| {
        let mut calls = calls(by);
        calls.sort_by_key(Value::as_u64);
        calls
    };
    assert_eq!(sorted("session"), [1, 2]);
    assert_eq!(sorted("branch"), [1, 1, 1]);
    assert_eq!(sorted("model"), [3]);
    // A test may run over midnight.
    assert_eq!(calls("day").iter().filter_map(Value::as_u64).sum::<u64>(), 3);
}

#[test]
fn a_damaged_file_is_refused_by_line_and_leaves_no_session() {
    let home = Home::with_trip();
    home.json(&["export", "trip", "--format", "csv", "-o", "t.csv"]);
    let damaged = text(&home.path("t.csv")) + "x,y,banana,ada,{}\n";
    fs::write(home.path("bad.csv"), damaged).unwrap();
    home.run(&["import", "bad.csv"]).fails(2, "a damaged row");
    assert_eq!(home.json(&["ls"])["sessions"].as_array().unwrap().len(), 1);
    let imported = home.json(&["import", "bad.csv", "--skip-bad"]);
    assert_eq!((&imported["messages"], &imported["skipped"][0]["line"]), (&3.into(), &4.into()));
    for (arguments, code) in [
        (&["import", "nowhere.csv"][..], 3),
        (&["import", "."], 2),
        (&["import", ".local/share/branchwork/branchwork.db"], 2),
        (&["import", "t.csv", "--format", "archive"], 2),
        (&["import", "t.csv", "--session", "a@b"], 2),
        (&["export", "trip@main"], 2),
        (&["export", "nowhere"], 3),
        (&["export", "trip", "-o", "no/such/folder/x"], 1),
        (&["config-branch", "set", "trip", "max_token", "5"], 2),
        (&["config-branch", "set", "trip", "seed", "x"], 2),
        (&["config-branch", "get", "trip", "seed"], 3),
        (&["usage", "--by", "colour"], 2),
        (&["export", "trip", "--calls"], 2),
        (&["export", "trip", "--calls", "--format", "archive"], 2),
        (&["export", "trip@main", "--calls", "--format", "csv"], 2),
        (&["export", "trip", "--all-branches", "--format", "csv"], 2),
        (&["export", "trip", "--all-branches", "--format", "markdown", "-o", "out"], 2),
        (&["import", "t.csv", "--format", "markdown"], 2),
        (&["search", " "], 2),
        (&["search", "x", "--role", "robot"], 2),
        (&["search", "x", "-S", "nowhere"], 3),
        (&["config-session", "set", "trip", "max_token", "5"], 2),
        (&["config-session", "set", "trip", "temperature", "9"], 2),
        (&["config-session", "get", "trip", "system"], 3),
    ] {
        home.run(arguments).fails(code, &arguments.join(" "));
    }
}

#[test]
fn a_branch_tells_what_is_on_it_and_is_configured() {
    let home = Home::with_trip();
    for (key, value) in [("temperature", "0.5"), ("stop", "[\"\\n\"]"), ("extras.top_k", "40")] {
        home.json(&["config-branch", "set", "trip", key, value]);
    }
    home.json(&["config-branch", "unset", "trip", "stop"]);
    let info = home.json(&["info", "trip"]);
    assert_eq!((&info["messages"], &info["by_role"]["user"]), (&3.into(), &1.into()));
    assert_eq!(info["by_sender"]["assistant"], 1);
    let config: Value = serde_json::from_str("{\"extras.top_k\":40,\"temperature\":0.5}").unwrap();
    assert_eq!(info["config"], config);
    home.json(&["undo", "trip"]);
    assert_eq!(home.json(&["config-branch", "get", "trip", "stop"])["value"][0], "\n");
}

#[test]
fn the_call_log_and_every_branch_are_tables_and_a_branch_is_a_transcript() {
    let (home, server) = (Home::with_trip(), Server::start([Answer::Text(&["well"])]));
    let ran = home.run(&[&server.options()[..], &["-S", "trip", "q"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    home.json(&["fork", "trip", "--name", "side/way"]);
    let calls = home.run(&["export", "trip", "--calls", "--format", "jsonl"]);
    let call: Value = serde_json::from_str(&calls.out).unwrap();
    assert_eq!((&call["model"], &call["finish"]), (&"tiny".into(), &"stop".into()));
    assert_eq!(call["cost_usd"], Value::Null);
    let tables = ["export", "trip", "--all-branches", "--format", "csv", "-o", "out"];
    let written = home.json(&tables);
    let files: Vec<_> =
        written["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    assert_eq!(files, ["out/main_messages.csv", "out/side-way_messages.csv"]);
    assert_eq!(text(&home.path(files[0])), text(&home.path(files[1])));
    home.run(&tables).fails(1, "the files are there");
    let transcript = home.run(&["export", "trip@main", "--format", "markdown"]).out;
    assert!(transcript.ends_with("## user\n\nq\n\n## assistant\n\nwell\n"), "{transcript}");
}

#[test]
fn a_search_says_where_each_hit_is() {
    let home = Home::with_trip();
    home.json(&["append", "trip", "--role", "assistant", "Rome, of course"]);
    home.json(&["fork", "trip", "--name", "side"]);
    home.json(&["append", "trip@side", "--role", "user", "Not ROME again"]);
    let found = home.json(&["search", "rome", "--role", "user"]);
    assert!(found["hits"].as_array().unwrap().iter().all(|hit| hit["role"] == "user"));
    assert_eq!(found["hits"][0]["snippet"], "Not ROME again");
    let lines = home.run(&["search", "rome", "-n", "2"]).out;
    let lines: Vec<_> = lines.lines().collect();
    assert!(lines[0].starts_with("trip@side  msg_"), "{lines:?}");
    assert!(lines[0].ends_with("user: Not ROME again"), "{lines:?}");
    assert!(lines[1].starts_with("trip@main  msg_"), "{lines:?}");
    assert_eq!(home.run(&["sessions", "search", "rome", "-n", "2"]).out.lines().count(), 2);
}

#[test]
fn new_branches_begin_with_what_the_session_says() {
    let home = Home::with_trip();
    for (key, value) in [("system", "Be brief."), ("seed", "7"), ("extras.top_k", "40")] {
        home.json(&["config-session", "set", "trip", key, value]);
    }
    home.json(&["config-session", "unset", "trip", "extras.top_k"]);
    assert_eq!(home.json(&["config-session", "get", "trip", "seed"])["value"], 7);
    let config: Value = serde_json::from_str("{\"seed\":7,\"system\":\"Be brief.\"}").unwrap();
    assert_eq!(home.json(&["config-session", "get", "trip"])["config"], config);
    let plain = home.run(&["config-session", "get", "trip"]).out;
    assert_eq!(plain, "seed = 7\nsystem = Be brief.\n");
    home.json(&["branch", "create", "trip", "fresh"]);
    assert_eq!(home.texts("trip@fresh"), ["Be brief."]);
    assert_eq!(home.json(&["config-branch", "get", "trip@fresh", "seed"])["value"], 7);
    assert_eq!(home.json(&["info", "trip@fresh"])["usage"]["own"]["calls"], 0);
    assert_eq!(home.texts("trip").len(), 3);
}
