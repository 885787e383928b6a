//! What came of a run, out of what libFuzzer says.

/// The names of what a line tells.
pub(super) const HEAD: &str =
    "target          executions    edges: first     last    inputs    found";

/// What came of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    executions: u64,
    /// Edges of the program that were reached by what it began with, and in the end.
    edges: (u64, u64),
    /// Inputs that each reach something of their own.
    inputs: u64,
    /// What does not hold, and the file that shows it.
    pub(super) finding: Option<String>,
}

impl Outcome {
    /// Reads what libFuzzer said.
    pub(super) fn read(said: &str, succeeded: bool) -> Self {
        let edges = |line: &str| number_behind(line, " cov: ");
        let counts: Vec<(u64, &str)> =
            said.lines().filter_map(|line| Some((edges(line)?, line))).collect();
        let first = counts.iter().find(|(_, line)| line.contains("INITED"));
        let (last, line) = counts.last().copied().unwrap_or_default();
        let executions = said.lines().rev().find_map(|line| {
            number_behind(line, "stat::number_of_executed_units: ").or_else(|| {
                line.strip_prefix('#')
                    .filter(|_| !succeeded)
                    .and_then(|line| number_behind(line, ""))
            })
        });
        Self {
            executions: executions.unwrap_or_default(),
            edges: (first.map_or(last, |(edges, _)| *edges), last),
            inputs: number_behind(line, " corp: ").unwrap_or_default(),
            finding: (!succeeded).then(|| finding(said)),
        }
    }

    /// One line that tells it.
    pub(super) fn line(&self, name: &str) -> String {
        let found = if self.finding.is_some() { "SOMETHING" } else { "nothing" };
        let (Self { executions, inputs, .. }, (first, last)) = (self, self.edges);
        format!("{name:<12} {executions:>13} {first:>15} {last:>8} {inputs:>9}    {found}")
    }
}

/// What does not hold, in the words of the panic, and where the input is.
fn finding(said: &str) -> String {
    let mut lines = said.lines().skip_while(|line| !line.contains("panicked at"));
    let panic: Vec<&str> = lines.by_ref().take(2).collect();
    let error = said.lines().find(|line| line.contains("ERROR: libFuzzer"));
    let file = said.lines().find_map(|line| line.split_once("Test unit written to "));
    let what =
        if panic.is_empty() { error.unwrap_or("it ended").to_owned() } else { panic.join(" ") };
    match file {
        Some((_, file)) => format!("{what}\n  {file}"),
        None => what,
    }
}

/// The number that follows `name` in `line`.
fn number_behind(line: &str, name: &str) -> Option<u64> {
    let (_, rest) = line.split_once(name)?;
    let digits = rest.trim_start();
    let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "INFO: Seed: 7
#2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 36Mb
#9\tNEW    cov: 31 ft: 44 corp: 3/12b lim: 4 exec/s: 0 rss: 36Mb
#70\tDONE   cov: 40 ft: 44 corp: 5/12b lim: 4 exec/s: 0 rss: 36Mb
stat::number_of_executed_units: 70
";

    #[test]
    fn a_run_is_told_by_its_counts() {
        let outcome = Outcome::read(RUN, true);
        let expected = Outcome { executions: 70, edges: (12, 40), inputs: 5, finding: None };
        assert_eq!(outcome, expected);
        assert!(outcome.line("chat").ends_with("nothing"));
    }

    #[test]
    fn what_is_found_is_told_with_its_file() {
        let said = "thread '<unnamed>' panicked at src/mask.rs:7:9:
a key
==7== ERROR: libFuzzer: deadly signal
artifact_prefix='a/'; Test unit written to a/crash-7
";
        let outcome = Outcome::read(&format!("{RUN}{said}"), false);
        let found = "thread '<unnamed>' panicked at src/mask.rs:7:9: a key\n  a/crash-7";
        assert_eq!(outcome.finding.as_deref(), Some(found));
        assert_eq!(Outcome::read("", false).finding.as_deref(), Some("it ended"));
    }
}
