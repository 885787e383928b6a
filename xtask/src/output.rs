//! Printing: data to standard output, everything else to standard error.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the one place that prints")]

/// Prints one line of data.
pub(crate) fn data(text: &str) {
    println!("{text}");
}

/// Says something to a person.
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}
