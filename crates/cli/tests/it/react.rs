//! A model that reasons and acts in turns, with a real MCP server.

use serde_json::Value;

use crate::{
    mcp_servers::{CONVERT, home},
    server::{Answer, Server},
    support::Home,
};

/// A model that plans, calls, sees that it is done, and says so.
fn model() -> Server {
    Server::start([
        Answer::Text(&["I will ask for the time."]),
        Answer::Call("", "time__convert_time", CONVERT),
        Answer::Text(&["I know it."]),
        Answer::Text(&["Done."]),
        Answer::Text(&["It is 19:30."]),
    ])
}

#[test]
fn a_task_is_solved_with_a_tool_and_the_result_is_printed() {
    let (home, server) = (home(""), model());
    let arguments = ["-t", "trip", "--tool", "time", "-s", "Be brief.", "How late is it in Tokyo?"];
    let ran = home.run(&[&["react"], &server.options()[..], &arguments].concat());
    assert_eq!((ran.code, ran.out.as_str()), (0, "It is 19:30.\n"), "{ran:?}");
    let said: Vec<&str> = ran.err.lines().collect();
    assert_eq!(said[0], format!("→ time__convert_time({CONVERT})"));
    assert!(said.len() == 2 && said[1].starts_with("← time__convert_time: "), "{ran:?}");
    let requests = server.requests();
    assert_eq!(requests.len(), 5);
    let first = requests[0]["messages"][1]["content"].as_str().unwrap();
    assert!(first.starts_with("How late is it in Tokyo?"), "{first}");
    assert!(first.contains("time__convert_time, time__get_current_time"), "{first}");
    assert_eq!(home.texts("trip").last().unwrap(), "It is 19:30.");
}

#[test]
fn the_answer_is_an_object_and_the_rounds_are_as_said() {
    let (home, server) = (home(""), model());
    let arguments = ["react", "--rounds", "1", "--json", "How late is it?"];
    let ran = home.run(&[&arguments, &server.options()[..]].concat());
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&answer["text"], &answer["branch"]), (&"I know it.".into(), &"main".into()));
    assert_eq!((ran.code, ran.err.as_str(), server.requests().len()), (0, "", 3));
    // All servers when none is said; and it goes on in the session that was used last.
    let tools = server.requests()[0]["tools"].to_string();
    assert!(tools.contains("fixture__add") && tools.contains("time__convert_time"), "{tools}");
    let arguments = ["react", "-c", "--rounds", "0", "--tool", "time", "And?", "--base-url"];
    assert_eq!(home.run(&[&arguments[..], &[&server.url]].concat()).out, "Done.\n");
}

#[test]
fn without_tools_or_a_task_nothing_is_asked_or_made() {
    let (plain, server) = (Home::new(), model());
    let react =
        |home: &Home, more: &[&str]| home.run(&[&["react"], &server.options()[..], more].concat());
    let ran = react(&plain, &["q"]);
    ran.fails(2, "no server is configured");
    assert!(ran.err.contains("no MCP server is configured"), "{ran:?}");
    react(&plain, &[""]).fails(2, "an empty task");
    react(&plain, &[]).fails(2, "no task");
    react(&home(""), &["--tool", "tiem", "q"]).fails(3, "an unknown server");
    assert!(server.requests().is_empty() && !plain.db().exists());
}
