//! Requests of random histories, held against what the servers of each protocol refuse.
//!
//! `BRANCHWORK_CASES=10000 cargo test -p branchwork-providers --test it legality` is the long run.

mod responses;

use proptest::test_runner::Config;

/// Histories that are tried in a short run.
const CASES: u32 = 256;

/// As many cases as the caller asks for.
#[expect(clippy::disallowed_methods, reason = "how long the test takes is for its caller to say")]
fn config() -> Config {
    let said = std::env::var("BRANCHWORK_CASES");
    Config::with_cases(said.map_or(CASES, |cases| cases.parse().expect("a number of cases")))
}
