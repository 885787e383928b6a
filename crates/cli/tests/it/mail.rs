//! Mail between branches, on the command line.

use std::{process::Stdio, sync::Arc, time::Duration};

use branchwork::{Engine, mail::Package, sqlite::SqliteStore, tool, tools::ToolError};
use branchwork_testkit::{ScriptedProvider, TestClock};
use serde_json::{Value, json};

use crate::{
    server::{Answer, Server},
    support::{Home, Ran, prefix},
};

/// A home with the session `trip` and its branches `main`, `scout` and `ada`.
fn home() -> Home {
    let home = Home::with_trip();
    for name in ["scout", "ada"] {
        home.json(&["fork", "trip", "--name", name]);
    }
    home
}

/// Sends a mail, and answers its identifier.
fn send(home: &Home, from: &str, more: &[&str]) -> String {
    let sent = home.json(&[&["mail", "send", from], more].concat());
    text(&sent["mail"]["id"]).to_owned()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The identifiers of what waits for a branch.
fn waiting(home: &Home, place: &str) -> Vec<String> {
    let inbox = home.json(&["mail", "inbox", place]);
    inbox["mails"].as_array().unwrap().iter().map(|mail| text(&mail["id"]).to_owned()).collect()
}

/// Takes out of an object what differs between runs, after a look at its kind.
fn without(value: &mut Value, fields: &[(&str, &str)]) {
    for (field, begin) in fields {
        let taken = value.as_object_mut().unwrap().remove(*field);
        let taken = taken.unwrap_or_else(|| unreachable!("no {field} in {value}"));
        assert!(text(&taken).starts_with(begin), "{field}: {taken}");
    }
}

#[test]
fn what_is_sent_is_listed_and_taken_in() {
    let home = home();
    let mut sent = home.json(&["mail", "send", "trip@scout", "--to", "main,ada", "It rains."]);
    let id = text(&sent["mail"]["id"]).to_owned();
    let kinds = [("id", "mail_"), ("at", "20")];
    without(&mut sent["mail"], &kinds);
    let mail =
        json!({ "from": "scout", "to": ["main", "ada"], "category": "text", "state": "inbox" });
    assert_eq!(sent, json!({ "mail": mail }));

    let mut inbox = home.json(&["mail", "inbox", "trip@main"]);
    assert_eq!(inbox["mails"][0]["id"], id);
    without(&mut inbox["mails"][0], &kinds);
    let mail = json!({ "from": "scout", "to": "main", "category": "text", "state": "inbox" });
    assert_eq!(inbox, json!({ "mails": [mail] }));

    let mut received = home.json(&["mail", "receive", "trip@main"]);
    let message = home.ids("trip").pop().unwrap();
    assert_eq!(received["taken"][0]["messages"], json!([message]));
    without(&mut received, &[("head", "op_")]);
    without(&mut received["taken"][0], &[("receipt", "op_")]);
    let taken = json!({ "id": id, "from": "scout", "category": "text", "messages": [message] });
    assert_eq!(received, json!({ "taken": [taken], "left": [] }));
    assert_eq!(home.texts("trip@main").last().unwrap(), "It rains.");

    let mut all = home.json(&["mail", "inbox", "trip@main", "--all"]);
    without(&mut all["mails"][0], &[("id", "mail_"), ("at", "20"), ("receipt", "op_")]);
    let mail = json!({ "from": "scout", "to": "main", "category": "text", "state": "applied" });
    assert_eq!(all, json!({ "mails": [mail] }));
    let nothing = home.json(&["mail", "receive", "trip@main"]);
    assert_eq!((&nothing["taken"], &nothing["left"]), (&json!([]), &json!([])));
}

#[test]
fn a_mail_that_is_undone_waits_again_and_a_dead_letter_goes_to_another_branch() {
    let home = home();
    let id = send(&home, "trip@scout", &["--to", "ada", "It rains."]);
    assert_eq!(home.json(&["mail", "receive", "trip@ada"])["taken"][0]["id"], id);
    home.json(&["undo", "trip@ada"]);
    assert_eq!(waiting(&home, "trip@ada"), [id.as_str()]);
    home.json(&["branch", "delete", "trip@ada", "--yes"]);

    let letters = home.json(&["mail", "dead-letters", "trip"]);
    let letter = &letters["mails"][0];
    assert_eq!((&letter["id"], &letter["state"]), (&json!(id), &"dead_letter".into()));
    assert_eq!(letter["reason"], "branch `ada` was deleted");
    let gone = text(&letter["to"]);
    assert!(gone.starts_with("br_"), "it has no name any more: {gone}");
    let readdress = ["mail", "readdress", "trip", &prefix(&id), "--from", gone, "--to", "main"];
    let readdressed = home.json(&readdress);
    assert_eq!(
        (&readdressed["mail"]["to"], &readdressed["mail"]["state"]),
        (&"main".into(), &"inbox".into())
    );
    assert_eq!(home.json(&["mail", "dead-letters", "trip"]), json!({ "mails": [] }));
    home.json(&["mail", "receive", "trip@main", &id]);
    assert_eq!(home.texts("trip@main").last().unwrap(), "It rains.");
    let twice = ["mail", "readdress", "trip", &id, "--to", "scout"];
    let refused = home.run(&twice);
    refused.fails(4, "it was taken in");
    assert!(refused.err.contains("for branch `main` is applied"), "{refused:?}");
}

#[test]
fn each_category_is_sent_shown_and_taken_in() {
    let home = home();
    let before = home.texts("trip").len();
    for (category, data, contents) in [
        ("text", vec!["It rains."], json!("It rains.")),
        ("data", vec![r#"{"degrees":3}"#], json!({ "degrees": 3 })),
        ("signal", vec!["ready"], json!("ready")),
        ("provider", vec!["ollama"], json!("ollama")),
        ("provider", vec!["http://127.0.0.1:9/v1"], json!("http://127.0.0.1:9/v1")),
        (
            "model_config",
            vec!["model=tiny", "temperature=0.5", "seed=null"],
            json!({ "model": "tiny", "temperature": 0.5, "seed": null }),
        ),
        ("model_config", vec![r#"{"extras.top_k":4}"#], json!({ "extras.top_k": 4 })),
    ] {
        let id = send(
            &home,
            "trip@scout",
            &[&["--to", "main", "--category", category], &data[..]].concat(),
        );
        let shown = home.json(&["mail", "show", "trip", &id]);
        assert_eq!(shown["mail"]["contents"], contents, "{category}");
        let shown = home.run(&["mail", "show", "trip", &id]);
        assert_eq!((shown.code, shown.err.as_str()), (0, ""), "{category}");
    }
    let id = send(&home, "trip@scout", &["--to", "main", "--category", "messages", "~0,~1", "~0"]);
    let shown = home.json(&["mail", "show", "trip", &id]);
    let texts: Vec<_> = shown["mail"]["contents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| text(&message["content"]))
        .collect();
    assert_eq!(texts, ["Warm?", "Rome."], "in the order of the conversation, each once");

    let received = home.json(&["mail", "receive", "trip"]);
    assert_eq!(received["taken"].as_array().unwrap().len(), 8, "{received}");
    assert_eq!(home.texts("trip").len(), before + 4);
    let config = &home.json(&["config-branch", "get", "trip"])["config"];
    let expected = json!({ "provider": "http://127.0.0.1:9/v1", "model": "tiny", "temperature": 0.5, "extras.top_k": 4 });
    assert_eq!(*config, expected);
}

#[test]
fn standard_input_is_sent_as_it_is() {
    let home = home();
    let send = |category, input: &[u8]| {
        let args = ["mail", "send", "trip@scout", "--to", "main", "--category", category, "-"];
        let ran = home.run_with(input, &args);
        assert_eq!(ran.code, 0, "{ran:?}");
    };
    send("text", b"It rains.\nStill.\n");
    send("model_config", b"model=tiny\n\ntemperature = 0.5\n");
    send("signal", b"ready\n");
    let list = home.run(&["mail", "inbox", "trip"]).out;
    let previews: Vec<_> = list.lines().map(|line| line.rsplit_once("Z  ").unwrap().1).collect();
    let expected = [
        "text: It rains. Still. ",
        r#"model_config: {"model":"tiny","temperature":0.5}"#,
        "signal: ready",
    ];
    assert_eq!(previews, expected);
}

#[test]
fn people_read_lines() {
    let home = home();
    let sent = home.run(&["mail", "send", "trip@scout", "--all", "It rains."]).out;
    let (id, rest) = sent.split_once(' ').unwrap();
    assert_eq!(rest, "to main, ada (inbox)\n");
    let shown = home.json(&["mail", "show", "trip", id]);
    let at = text(&shown["mail"]["at"]);
    let list = home.run(&["mail", "inbox", "trip"]).out;
    assert_eq!(list, format!("{id}  scout → main  inbox  {at}  text: It rains.\n"));
    let refused = home.run(&["mail", "refuse", "trip@ada", id, "--reason", "no\nneed"]).out;
    assert_eq!(refused, format!("{id}  scout → ada  refused (no need)  {at}  text: It rains.\n"));
    let received = home.run(&["mail", "receive", "trip"]);
    assert_eq!(received.out, format!("taken {id} from scout  text: It rains.\n"));
    let received = home.run(&["mail", "receive", "trip"]);
    assert_eq!(
        (received.code, received.out.as_str(), received.err.as_str()),
        (0, "", "no mail waits\n")
    );
    let shown = home.run(&["mail", "show", "trip", id]).out;
    let begin = format!(
        "mail       {id}\nfrom       scout\ncategory   text\nat         {at}\nto         main: applied since 20"
    );
    assert!(shown.starts_with(&begin), "{shown}");
    assert!(shown.contains("\nreceipt    op_") && shown.contains(", 1 messages\n"), "{shown}");
    assert!(shown.contains("\nto         ada: refused (no need) since 20"), "{shown}");
    assert!(shown.ends_with("\n\nIt rains.\n"), "{shown}");
}

#[test]
fn who_answers_says_to_what_and_a_mail_knows_its_receipt() {
    let home = home();
    let asked = send(&home, "trip@scout", &["--to", "main", "--ttl", "2h", "Where?"]);
    home.json(&["mail", "receive", "trip"]);
    let shown = home.json(&["mail", "show", "trip", &asked]);
    let mail = &shown["mail"];
    assert!(text(&mail["expires"]) > text(&mail["at"]), "{mail}");
    let delivery = &mail["deliveries"][0];
    assert_eq!((&delivery["to"], &delivery["state"]), (&"main".into(), &"applied".into()));
    assert_eq!(delivery["receipt"]["messages"], json!([home.ids("trip").last().unwrap()]));
    assert_eq!(delivery["receipt"]["seen_in"], Value::Null);
    assert_eq!(delivery["receipt"]["at"], delivery["since"]);
    assert_eq!(delivery["delivered"], mail["at"]);

    let server = Server::start([Answer::Text(&["Rome."])]);
    let ran = home.run(&[&server.options()[..], &["-S", "trip", "Go on.", "--json"]].concat());
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    let shown = home.json(&["mail", "show", "trip", &asked]);
    assert_eq!(shown["mail"]["deliveries"][0]["receipt"]["seen_in"], answer["message"]);
    let shown = home.run(&["mail", "show", "trip", &asked]).out;
    assert!(shown.contains(&format!(", seen in {}\n", text(&answer["message"]))), "{shown}");

    let sent = home.json(&["mail", "send", "trip@main", "--reply-to", &prefix(&asked), "Rome."]);
    assert_eq!(
        (&sent["mail"]["to"], &sent["mail"]["reply_to"]),
        (&json!(["scout"]), &json!(asked))
    );
    assert_eq!(home.json(&["mail", "inbox", "trip@scout"])["mails"][0]["reply_to"], json!(asked));
}

#[test]
fn what_is_queued_is_sent_by_a_sync() {
    let home = home();
    let sent = home.json(&["mail", "send", "trip@scout", "--all", "--queue", "It rains."]);
    assert_eq!(sent["mail"]["state"], "outbox");
    assert_eq!(waiting(&home, "trip"), [""; 0]);
    let outbox = home.json(&["mail", "inbox", "trip@scout", "--outbox"]);
    let recipients: Vec<_> =
        outbox["mails"].as_array().unwrap().iter().map(|mail| text(&mail["to"])).collect();
    assert_eq!(recipients, ["main", "ada"]);
    let synced = home.json(&["mail", "sync", "trip"]);
    let states: Vec<_> =
        synced["sent"].as_array().unwrap().iter().map(|mail| text(&mail["state"])).collect();
    assert_eq!(states, ["inbox", "inbox"]);
    assert!(synced.get("received").is_none(), "{synced}");

    send(&home, "trip", &["--to", "scout", "--queue", "Thanks."]);
    let synced = home.json(&["mail", "sync", "trip", "--receive"]);
    let took: Vec<_> = synced["received"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (text(&one["branch"]), one["taken"].as_array().unwrap().len()))
        .collect();
    assert_eq!(took, [("main", 1), ("scout", 1), ("ada", 1)]);
    let again = home.run(&["mail", "sync", "trip", "--receive"]);
    assert_eq!((again.code, again.out.as_str(), again.err.as_str()), (0, "", ""));
}

#[test]
fn a_branch_takes_what_it_wants_and_the_rest_waits() {
    let home = home();
    let rain = send(&home, "trip@scout", &["--to", "main", "It rains."]);
    let signal = send(&home, "trip@scout", &["--to", "main", "--category", "signal", "go"]);
    let sun = send(&home, "trip@ada", &["--to", "main", "The sun."]);
    let received =
        home.json(&["mail", "receive", "trip", "--from", "scout", "--accept", "data,text"]);
    assert_eq!(received["taken"][0]["id"], rain);
    let left =
        json!({ "id": signal, "from": "scout", "category": "signal", "reason": "not_accepted" });
    assert_eq!(received["left"], json!([left]));
    assert_eq!(waiting(&home, "trip"), [signal.as_str(), &sun]);

    let ran = home.run(&["mail", "receive", "trip", &rain, &sun, "--json"]);
    assert_eq!(ran.code, 4, "one of those that are named was taken before: {ran:?}");
    let received: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(received["taken"][0]["id"], sun);
    let left = &received["left"][0];
    assert_eq!((&left["id"], &left["reason"]), (&json!(rain), &"applied".into()));
    assert_eq!(text(&left["problem"]), format!("mail {rain} for branch `main` is applied"));
    let failure: Value = serde_json::from_str(&ran.err).unwrap();
    assert!(
        text(&failure["error"]["message"]).starts_with("1 of 2 mails were not taken in"),
        "{failure}"
    );
    assert_eq!(waiting(&home, "trip"), [signal]);
}

#[test]
fn processes_that_receive_at_once_take_each_mail_in_once() {
    let home = home();
    let sent: Vec<_> = (0..6).map(|_| send(&home, "trip@scout", &["--to", "main", "x"])).collect();
    let children: Vec<_> = (0..4)
        .map(|_| {
            let mut command = home.command(["mail", "receive", "trip", "--json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut taken = Vec::new();
    for child in children {
        let ran = Ran::new(&child.wait_with_output().unwrap());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
        let received: Value = serde_json::from_str(&ran.out).unwrap();
        let mails = received["taken"].as_array().unwrap().iter();
        taken.extend(mails.map(|mail| text(&mail["id"]).to_owned()));
    }
    assert_eq!(taken, sent);
    assert_eq!(home.texts("trip").len(), 3 + sent.len());
}

/// Notes down something.
#[tool]
fn note(text: String) -> Result<String, ToolError> {
    if text.is_empty() {
        return Err(ToolError::new("there is nothing to note down"));
    }
    Ok(text)
}

#[tokio::test]
async fn what_only_a_program_can_take_in_is_read_and_left() {
    let home = home();
    let engine = Engine::open(home.db()).unwrap();
    engine.register("local", Arc::new(ScriptedProvider::new()));
    let session = engine.open_session("trip").await.unwrap();
    session.register(note()).unwrap();
    let scout = session.branch("scout").await.unwrap();
    let tools = scout.send("main", Package::Tools(vec!["note".to_owned()])).await.unwrap();
    let provider = scout.send("main", Package::Provider("local".to_owned())).await.unwrap();
    scout.send("main", "It rains.").await.unwrap();
    engine.close().await.unwrap();

    let shown = home.json(&["mail", "show", "trip", &tools.id.to_string()]);
    assert_eq!(shown["mail"]["contents"], json!(["note"]));
    let ran = home.run(&["mail", "receive", "trip", "--json"]);
    let received: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(ran.code, 3, "the code of the first failure: {ran:?}");
    assert_eq!(received["taken"].as_array().unwrap().len(), 1, "no mail keeps another from it");
    let left = |id: String, category: &str, problem: &str| json!({ "id": id, "from": "scout", "category": category, "reason": "failed", "problem": problem });
    let left = [
        left(tools.id.to_string(), "tools", "there is no tool `note`"),
        left(provider.id.to_string(), "provider", "there is no provider `local`"),
    ];
    assert_eq!(received["left"], json!(left));
    assert_eq!(waiting(&home, "trip").len(), 2);
    let ran = home.run(&["mail", "sync", "trip", "--receive"]);
    ran.fails(3, "it still fails");
    assert!(
        ran.out.starts_with("main:\nleft mail_") && ran.err.contains("error: 2 of 2 mails"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn a_mail_whose_time_is_over_is_expired() {
    let home = home();
    let store = Arc::new(SqliteStore::open(home.db()).unwrap());
    let engine = Engine::builder().store(store).clock(Arc::new(TestClock::new())).build();
    let scout = engine.open_session("trip").await.unwrap().branch("scout").await.unwrap();
    let hour = Duration::from_hours(1);
    let [first, second] =
        ["It rains.", "It snows."].map(|text| scout.send("main", text).expires_in(hour));
    let (first, second) =
        (first.await.unwrap().id.to_string(), second.await.unwrap().id.to_string());
    engine.close().await.unwrap();

    assert_eq!(waiting(&home, "trip"), [""; 0]);
    let all = home.json(&["mail", "inbox", "trip", "--all"]);
    assert_eq!(all["mails"][0]["state"], "expired", "also before it is noted");
    let ran = home.run(&["mail", "receive", "trip", &first]);
    ran.fails(4, "what is named is wanted");
    assert!(ran.out.ends_with("for branch `main` is expired)\n"), "{ran:?}");
    let expired = home.json(&["mail", "expire", "trip"]);
    assert_eq!(expired["expired"].as_array().unwrap().len(), 1, "{expired}");
    assert_eq!(
        (&expired["expired"][0]["id"], &expired["expired"][0]["state"]),
        (&json!(second), &"expired".into())
    );
    assert_eq!(home.json(&["mail", "expire", "trip"]), json!({ "expired": [] }));
}
