//! One target: what it begins with, how long it runs, where what it finds is put.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

use super::report::Outcome;
use crate::program;

/// The variable that says where a target writes what it begins with.
const SEEDS: &str = "BRANCHWORK_FUZZ_SEEDS";

/// Seconds that one input may take.
const INPUT_SECONDS: u32 = 30;

/// Megabytes that a target may take: an endless answer of the largest size is read in it.
const MEGABYTES: u32 = 2_048;

/// How long a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Seconds(u64),
    /// So many inputs: as many on a fast machine as on a slow one, and the same ones from the same seed.
    Inputs(u64),
}

impl Length {
    fn option(self) -> String {
        match self {
            Self::Seconds(seconds) => format!("-max_total_time={seconds}"),
            Self::Inputs(inputs) => format!("-runs={inputs}"),
        }
    }
}

/// A run of a target.
pub(super) struct Run<'a> {
    pub(super) name: &'a str,
    pub(super) program: &'a Path,
    pub(super) length: Length,
    /// What chance begins with; 0 is another number each time.
    pub(super) seed: u32,
}

impl Run<'_> {
    /// Runs it to its end. What it found is kept in `fuzz/corpus`, and what failed in `fuzz/artifacts`.
    pub(super) fn run(&self) -> Result<Outcome> {
        let [seeds, corpus, artifacts] =
            ["seeds", "corpus", "artifacts"].map(|kind| self.folder(kind));
        program::run(Command::new(self.program).env(SEEDS, &seeds))?;
        for folder in [&corpus, &artifacts] {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        let mut prefix = OsString::from(&artifacts);
        prefix.push("/");
        let output = Command::new(self.program)
            .arg(&corpus)
            .arg(&seeds)
            .arg(option("-dict=", seeds.with_extension("dict")))
            .arg(option("-artifact_prefix=", prefix))
            .arg(self.length.option())
            .arg(format!("-seed={}", self.seed))
            .arg(format!("-timeout={INPUT_SECONDS}"))
            .arg(format!("-rss_limit_mb={MEGABYTES}"))
            .arg("-print_final_stats=1")
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("running {}", self.name))?;
        let said = String::from_utf8_lossy(&output.stderr);
        let log = self.folder("logs").with_extension("log");
        fs::create_dir_all(log.parent().unwrap_or(&log))?;
        fs::write(&log, said.as_bytes()).with_context(|| format!("writing {}", log.display()))?;
        Ok(Outcome::read(&said, output.status.success()))
    }

    /// The folder of that kind. What is made anew each time lies where cargo builds.
    fn folder(&self, kind: &str) -> PathBuf {
        let folder = super::folder();
        match kind {
            "seeds" | "logs" => folder.join("target").join(kind).join(self.name),
            kind => folder.join(kind).join(self.name),
        }
    }
}

fn option(name: &str, value: impl Into<OsString>) -> OsString {
    let mut option = OsString::from(name);
    option.push(value.into());
    option
}
