//! Diff, merge and cherry-pick on the command line.

use serde_json::{Value, json};

use crate::{
    server::{Answer, Server},
    support::{Home, prefix},
};

/// `trip` with a branch `rainy`, each with something of its own.
fn two_branches() -> Home {
    let home = Home::with_trip();
    home.json(&["fork", "trip", "--name", "rainy"]);
    for (place, text) in [("trip", "And if it is sunny?"), ("trip@rainy", "And if it rains?")] {
        home.json(&["append", place, "--role", "user", text]);
    }
    home
}

fn merge(home: &Home, options: &[&str]) -> Value {
    home.json(&[&["merge", "trip@rainy", "--into", "main"], options].concat())
}

fn count(list: &Value) -> usize {
    list.as_array().unwrap().len()
}

#[test]
fn a_diff_has_its_ancestor_and_both_sides() {
    let home = two_branches();
    let shared = home.ids("trip");
    home.json(&["edit", "trip@rainy", &shared[1], "Wet?"]);
    home.json(&["config-branch", "set", "trip@rainy", "temperature", "0.5"]);
    let diff = home.json(&["diff", "trip", "trip@rainy"]);
    assert_eq!(diff["ancestor"], shared[2].replace("msg_", "op_"));
    assert_eq!(diff["left"]["branch"], "main");
    assert_eq!(diff["left"]["messages"][0]["content"], "And if it is sunny?");
    assert_eq!((count(&diff["left"]["edits"]), &diff["left"]["config"]), (0, &json!({})));
    assert_eq!(diff["right"]["messages"][0]["content"], "And if it rains?");
    let edit =
        json!({ "message": shared[1], "kind": "edited", "before": "Warm?", "after": "Wet?" });
    assert_eq!(diff["right"]["edits"], json!([edit]));
    assert_eq!(diff["right"]["config"], json!({ "temperature": { "before": null, "after": 0.5 } }));
    assert_eq!(count(&diff["right"]["groups"]), 1);
    let ran = home.run(&["diff", "trip", "trip@rainy"]);
    assert!(
        ran.out.ends_with("- user: And if it is sunny?\n+ user: And if it rains?\n"),
        "{ran:?}"
    );
    let ran = home.run(&["diff", "trip", "trip@rainy", "--color", "always"]);
    assert!(ran.out.contains("\u{1b}[32m+ user: And if it rains?\u{1b}[0m"), "{ran:?}");
}

#[test]
fn branches_of_two_sessions_have_no_diff() {
    let home = two_branches();
    home.json(&["append", "elsewhere", "--create", "--role", "user", "x"]);
    assert_eq!(home.run(&["diff", "trip", "elsewhere"]).code, 2);
    assert_eq!(home.run(&["diff", "trip", "trip@nowhere"]).code, 3);
    assert_eq!(home.run(&["diff", "trip"]).code, 2);
}

#[test]
fn merging_twice_is_merging_once_and_undo_takes_it_back() {
    let home = two_branches();
    let before = home.ids("trip");
    let planned = merge(&home, &["--dry-run"]);
    assert_eq!((count(&planned["added"]), &planned["dry_run"]), (1, &json!(true)));
    assert_eq!(planned["head"], before[3].replace("msg_", "op_"));
    assert_eq!(home.ids("trip"), before, "a dry run changes nothing");
    let merged = merge(&home, &[]);
    assert_eq!((count(&merged["added"]), &merged["skipped"]), (1, &json!([])));
    assert_eq!((&merged["conflicts"], merged.get("dry_run")), (&json!([]), None));
    assert_eq!(home.texts("trip")[3..], ["And if it is sunny?", "And if it rains?"]);
    let last = home.json(&["log", "trip", "-n", "1"]);
    assert_eq!(last["messages"][0]["origin"], planned["added"][0]);
    let again = merge(&home, &[]);
    assert_eq!((&again["added"], &again["skipped"]), (&json!([]), &planned["added"]));
    assert_eq!(again["head"], merged["head"]);
    home.json(&["undo", "trip"]);
    assert_eq!(home.ids("trip"), before);
    let ran = home.run(&["merge", "trip@rainy", "--into", "main"]);
    assert_eq!(ran.out, "main: 1 messages came, 5 there now\n", "{ran:?}");
}

#[test]
fn conflicts_are_listed_and_the_policy_decides() {
    let home = two_branches();
    home.json(&["config-branch", "set", "trip@rainy", "temperature", "0.5"]);
    let conflict = |taken: &str| json!([{ "on": "temperature", "base": null, "ours": null, "theirs": 0.5, "taken": taken }]);
    assert_eq!(merge(&home, &[])["conflicts"], conflict("ours"));
    let ran = home.run(&["merge", "trip@rainy", "--into", "main"]);
    assert!(ran.err.contains("temperature: ours not there, theirs 0.5; ours taken"), "{ran:?}");
    assert_eq!(merge(&home, &["--policy", "theirs"])["conflicts"], conflict("theirs"));
    assert_eq!(home.run(&["config-branch", "get", "trip", "temperature"]).out, "0.5\n");
}

#[test]
fn the_source_can_be_deleted_and_the_default_branch_is_the_target_then() {
    let home = two_branches();
    home.json(&["merge", "trip@main", "--into", "rainy", "--delete-source"]);
    let branches = home.json(&["branch", "list", "trip"]);
    assert_eq!(count(&branches["branches"]), 1);
    assert_eq!(branches["branches"][0]["name"], "rainy");
    assert_eq!(branches["branches"][0]["default"], true);
    assert_eq!(home.texts("trip").len(), 5);
}

#[test]
fn the_other_modes() {
    let home = two_branches();
    assert_eq!(count(&merge(&home, &["--mode", "interleave"])["added"]), 1);
    home.json(&["undo", "trip"]);
    let ran = home.run(&["merge", "trip@rainy", "--into", "main", "--mode", "fast-forward"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.err.contains("--mode append"), "{ran:?}");
    home.json(&["undo", "trip"]);
    merge(&home, &["--mode", "fast-forward"]);
    assert_eq!(home.ids("trip"), home.ids("trip@rainy"));
    home.json(&["undo", "trip"]);
    merge(&home, &["--mode", "summary", "--text", "It may rain."]);
    assert_eq!(home.texts("trip")[3..], ["It may rain."]);
    let arguments = ["merge", "trip@rainy", "--into", "main", "--mode", "summary", "--text", "-"];
    home.json(&["undo", "trip"]);
    assert_eq!(home.run_with(b"It may pour.", &arguments).code, 0);
    assert_eq!(home.texts("trip")[3..], ["It may pour."]);
}

#[test]
fn the_summary_of_a_model_has_to_be_approved() {
    let home = two_branches();
    let server = Server::start([Answer::Text(&["They fear rain."]), Answer::Text(&["Rain."])]);
    let summary = |more: &[&str]| {
        let arguments = ["merge", "trip@rainy", "--into", "main", "--mode", "summary"];
        home.run(&[&arguments[..], &server.options()[..], more].concat())
    };
    let refused = summary(&[]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("--yes"), "{refused:?}");
    let planned = summary(&["--dry-run", "--json"]);
    let planned: Value = serde_json::from_str(&planned.out).unwrap();
    assert_eq!((&planned["summary"], count(&planned["added"])), (&json!("They fear rain."), 1));
    assert_eq!(home.texts("trip").len(), 4);
    let merged = summary(&["--yes"]);
    assert_eq!(merged.code, 0, "{merged:?}");
    assert!(merged.err.contains("Rain."), "it is shown all the same: {merged:?}");
    assert_eq!(home.texts("trip")[3..], ["And if it is sunny?", "Rain."]);
    assert_eq!(count(&home.json(&["branch", "list", "trip"])["branches"]), 2);
}

#[test]
fn single_messages_are_picked() {
    let home = two_branches();
    home.json(&["append", "trip@rainy", "--role", "assistant", "Take an umbrella."]);
    let ids = home.ids("trip@rainy");
    let pick = |more: &[&str]| {
        let message = prefix(&ids[4]);
        let arguments = ["cherry-pick", "trip@rainy", message.as_str(), "--into", "main"];
        home.json(&[&arguments[..], more].concat())
    };
    assert_eq!(pick(&["--dry-run"])["added"], json!([ids[4]]));
    assert_eq!(count(&pick(&[])["added"]), 1);
    assert_eq!(pick(&[])["skipped"], json!([ids[4]]));
    assert_eq!(home.texts("trip")[3..], ["And if it is sunny?", "Take an umbrella."]);
    let unknown = home.run(&["cherry-pick", "trip@rainy", "msg_zzzz", "--into", "main"]);
    assert_eq!(unknown.code, 3, "{unknown:?}");
}

#[test]
fn what_makes_no_merge_is_a_usage_error_and_changes_nothing() {
    let home = two_branches();
    let before = home.ids("trip");
    for (arguments, code) in [
        (&["trip", "--into", "main"][..], 2),
        (&["trip@main", "--into", "main"], 2),
        (&["trip@rainy"], 2),
        (&["trip@rainy", "--into", "nowhere"], 3),
        (&["trip@rainy", "--into", "main", "--mode", "squash"], 2),
        (&["trip@rainy", "--into", "main", "--text", "x"], 2),
        (&["trip@rainy", "--into", "main", "--yes"], 2),
        (&["trip@rainy", "--into", "main", "--model", "x"], 2),
        (&["trip@rainy", "--into", "main", "--mode", "summary", "--text", " "], 2),
        (&["trip@rainy", "--into", "main", "--mode", "fast-forward", "--policy", "ours"], 2),
    ] {
        let ran = home.run(&[&["merge"], arguments].concat());
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{arguments:?}: {ran:?}");
    }
    assert_eq!(home.ids("trip"), before);
}
