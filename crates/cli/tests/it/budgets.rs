//! Budgets, as options and the configuration file say.

use crate::{
    mcp_servers,
    server::{Answer, Server},
    support::{Home, Ran},
};

/// A server whose answers use nine tokens each, and a home in which it is called `lab`.
fn lab(config: &str) -> (Home, Server) {
    let server = Server::start((0..9).map(|_| Answer::Text(&["Rome."])));
    let config = format!("[providers.lab]\nbase_url = '{}'\n{config}", server.url);
    (Home::configured(&config), server)
}

fn ask(home: &Home, options: &[&str]) -> Ran {
    home.run(&[&["-m", "lab:tiny", "--max-tokens", "10"], options, &["Warm?"]].concat())
}

#[test]
fn a_prompt_that_may_use_more_than_is_left_is_not_sent() {
    let (home, server) = lab("");
    assert_eq!(ask(&home, &["-t", "trip", "--budget-tokens", "1000"]).code, 0);
    // Nine were used.
    let ran = ask(&home, &["-c", "--budget-tokens", "20"]);
    ran.fails(6, "the session's budget");
    assert!(ran.err.contains("11 of 20 are left"), "{ran:?}");
    assert_eq!((home.texts("trip").len(), server.requests().len()), (2, 1), "nothing is written");
    assert_eq!(ask(&home, &["-c", "--budget-tokens", "1000"]).code, 0);
}

#[test]
fn a_budget_is_for_the_session_the_branch_or_its_tree() {
    let (home, server) = lab("");
    assert_eq!(ask(&home, &["-t", "trip"]).code, 0);
    home.json(&["fork", "trip", "--name", "side"]);
    let side = ["-S", "trip", "-b", "side", "--budget-tokens", "45"];
    // Each reserves what it reads and the ten tokens that it may write.
    assert_eq!(ask(&home, &[&side[..], &["--budget-scope", "branch"]].concat()).code, 0);
    let main = ["-S", "trip", "--budget-tokens", "40"];
    assert_eq!(ask(&home, &[&main[..], &["--budget-scope", "branch"]].concat()).code, 0);
    let code =
        |scope| ask(&home, &["-S", "trip", "--budget-tokens", "30", "--budget-scope", scope]).code;
    assert_eq!((code("tree"), code("session")), (6, 6));
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_turn_that_waits_for_more_goes_on_with_more() {
    let (home, server) = lab("[budget]\ntokens = 5\nover = 'park'\n");
    let ran = ask(&home, &["-t", "trip"]);
    ran.fails(8, "it waits");
    assert!(ran.err.contains("hint: `branchwork resume` goes on with a larger"), "{ran:?}");
    assert_eq!(home.texts("trip"), ["Warm?"], "the question is kept");
    home.run(&["resume", "trip", "-m", "lab:tiny"]).fails(8, "no more than before");
    let ran = home.run(&["resume", "trip", "-m", "lab:tiny", "--budget-tokens", "10000"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "Rome.\n"), "{ran:?}");
    assert_eq!(server.requests().len(), 1);
    // The option says otherwise than the file, and the rest of the file holds.
    ask(&home, &["-S", "trip", "--budget-over", "stop"]).fails(6, "closed");
    assert_eq!(home.texts("trip").len(), 2);
}

#[test]
fn a_budget_in_money_needs_a_price() {
    let prices = "[prices.\"lab:tiny\"]\ninput = 1000\noutput = 1000\n";
    let (home, server) = lab(prices);
    // A tenth of a cent for each token, of which an answer may have ten.
    ask(&home, &["--budget-usd", "0.01"]).fails(6, "it may cost more");
    assert_eq!(ask(&home, &["--budget-usd", "0.5"]).code, 0);
    let ran = home.run(&["-m", "lab:other", "--budget-usd", "100", "Warm?"]);
    ran.fails(6, "nobody knows what it costs");
    assert!(ran.err.contains("hint: say it in the configuration file: `[prices."), "{ran:?}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn every_command_that_asks_keeps_to_the_budget_of_the_file() {
    let server = Server::start([Answer::Text(&["Rome."])]);
    let config = format!(
        "[providers.lab]\nbase_url = '{}'\n[budget]\ntokens = 5\nscope = 'branch'\n",
        server.url
    );
    let home = mcp_servers::home(&config);
    home.json(&["append", "trip", "--create", "--role", "user", "Rome?"]);
    home.json(&["append", "trip", "--role", "assistant", "Rome."]);
    home.json(&["fork", "trip", "--name", "side"]);
    home.json(&["append", "trip@side", "--role", "user", "Or Oslo?"]);
    for arguments in [
        &["-S", "trip", "-n", "2", "Warm?"][..],
        &["fan-out", "trip", "Warm?"],
        &["compact", "trip", "--keep", "1"],
        &["merge", "trip@side", "--into", "main", "--mode", "summary", "--yes"],
        &["react", "Warm?", "-S", "trip", "--tool", "fixture"],
    ] {
        home.run(&[arguments, &["-m", "lab:tiny"]].concat()).fails(6, arguments[0]);
    }
    let ran = home.run_with(b"Warm?\n", &["chat", "trip", "-m", "lab:tiny"]);
    assert!(ran.err.contains("of 5 are left"), "{ran:?}");
    assert!(server.requests().is_empty());
    let ran =
        home.run_with(b"Warm?\n", &["chat", "trip", "-m", "lab:tiny", "--budget-tokens", "9000"]);
    assert_eq!((ran.code, ran.out.contains("Rome.")), (0, true), "{ran:?}");
}

#[test]
fn options_of_a_budget_that_is_not_there_are_refused() {
    let (home, server) = lab("");
    for option in [["--budget-scope", "tree"], ["--budget-over", "park"]] {
        let ran = ask(&home, &option);
        ran.fails(2, option[0]);
        assert!(ran.err.contains("give --budget-tokens or --budget-usd"), "{ran:?}");
    }
    assert!(server.requests().is_empty() && !home.db().exists());
}
