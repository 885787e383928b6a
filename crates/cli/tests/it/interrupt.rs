//! Signals and crashes: what had come is kept.

use std::{
    io::Read as _,
    process::{Command, Stdio},
    sync::mpsc,
};

use crate::{
    server::{Answer, Server},
    support::{Home, Ran},
};

#[test]
fn ctrl_c_stops_the_answer_keeps_the_part_and_exits_130() {
    for signal in ["INT", "TERM"] {
        let (home, (told, stalled)) = (Home::new(), mpsc::channel());
        let server = Server::start([Answer::Stall(&["Once ", "upon"], told)]);
        let arguments = [&server.options()[..], &["-t", "tale", "Tell me"]].concat();
        let mut command = home.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        stalled.recv().unwrap();
        // The part has been shown: so it has been heard.
        let mut shown = [0; 9];
        child.stdout.as_mut().unwrap().read_exact(&mut shown).unwrap();
        assert_eq!(&shown, b"Once upon");
        let kill =
            Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let ran = Ran::new(&child.wait_with_output().unwrap());
        assert_eq!((ran.code, ran.out.as_str()), (130, "\n"), "{ran:?}");
        assert_eq!(home.texts("tale"), ["Tell me", "Once upon"]);
        assert_eq!(home.json(&["log", "tale"])["messages"][1]["status"], "interrupted");
    }
}

#[test]
fn a_killed_program_leaves_its_question_and_the_next_one_goes_on() {
    let (home, (told, stalled)) = (Home::new(), mpsc::channel());
    let server = Server::start([Answer::Stall(&["Once"], told), Answer::Text(&["fine"])]);
    let arguments = [&server.options()[..], &["-t", "tale", "Tell me"]].concat();
    let mut child = home.command(arguments).stdout(Stdio::null()).spawn().unwrap();
    stalled.recv().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(home.json(&["db", "verify"])["ok"], true);
    assert_eq!(home.texts("tale"), ["Tell me"]);
    let ran = home.run(&[&server.options()[..], &["-S", "tale", "Go on"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(home.texts("tale"), ["Tell me", "", "Go on", "fine"]);
    let sent = server.requests()[1]["messages"].as_array().unwrap().len();
    assert_eq!(sent, 2, "the empty answer is not sent");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = Home::with_trip();
    let mut child = home
        .command(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran = Ran::new(&child.wait_with_output().unwrap());
    assert_eq!(ran.err, "", "{ran:?}");
}
