//! `branchwork chat`, driven through a pipe.

use crate::{
    server::{Answer, Server},
    support::Home,
};

#[test]
fn a_talk_forks_goes_back_and_asks_again() {
    let home = Home::new();
    let answers = ["one", "two", "three", "four"];
    let server = Server::start([
        Answer::Text(&["one"]),
        Answer::Text(&["two"]),
        Answer::Text(&["three"]),
        Answer::Text(&["four"]),
    ]);
    let lines = "first\n/fork side\nsecond\n/retry\n/edit other\n/switch main\n/tree\n/system Be brief.\n/exit\nnever\n";
    let arguments = ["chat", "talk", "--base-url", &server.url, "-m", "tiny"];
    let ran = home.run_with(lines.as_bytes(), &arguments);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert!(answers.iter().all(|answer| ran.out.contains(answer)), "{ran:?}");
    assert!(ran.out.contains("main *  2 messages\n└─ side  4 messages"), "{ran:?}");
    assert_eq!(home.texts("talk"), ["Be brief.", "first", "one"]);
    assert_eq!(home.texts("talk@side"), ["first", "one", "other", "four"]);
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_failure_is_said_and_the_talk_goes_on() {
    let home = Home::new();
    let refused = Answer::Refuse(500, "", "{}".to_owned());
    let server = Server::start([refused, Answer::Text(&["well"])]);
    let lines = "first\n/bogus\n/switch nowhere\n/undo now\n/rewind 99\nsecond\n";
    let arguments = ["chat", "--base-url", &server.url, "-m", "tiny"];
    let ran = home.run_with(lines.as_bytes(), &arguments);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.err.matches("error: ").count(), 5, "{ran:?}");
    assert!(ran.out.contains("well"), "{ran:?}");
}

#[test]
fn the_model_of_a_branch_can_be_changed() {
    let home = Home::new();
    let server = Server::start([Answer::Text(&["a"]), Answer::Text(&["b"])]);
    let arguments = ["chat", "--base-url", &server.url, "-m", "tiny"];
    let ran = home.run_with(b"first\n/model large\nsecond\n/model\n", &arguments);
    assert_eq!(ran.code, 0, "{ran:?}");
    let models: Vec<_> = server.requests().iter().map(|request| request["model"].clone()).collect();
    assert_eq!(models, ["tiny", "large"]);
    assert!(ran.out.ends_with("/v1:large\n"), "{ran:?}");
}

#[test]
fn a_talk_shows_the_mail_of_its_branch_and_takes_it_in() {
    let home = Home::with_trip();
    home.json(&["fork", "trip", "--name", "scout"]);
    let sent = home.json(&["mail", "send", "trip@scout", "--to", "main", "It rains."]);
    let id = sent["mail"]["id"].as_str().unwrap();
    let lines = b"/mail\n/receive\n/receive\n/undo\n/mail now\n";
    let ran = home.run_with(lines, &["chat", "trip"]);
    let lines: Vec<_> = ran.out.lines().collect();
    assert!(lines[0].starts_with(&format!("{id}  scout → main  inbox  ")), "{ran:?}");
    assert_eq!(lines[1..], [format!("taken {id} from scout  text: It rains.")]);
    let said: Vec<_> = ran.err.lines().collect();
    assert_eq!(said, ["no mail waits", "error: /mail takes nothing, not `now`"]);
    assert_eq!(home.json(&["mail", "inbox", "trip"])["mails"][0]["id"], id);
}

#[test]
fn another_branch_can_be_looked_at_and_merged() {
    let home = Home::new();
    let server = Server::start([Answer::Text(&["one"]), Answer::Text(&["two"])]);
    let lines = "first\n/fork side\nsecond\n/switch main\n/diff side\n/merge side\n/merge main\n";
    let arguments = ["chat", "talk", "--base-url", &server.url, "-m", "tiny"];
    let ran = home.run_with(lines.as_bytes(), &arguments);
    assert!(ran.out.contains("+ user: second\n+ assistant: two\n"), "{ran:?}");
    assert!(ran.out.ends_with("main: 2 messages came, 4 there now\n"), "{ran:?}");
    assert_eq!(ran.err, "error: a branch cannot be merged into itself\n");
    assert_eq!(home.texts("talk"), ["first", "one", "second", "two"]);
}
