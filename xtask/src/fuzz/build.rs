//! The programs of the targets.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

/// What cargo says of something it built, as far as it is wanted.
#[derive(Deserialize)]
struct Built {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// A target that is built when it is asked for by name, as is the feature of that name.
const BY_NAME: &str = "parquet";

/// Builds the targets that are wanted, or nearly all; answers their programs by name.
pub(super) fn programs(wanted: &[String]) -> Result<BTreeMap<String, PathBuf>> {
    let features = wanted.iter().any(|target| target == BY_NAME).then_some(BY_NAME);
    // In its folder, where the flags are written that count what a run reaches.
    let output = Command::new("cargo")
        .args(["build", "--release", "--locked", "--target-dir", "target"])
        .args(["--features", features.unwrap_or_default()])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(super::folder())
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .stderr(Stdio::inherit())
        .output()
        .context("running cargo")?;
    ensure!(output.status.success(), "the targets cannot be built");
    let text = String::from_utf8_lossy(&output.stdout);
    let built = text.lines().filter_map(|line| serde_json::from_str::<Built>(line).ok());
    Ok(built.filter_map(|built| Some((built.target?.name, built.executable?))).collect())
}
