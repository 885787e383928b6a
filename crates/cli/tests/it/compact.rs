//! Summaries on the command line.

use crate::{
    server::{Answer, Server},
    support::{Home, prefix},
};

#[test]
fn a_summary_stands_for_what_is_old_until_it_is_taken_back() {
    let home = Home::with_trip();
    let server = Server::start([Answer::Text(&["They go to Rome."])]);
    let options = [&server.options()[..], &["--keep", "1", "--json"]].concat();
    // `--base-url` and `-m` are options of the command.
    let ran = home.run(&[&["compact", "trip"], &options[..]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let compacted: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(compacted["folded"], 1);
    assert_eq!(home.texts("trip"), ["Be brief.", "They go to Rome.", "Rome."]);
    assert_eq!(home.json(&["branch", "list", "trip"])["branches"].as_array().unwrap().len(), 1);

    let all = home.json(&["compact", "trip", "--keep", "0", "--summary", "A trip."]);
    assert_eq!(all["folded"], 2);
    assert_eq!(home.texts("trip"), ["Be brief.", "A trip."]);
    let summary = prefix(all["summary"].as_str().unwrap());
    assert_eq!(home.run(&["uncompact", "trip", &summary]).out, "2 messages stand again\n");
    home.json(&["uncompact", "trip", compacted["summary"].as_str().unwrap()]);
    assert_eq!(home.texts("trip"), ["Be brief.", "Warm?", "Rome."]);

    let refused = home.run(&["uncompact", "trip", "~0"]);
    assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{refused:?}");
    let refused = home.run(&["compact", "trip", "--keep", "9", "--summary", "x"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    let refused = home.run(&["compact", "trip", "--keep", "0", "--summary", " "]);
    assert_eq!(refused.code, 2, "{refused:?}");
}
