//! Tools of real MCP servers, which come from the Python registry through `cargo xtask`.

use std::fs;

use branchwork_testkit::xtask;
use serde_json::{Value, json};

use crate::{
    server::{Answer, Server},
    support::{Home, run_with},
};

/// The server of the tests of `branchwork-mcp`.
const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../mcp/tests/server.py");

pub(crate) const CONVERT: &str =
    r#"{"source_timezone":"Europe/Rome","time":"12:30","target_timezone":"Asia/Tokyo"}"#;

/// A home whose configuration file names the servers `time` and `fixture`, and what else is said.
pub(crate) fn home(more: &str) -> Home {
    let home = Home::new();
    let python = xtask(&["mcp", "current"]);
    let folder = home.path(".config/branchwork");
    fs::create_dir_all(&folder).unwrap();
    let servers = format!(
        "[mcp-servers.time]\ncommand = '{python}'\nargs = ['-m', 'mcp_server_time']\ntimeout = 30\n\
         [mcp-servers.fixture]\ncommand = '{python}'\nargs = ['{FIXTURE}']\n{more}"
    );
    fs::write(folder.join("config.toml"), servers).unwrap();
    home
}

fn names(request: &Value) -> Vec<&str> {
    let tools = request["tools"].as_array().unwrap().iter();
    tools.map(|tool| tool["function"]["name"].as_str().unwrap()).collect()
}

#[test]
fn servers_are_listed_with_their_tools_or_what_is_wrong() {
    let home = home("[mcp-servers.gone]\ncommand = '/no/such/program'\n");
    let listed = home.json(&["mcp-servers", "list"]);
    let servers = listed["servers"].as_array().unwrap();
    let all: Vec<_> = servers.iter().map(|server| server["name"].as_str().unwrap()).collect();
    assert_eq!(all, ["fixture", "gone", "time"]);
    let tools = json!(["time__get_current_time", "time__convert_time"]);
    assert_eq!(
        servers[2],
        json!({ "name": "time", "transport": "stdio", "tools": tools, "problem": null })
    );
    let problem = servers[1]["problem"].as_str().unwrap();
    assert!(problem.contains("`gone`") && problem.contains("/no/such/program"), "{problem}");
    let ran = home.run(&["mcp-servers", "list"]);
    assert!(ran.out.contains("ok   time  stdio  time__get_current_time, "), "{ran:?}");
    assert!(ran.out.contains("bad  gone  stdio  the MCP server `gone`"), "{ran:?}");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "what servers write is not shown");
}

#[test]
fn a_model_calls_a_tool_and_a_person_sees_it() {
    let home = home("");
    let call = || Answer::Call("Let me see.", "time__convert_time", CONVERT);
    let server = Server::start([call(), Answer::Text(&["19:30."])]);
    let arguments = ["--tool", "time", "-t", "trip", "How late is it in Tokyo?"];
    let ran = home.run(&[&server.options()[..], &arguments].concat());
    assert_eq!((ran.code, ran.out.as_str()), (0, "Let me see.\n19:30.\n"), "{ran:?}");
    let said: Vec<&str> = ran.err.lines().collect();
    assert_eq!(said[0], format!("→ time__convert_time({CONVERT})"));
    assert!(said[1].starts_with("← time__convert_time: ") && said[1].ends_with('…'), "{ran:?}");
    assert!(said.len() == 2 && said.iter().all(|line| line.chars().count() <= 121), "{ran:?}");
    let requests = server.requests();
    assert_eq!(names(&requests[0]), ["time__convert_time", "time__get_current_time"]);
    let result = requests[1]["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(result["role"], "tool");
    assert!(result["content"].as_str().unwrap().contains("Asia/Tokyo"), "{result}");
    assert_eq!(home.texts("trip").len(), 4);
}

#[test]
fn events_tell_of_calls_and_objects_are_as_ever() {
    let home = home("");
    let call = || Answer::Call("", "fixture__add", r#"{"a":1,"b":2}"#);
    let server = Server::start([call(), Answer::Text(&["3"]), call(), Answer::Text(&["3"])]);
    let ask = |output: &str| {
        let arguments = ["--tool", "fixture__add", output, "1 + 2?"];
        let ran = home.run(&[&server.options()[..], &arguments].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
        ran.out
    };
    let lines = ask("--stream-json");
    let events: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| events.iter().find(|event| event["event"] == name).unwrap();
    let calls =
        json!([{ "id": "c1", "function": "fixture__add", "arguments": "{\"a\":1,\"b\":2}" }]);
    assert_eq!(of("called")["calls"], calls);
    let completed = of("call_completed");
    assert_eq!((&completed["id"], &completed["result"]), (&json!("c1"), &json!("{\"result\":3}")));
    assert_eq!(of("completed")["text"], "3");
    let answer: Value = serde_json::from_str(&ask("--json")).unwrap();
    assert_eq!(answer["text"], "3");
    assert_eq!(names(&server.requests()[0]), ["fixture__add"]);
}

#[test]
fn a_dry_run_shows_the_tools() {
    let (home, server) = (home(""), Server::start([]));
    let arguments = ["--dry-run", "--tool", "time__convert_time", "q"];
    let ran = home.run(&[&server.options()[..], &arguments].concat());
    let printed: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(names(&printed["body"]), ["time__convert_time"]);
    assert!(server.requests().is_empty() && !home.db().exists());
}

#[test]
fn forks_and_talks_have_tools_too() {
    let home = home("");
    let add = || Answer::Call("", "fixture__add", r#"{"a":1,"b":2}"#);
    let grow = || Answer::Call("", "fixture__grow", "{}");
    let three = || Answer::Text(&["3"]);
    let server = Server::start([Answer::Text(&["x"]), add(), three(), grow(), three(), three()]);
    assert_eq!(home.run(&[&server.options()[..], &["-t", "trip", "q"]].concat()).code, 0);
    let url = &server.url;
    let arguments = ["fan-out", "trip", "1 + 2?", "--tool", "fixture", "--base-url", url];
    let ran = home.run(&arguments);
    assert_eq!((ran.code, ran.err.as_str()), (0, "← fixture__add: {\"result\":3}\n"), "{ran:?}");
    let arguments = ["chat", "trip", "--tool", "all", "--base-url", url, "-m", "tiny"];
    let ran = home.run_with(b"grow\nand now?\n", &arguments);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.starts_with("→ fixture__grow({})\n← fixture__grow: one more\n"), "{ran:?}");
    let offered: Vec<_> = server.requests().iter().map(|r| r["tools"].clone()).collect();
    assert!(offered[3].to_string().contains("time__convert_time"), "all of all servers");
    assert!(!offered[3].to_string().contains("fixture__grown"));
}

#[test]
fn a_call_that_fails_is_told_to_the_model_and_the_turn_goes_on() {
    let home = home("");
    let end = Answer::Call("", "fixture__end", "{}");
    let server = Server::start([end, Answer::Text(&["It broke."])]);
    let arguments = [&server.options()[..], &["--tool", "fixture", "Go on."]].concat();
    let ran = home.run(&arguments);
    assert_eq!((ran.code, ran.out.as_str()), (0, "It broke.\n"), "{ran:?}");
    assert!(ran.err.contains("← fixture__end: failed: the connection with"), "{ran:?}");
}

#[test]
fn what_cannot_be_offered_is_named_before_anything_is_asked_or_made() {
    let server = Server::start([]);
    let ask = |home: &Home, tool: &str, code: i32, said: &str| {
        let ran = home.run(&[&server.options()[..], &["--tool", tool, "q"]].concat());
        ran.fails(code, tool);
        assert!(ran.err.contains(said), "{tool}: {ran:?}");
        assert!(!home.db().exists() && server.requests().is_empty());
    };
    let home = home(
        "[mcp-servers.gone]\ncommand = '/no/such/program'\n\
         [mcp-servers.keyed]\nurl = 'http://127.0.0.1:9/mcp'\n\
         headers = { authorization = 'Bearer env:WIKI_TOKEN' }\n",
    );
    ask(&home, "tiem", 3, "did you mean `time`?");
    ask(&home, "tiem__convert_time", 3, "did you mean `time`?");
    ask(&home, "time__convert_tiem", 3, "did you mean `time__convert_time`?");
    ask(&home, "gone", 1, "the MCP server `gone` cannot be started");
    ask(&home, "keyed", 2, "the MCP server `keyed` wants the variable WIKI_TOKEN");
    ask(&home, "all", 1, "`gone`");
    ask(&Home::new(), "time", 2, "no MCP server is configured");
    ask(&Home::new(), "all", 2, "no MCP server is configured");
    let arguments = [&server.options()[..], &["--tool", "keyed", "q"]].concat();
    let mut command = home.command(arguments);
    command.env("WIKI_TOKEN", "tok-secret");
    let ran = run_with(command, b"");
    ran.fails(1, "a server that is not there");
    assert!(
        ran.err.contains("`keyed` cannot be reached") && !ran.err.contains("tok-secret"),
        "{ran:?}"
    );
}

#[test]
fn secrets_are_named_in_the_file_and_taken_from_the_environment() {
    let home = home("env = { KEY = 'env:MY_KEY', PLAIN = 'as it is' }\n");
    let ask = |variable: &'static str| {
        let call = Answer::Call("", "fixture__variable", variable);
        let server = Server::start([call, Answer::Text(&["ok"])]);
        let mut command =
            home.command([&server.options()[..], &["--tool", "fixture", "q"]].concat());
        command.env("MY_KEY", "key-1");
        assert_eq!(run_with(command, b"").code, 0);
        server.requests()[1]["messages"][2]["content"].clone()
    };
    assert_eq!(ask(r#"{"name":"KEY"}"#), "key-1");
    assert_eq!(ask(r#"{"name":"PLAIN"}"#), "as it is");
    assert_eq!(ask(r#"{"name":"MY_KEY"}"#), "(none)", "what is not named is not handed on");
    let shown = home.run(&["config", "show"]);
    assert!(shown.out.contains("mcp-servers.time.command = "), "{shown:?}");
}

#[test]
fn a_setting_that_is_misspelled_is_an_error_with_the_nearest_one() {
    let home = home("[mcp-servers.wiki]\nurll = 'http://127.0.0.1:9'\n");
    let ran = home.run(&["mcp-servers", "list"]);
    ran.fails(2, "a key that is misspelled");
    assert!(
        ran.err.contains("`mcp-servers.wiki`: there is no setting `urll`; did you mean `url`?")
    );
}

#[test]
fn a_server_whose_calls_a_person_approves_parks_the_turn_until_it_is_resumed() {
    let home = home("approve = 'ask'\n");
    let call = || Answer::Call("", "fixture__add", r#"{"a":1,"b":2}"#);
    let server = Server::start([call(), Answer::Text(&["It is 12."])]);
    let with_tool = ["--tool", "fixture"];
    let ask = [&server.options()[..], &with_tool, &["-t", "sums", "1 + 2?"]].concat();
    let parked = home.run(&ask);
    assert_eq!(parked.code, 8, "{parked:?}");
    assert!(parked.err.contains("calls wait for approval: `fixture__add` (c1)"), "{parked:?}");
    assert!(parked.err.contains("hint: `branchwork approvals`"), "{parked:?}");
    let resume = [&["resume", "sums"], &server.options()[..], &with_tool].concat();
    assert_eq!(home.run(&resume).code, 8, "nobody answered");
    let approve = ["approvals", "approve", "sums", "c1", "--arguments", r#"{"a":5,"b":7}"#];
    home.json(&approve);
    let without = home.run(&[&["resume", "sums"], &server.options()[..]].concat());
    assert!(without.code == 3 && without.err.contains("no tool `fixture__add`"), "{without:?}");
    let ran = home.run(&resume);
    assert_eq!((ran.code, ran.out.as_str()), (0, "It is 12.\n"), "{ran:?}");
    let told = server.requests().pop().unwrap();
    let told = told["messages"].as_array().unwrap();
    let arguments = &told[told.len() - 2]["tool_calls"][0]["function"]["arguments"];
    assert_eq!(arguments, r#"{"a":5,"b":7}"#, "the model sees what ran");
    assert!(told[told.len() - 1]["content"].as_str().unwrap().contains("12"));
    assert_eq!(home.run(&resume).code, 2, "nothing is left to resume");
}
