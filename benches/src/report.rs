//! What a bench prints: tables in Markdown, ready for a note.

use std::{fmt, time::Duration};

/// Prints the head of a table with these columns.
pub fn head(columns: &[&str]) {
    line(&format!("| {} |", columns.join(" | ")));
    line(&format!("|{}", "---|".repeat(columns.len())));
}

/// Prints a row.
pub fn row(cells: &[&dyn fmt::Display]) {
    let cells: Vec<String> = cells.iter().map(ToString::to_string).collect();
    line(&format!("| {} |", cells.join(" | ")));
}

/// Prints a line.
#[expect(clippy::print_stdout, reason = "a bench tells what it measured")]
pub fn line(text: &str) {
    println!("{text}");
}

/// A duration in microseconds.
pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
