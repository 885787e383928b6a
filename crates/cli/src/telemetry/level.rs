//! Which spans and events are told of on standard error.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use crate::{env, exit::Failure};

/// The variables that say it, when no option does.
const OURS: &str = "BRANCHWORK_LOG";
const COMMON: &str = "RUST_LOG";

/// What begins the targets of what is told.
pub(super) const TARGET: &str = "branchwork";

/// What is told of; `None` when nothing is. `-v` comes before `BRANCHWORK_LOG`, that before `RUST_LOG`,
/// which is for other programs too: what we cannot read of it is noted.
pub(super) fn targets(verbose: u8, notes: &mut Vec<String>) -> Result<Option<Targets>, Failure> {
    let level = match verbose {
        0 => return of_environment(notes),
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    Ok(Some(Targets::new().with_target(TARGET, level)))
}

fn of_environment(notes: &mut Vec<String>) -> Result<Option<Targets>, Failure> {
    if let Some(text) = env::text(OURS) {
        let targets = text.parse().map_err(|error| {
            let message = format!("{OURS} cannot be read: {error}");
            Failure::usage(message)
                .with_hint("write `debug`, or `branchwork=debug,branchwork_mcp=info`")
        });
        return targets.map(Some);
    }
    let Some(text) = env::text(COMMON) else { return Ok(None) };
    match text.parse() {
        Ok(targets) => Ok(Some(targets)),
        Err(error) => {
            notes.push(format!("{COMMON} cannot be read, and does not hold: {error}"));
            Ok(None)
        }
    }
}
