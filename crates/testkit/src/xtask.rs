//! What `cargo xtask` fetches and starts for tests.

use std::process::Command;

/// Runs `cargo xtask` and answers what it prints, on one line.
///
/// # Panics
///
/// When it fails: with what it said.
pub fn xtask(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "xtask", "--"])
        .args(arguments)
        .output()
        .expect("cargo runs tests, so it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(output.status.success(), "cargo xtask {arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}
