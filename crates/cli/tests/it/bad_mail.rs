//! Mail that is wrong: each case has its exit code, one line that says why, and sends nothing.

use crate::support::{Home, prefix};

/// A home with the session `trip`, its branches `main` and `scout`, and a mail from `scout`.
fn home() -> (Home, String) {
    let home = Home::with_trip();
    home.json(&["fork", "trip", "--name", "scout"]);
    let sent = home.json(&["mail", "send", "trip@scout", "--to", "main", "It rains."]);
    let id = sent["mail"]["id"].as_str().unwrap().to_owned();
    (home, id)
}

/// Runs `mail` and checks that it fails as documented; answers what it said.
fn fails(home: &Home, code: i32, arguments: &[&str]) -> String {
    let ran = home.run(&[&["mail"], arguments].concat());
    ran.fails(code, &arguments.join(" "));
    ran.err
}

#[test]
fn what_cannot_be_sent_says_why() {
    let (home, _) = home();
    let send = |code, more: &[&str], said: &str| {
        let err = fails(&home, code, &[&["send", "trip@scout", "--to", "main"], more].concat());
        assert!(err.contains(said), "{more:?}: {err}");
    };
    let names = "messages, tools, provider, model_config, text, data, signal";
    send(2, &["--category", "txt", "x"], &format!("hint: did you mean `text`? there are {names}"));
    send(2, &["--category", "?", "x"], &format!("hint: there are {names}"));
    for ttl in ["0s", "soon", "5", "1.5h", "99999999999999999999d"] {
        send(2, &["--ttl", ttl, "x"], &format!("'{ttl}' for '--ttl <TIME>'"));
    }
    send(
        2,
        &["--ttl", "200000000000d", "x"],
        "--ttl cannot be used: it ends after the end of time",
    );
    send(2, &[" "], "the text is empty");
    send(2, &["It", "rains."], "is one piece, not 2");
    send(2, &["--category", "data", "{"], "the data is not JSON");
    send(2, &["--category", "signal", " "], "the signal has an empty name");
    send(5, &["--category", "provider", "nobody"], "there is no provider `nobody`");
    send(5, &["--category", "provider", "openai"], "hint: set OPENAI_API_KEY");
    send(2, &["--category", "tools", "note"], "mail of category `tools` is sent by programs");
    send(3, &["--category", "messages", "~0 ~9"], "there is no message `~9`");
    send(2, &["--category", "messages", " , "], "at least one message");
    send(2, &["--category", "model_config", "tempreature=1"], "hint: did you mean `temperature`?");
    send(2, &["--category", "model_config", "temperature=9"], "it must be a number from 0 to 2");
    send(2, &["--category", "model_config", "temperature"], "hint: write `name=value`");
    send(2, &["--category", "model_config", "{\"seed\":}"], "the settings are not JSON");
    send(2, &["--category", "model_config", "{}"], "at least one setting");
    send(3, &["--reply-to", "mail_zz", "x"], "there is no mail `mail_zz`");
    let outbox = home.json(&["mail", "inbox", "trip", "--all"]);
    assert_eq!(outbox["mails"].as_array().unwrap().len(), 1, "nothing was sent");
}

#[test]
fn who_is_not_there_gets_nothing() {
    let (home, _) = home();
    let err = fails(&home, 3, &["send", "trip@scout", "--to", "scout,mian", "x"]);
    assert!(err.contains("no branch `mian`") && err.contains("did you mean `main`?"), "{err}");
    fails(&home, 3, &["send", "trip@scuot", "--to", "main", "x"]);
    fails(&home, 3, &["send", "trip", "--to", "", "x"]);
    fails(&home, 2, &["send", "trip", "x"]);
    fails(&home, 2, &["send", "trip", "--to", "scout", "--all", "x"]);
    fails(&home, 3, &["receive", "trip", "--from", "sc0ut,ada"]);
    fails(&home, 2, &["receive", "trip", "--accept", "text,"]);
    home.json(&["append", "alone", "--create", "--role", "user", "x"]);
    let err = fails(&home, 3, &["send", "alone", "--all", "x"]);
    assert!(err.contains("the mail is for nobody"), "{err}");
    assert_eq!(home.json(&["mail", "inbox", "trip@scout"])["mails"].as_array().unwrap().len(), 0);
}

#[test]
fn a_mail_that_is_not_there_or_decided_on_is_refused() {
    let (home, id) = home();
    for arguments in
        [["show", "trip", "mail_zz"], ["refuse", "trip", "mail_"], ["receive", "trip", "op_0"]]
    {
        let err = fails(&home, 3, &arguments);
        assert!(err.contains("there is no mail"), "{err}");
    }
    let err = fails(&home, 3, &["refuse", "trip@scout", &id]);
    assert!(err.contains("is not for branch `scout`\nhint: it is for main"), "{err}");
    fails(&home, 3, &["readdress", "trip", &id, "--from", "ada", "--to", "scout"]);
    fails(&home, 3, &["readdress", "trip", &id, "--to", "ada"]);
    fails(&home, 2, &["show", "trip@main", &id]);
    fails(&home, 2, &["receive", "trip", &id, "--from", "scout"]);

    let refused = home.json(&["mail", "refuse", "trip", &prefix(&id)]);
    assert_eq!(refused["mail"]["state"], "refused");
    assert_eq!(refused["mail"]["reason"], "a person refused it");
    let err = fails(&home, 4, &["refuse", "trip", &id]);
    assert!(err.contains("for branch `main` is refused\nhint: `branchwork mail show`"), "{err}");
    fails(&home, 4, &["receive", "trip", &id]);
    fails(&home, 4, &["readdress", "trip", &id, "--to", "scout"]);
}

#[test]
fn a_mail_for_several_is_readdressed_by_whom_it_is_for() {
    let (home, _) = home();
    home.json(&["fork", "trip@scout", "--name", "a,b"]);
    let sent = home.json(&["mail", "send", "trip", "--to", "scout,main", "--to", "a,b", "x"]);
    assert_eq!(
        sent["mail"]["to"],
        serde_json::json!(["scout", "main", "a,b"]),
        "a name may hold a comma"
    );
    let id = sent["mail"]["id"].as_str().unwrap();
    let err = fails(&home, 2, &["readdress", "trip", id, "--to", "main"]);
    assert!(err.contains("hint: say --from which: scout, main, a,b"), "{err}");
    let err = fails(&home, 3, &["readdress", "trip", id, "--from", "br_", "--to", "main"]);
    assert!(err.contains("hint: it could be br_"), "{err}");
    fails(&home, 4, &["readdress", "trip", id, "--from", "scout", "--to", "main"]);
}

#[test]
fn a_prefix_of_several_mails_names_them() {
    let (home, _) = home();
    for _ in 0..8 {
        home.json(&["mail", "send", "trip@scout", "--to", "main", "x"]);
    }
    let inbox = home.json(&["mail", "inbox", "trip"]);
    let mails = inbox["mails"].as_array().unwrap().iter();
    let mut prefixes: Vec<String> =
        mails.map(|mail| mail["id"].as_str().unwrap().chars().take(6).collect()).collect();
    prefixes.sort();
    // Nine mails and eight first digits: two share one.
    let shared = prefixes.windows(2).find(|pair| pair[0] == pair[1]).unwrap();
    let err = fails(&home, 3, &["show", "trip", &shared[0]]);
    assert!(err.contains("hint: it could be mail_"), "{err}");
}
