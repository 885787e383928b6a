//! Whatever a branch holds becomes a request that breaks no rule of its protocol.
//!
//! Each protocol has a checker of its own, which knows the rules by their documentation and nothing of
//! the code that writes requests.

mod anthropic;

use std::env;

use proptest::prelude::ProptestConfig;

/// Cases of a property, unless the environment variable `BRANCHWORK_CASES` says how many.
const CASES: u32 = 256;

/// How properties are run.
fn config() -> ProptestConfig {
    let cases = env::var("BRANCHWORK_CASES").ok().map(|cases| cases.parse().expect("a number"));
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases.unwrap_or(CASES))
    }
}
