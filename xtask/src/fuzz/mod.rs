//! Fuzzing everything that reads bytes from outside: the targets are in `fuzz`, a workspace of its own.
//!
//! | module | holds |
//! |---|---|
//! | `build` | the programs of the targets, with what counts what a run reaches |
//! | `run` | one target: what it begins with, how long it runs, where what it finds is put |
//! | `report` | what came of a run |

mod build;
mod report;
mod run;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

pub(crate) use self::run::Length;
use self::run::Run;
use crate::output;

/// Runs the targets of those names, or nearly all, one after the other; fails when one finds
/// something.
pub(crate) fn run(targets: &[String], length: Length, seed: u32) -> Result<()> {
    let programs = build::programs(targets)?;
    if let Some(other) = targets.iter().find(|target| !programs.contains_key(*target)) {
        let known: Vec<&str> = programs.keys().map(String::as_str).collect();
        bail!("there is no target `{other}`: there are {}", known.join(", "));
    }
    let wanted = |name: &String| targets.is_empty() || targets.contains(name);
    let mut found = Vec::new();
    output::data(report::HEAD);
    for (name, program) in programs.iter().filter(|(name, _)| wanted(name)) {
        let outcome = Run { name, program, length, seed }.run()?;
        output::data(&outcome.line(name));
        found.extend(outcome.finding.map(|finding| format!("{name}: {finding}")));
    }
    for finding in &found {
        output::note(finding);
    }
    ensure!(found.is_empty(), "{} targets found something", found.len());
    Ok(())
}

/// The workspace of the targets.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}
