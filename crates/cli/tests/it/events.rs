//! What happens on a branch, on the command line.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::support::{Home, Ran};

fn lines(ran: &Ran) -> Vec<Value> {
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn events_are_told_from_any_number_on() {
    let home = Home::with_trip();
    home.json(&["undo", "trip"]);
    let all = lines(&home.run(&["events", "trip", "--json"]));
    let names: Vec<_> = all.iter().map(|event| event["event"].as_str().unwrap()).collect();
    let turn = ["message_completed", "message_completed", "turn_completed"];
    assert_eq!(names[..2], ["moved", "message_completed"]);
    assert_eq!((&names[2..5], names[5]), (&turn[..], "moved"));
    assert_eq!(all[3]["message"]["content"], "Rome.");
    assert_eq!((&all[5]["cause"], &all[5]["seq"]), (&"undo".into(), &5.into()));
    let rest = lines(&home.run(&["events", "trip", "--after", "4", "--json"]));
    assert_eq!(rest, all[5..]);
    let shown = home.run(&["events", "trip@main", "--after", "4"]).out;
    assert!(
        shown.starts_with("     5  ") && shown.contains("  moved  {\"cause\":\"undo\""),
        "{shown}"
    );
    let refused = home.run(&["events", "trip", "--after", "6"]);
    assert_eq!(refused.code, 3);
    assert!(refused.err.contains("did you mean `5`?"), "{refused:?}");
}

#[test]
fn who_follows_hears_what_another_process_does() {
    let home = Home::with_trip();
    let mut command = home.command(["events", "trip", "--after", "4", "--follow", "--json"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    home.json(&["append", "trip", "--role", "user", "And now?"]);
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let event: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&event["seq"], &event["message"]["content"]), (&5.into(), &"And now?".into()));
    let stopped = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(stopped.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
