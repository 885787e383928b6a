//! Branches on the command line: fork, go back, undo, edit, delete.

use crate::{
    server::{Answer, Server},
    support::{Home, prefix, run_with},
};

#[test]
fn a_fork_and_its_origin_both_go_on() {
    let home = Home::with_trip();
    let server = Server::start([Answer::Text(&["main says"]), Answer::Text(&["fork says"])]);
    let ids = home.ids("trip");
    let fork = home.json(&["fork", "trip", "--at", &prefix(&ids[1]), "--name", "rainy"]);
    assert_eq!(
        (&fork["branch"], &fork["head"]),
        (&"rainy".into(), &ids[1].replace("msg_", "op_").into())
    );
    for branch in ["main", "rainy"] {
        let ran = home.run(&[&server.options()[..], &["-S", "trip", "-b", branch, "q"]].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    assert_eq!(home.texts("trip"), ["Be brief.", "Warm?", "Rome.", "q", "main says"]);
    assert_eq!(home.texts("trip@rainy"), ["Be brief.", "Warm?", "q", "fork says"]);
    let tree = home.run(&["tree", "trip"]).out;
    assert_eq!(tree, "main *  5 messages\n└─ rainy  4 messages\n");
}

#[test]
fn references_name_places_from_the_end() {
    let home = Home::with_trip();
    home.json(&["fork", "trip@main~1", "--name", "back"]);
    assert_eq!(home.texts("trip@back"), ["Be brief.", "Warm?"]);
    assert_eq!(home.texts("trip~2"), ["Be brief."]);
    let session = home.json(&["sessions", "show", "trip"])["id"].as_str().unwrap().to_owned();
    assert_eq!(home.texts(&format!("{}@back", prefix(&session))).len(), 2);
    let last = home.json(&["log", "trip", "-n", "1"]);
    assert_eq!(last["messages"][0]["content"], "Rome.");
    let none = home.json(&["log", "trip~1", "-n", "0"]);
    assert_eq!(none["messages"], serde_json::json!([]), "there is such a message");
}

#[test]
fn going_back_loses_nothing() {
    let home = Home::with_trip();
    let ids = home.ids("trip");
    home.json(&["rewind", "trip", "--to", &ids[0]]);
    assert_eq!(home.texts("trip").len(), 1);
    home.json(&["undo", "trip"]);
    assert_eq!(home.texts("trip").len(), 3);
    home.json(&["redo", "trip"]);
    assert_eq!(home.texts("trip").len(), 1);
    let entries = home.json(&["reflog", "trip"]);
    let causes: Vec<_> = entries["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["cause"].as_str().unwrap())
        .collect();
    assert_eq!(causes, ["redo", "undo", "rewind", "append", "append", "append", "create"]);
    home.json(&["restore", "trip", "--to", "@-"]);
    assert_eq!(home.texts("trip").len(), 3);
    home.json(&["rewind", "trip", "--steps", "2"]);
    let op = ids[2].replace("msg_", "op_");
    home.json(&["restore", "trip", "--to", &prefix(&op)]);
    assert_eq!(home.texts("trip").len(), 3);
}

#[test]
fn edits_and_removals_keep_the_original() {
    let home = Home::with_trip();
    let ids = home.ids("trip");
    let edited = home.json(&["edit", "trip", &ids[1], "Cold?"]);
    assert_eq!(edited["message"], ids[1].as_str());
    home.json(&["remove", "trip", &ids[0]]);
    assert_eq!(home.texts("trip"), ["Cold?", "Rome."]);
    home.json(&["undo", "trip"]);
    home.json(&["undo", "trip"]);
    assert_eq!(home.texts("trip"), ["Be brief.", "Warm?", "Rome."]);
}

#[test]
fn branches_are_made_switched_renamed_deleted() {
    let home = Home::with_trip();
    home.json(&["branch", "create", "trip", "empty"]);
    home.json(&["branch", "rename", "trip@empty", "blank"]);
    home.json(&["branch", "switch", "trip@blank"]);
    home.json(&["append", "trip", "--role", "user", "on the new default"]);
    assert_eq!(home.texts("trip@blank"), ["on the new default"]);
    home.json(&["branch", "delete", "trip@main", "--yes"]);
    let list = home.json(&["branch", "list", "trip"]);
    let rows = list["branches"].as_array().unwrap();
    assert_eq!(
        (rows.len(), &rows[0]["name"], &rows[0]["default"]),
        (1, &"blank".into(), &true.into())
    );
}

#[test]
fn sessions_are_renamed_archived_searched_deleted() {
    let home = Home::with_trip();
    home.json(&["sessions", "rename", "trip", "journey"]);
    let hits = home.json(&["sessions", "search", "ROME"]);
    assert_eq!(hits["hits"][0]["snippet"], "Rome.");
    home.json(&["sessions", "archive", "journey"]);
    assert_eq!(home.json(&["sessions", "list"])["sessions"].as_array().unwrap().len(), 0);
    assert_eq!(home.json(&["ls", "--all"])["sessions"].as_array().unwrap().len(), 1);
    home.json(&["sessions", "unarchive", "journey"]);
    home.json(&["sessions", "delete", "journey", "--yes"]);
    assert_eq!(home.json(&["ls", "--all"])["sessions"].as_array().unwrap().len(), 0);
    let gone = home.json(&["db", "gc"]);
    assert_eq!((&gone["sessions"], &gone["ops"]), (&1.into(), &3.into()));
    assert_eq!(home.json(&["db", "stats"])["ops"], 0);
}

#[test]
fn many_messages_are_appended_from_lines() {
    let home = Home::new();
    let lines: Vec<String> = (0..250)
        .map(|n| format!("{{\"role\":\"user\",\"sender\":\"ada\",\"content\":\"{n}\",\"metadata\":{{\"n\":{n}}}}}\n"))
        .collect();
    let lines = lines.concat();
    let ran =
        home.run_with(lines.as_bytes(), &["append", "bulk", "--create", "--jsonl", "-", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let log = home.json(&["log", "bulk"]);
    let messages = log["messages"].as_array().unwrap();
    assert_eq!((messages.len(), &messages[249]["metadata"]["n"]), (250, &249.into()));
    // The third batch holds the bad line: it is not begun, those before it stay.
    let bad: String = lines.lines().enumerate().fold(String::new(), |text, (index, line)| {
        text + if index == 220 { "{\"role\":\"king\",\"content\":\"x\"}" } else { line } + "\n"
    });
    let ran = home.run_with(bad.as_bytes(), &["append", "bulk", "--jsonl", "-"]);
    ran.fails(2, "a bad line");
    assert!(ran.err.contains("line 221") && ran.err.contains("200 messages"), "{ran:?}");
    assert_eq!(home.texts("bulk").len(), 450);
}

#[test]
fn a_branch_of_the_session_of_the_environment_needs_no_session() {
    let home = Home::with_trip();
    home.json(&["fork", "trip@main", "--name", "side"]);
    home.json(&["append", "trip@side", "--role", "user", "only here"]);
    let log = |place: &str| {
        let mut command = home.command(["log", place, "--json"]);
        command.env("BRANCHWORK_SESSION", "trip");
        run_with(command, b"")
    };
    let ran = log("side~1");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("\"branch\":\"side\"") && !ran.out.contains("only here"), "{ran:?}");
    assert!(log("side").out.contains("only here"));
    assert_eq!(log("trip").code, 0, "a session is still one");
    assert_eq!(log("nowhere").code, 3, "neither a session nor a branch");
}
