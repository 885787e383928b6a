//! Programs that are run to their end.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

/// Runs a program to its end; the last line it said becomes the error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

/// The same; answers what it printed.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let path = Path::new(command.get_program());
    let program = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    command.stdin(Stdio::null());
    let output = command.output().with_context(|| format!("running {program}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message");
    bail!("{program} ended with {}: {}", output.status, last.trim())
}
