//! The documents, rendered from their sheets and the names of the tests.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use super::{
    scenario,
    sheet::{Line, Row, Sheet},
    suite::Suite,
};
use crate::{cache, output};

/// A document that is made and not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Document {
    /// What the seed's numbered scenarios say, and which tests show them.
    Scenarios,
    /// What went wrong in the seed, and why it does not here.
    Faults,
}

/// Writes every document of which all is known.
pub(crate) fn write() -> Result<()> {
    let root = root();
    let suite = Suite::of(&root)?;
    let mut problems = Vec::new();
    for document in Document::ALL {
        match document.text(&root, &suite) {
            Ok(text) => {
                cache::write(&root.join(document.path()), &text)?;
                output::data(document.path());
            }
            Err(problem) => problems.push(format!("{problem:#}")),
        }
    }
    if problems.is_empty() { Ok(()) } else { bail!(problems.join("\n")) }
}

/// Where the workspace is.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Document {
    const ALL: [Self; 2] = [Self::Scenarios, Self::Faults];

    /// Where it is.
    const fn path(self) -> &'static str {
        match self {
            Self::Scenarios => "docs/reference/scenarios.md",
            Self::Faults => "docs/seed-faults.md",
        }
    }

    /// Where its data are.
    const fn data(self) -> &'static str {
        match self {
            Self::Scenarios => "docs/reference/scenarios.tsv",
            Self::Faults => "docs/seed-faults.tsv",
        }
    }

    /// What stands before its tables.
    const fn beginning(self) -> &'static str {
        match self {
            Self::Scenarios => {
                "# Scenarios\n\n\
                 What a session of LionAGI 0.0.300, the seed of branchwork, did or should have done, by number,\n\
                 and the tests that show it here. Numbers are stable, and have gaps. `F5` is a fixture of five\n\
                 messages: a system text, an instruction, an answer, a call and its result. Where branchwork goes\n\
                 another way, the note begins with \"Differs\".\n\n\
                 `cargo xtask tables` writes this file from `scenarios.tsv` and the names of the tests; a test\n\
                 compares.\n"
            }
            Self::Faults => {
                "# Faults of the seed\n\n\
                 What went wrong in LionAGI 0.0.300, the seed of branchwork, and the tests that show that it does\n\
                 not happen here, or the reason why it cannot, or what it comes with.\n\n\
                 `cargo xtask tables` writes this file from `seed-faults.tsv` and the names of the tests; a test\n\
                 compares.\n"
            }
        }
    }

    /// What it says today.
    fn text(self, root: &Path, suite: &Suite) -> Result<String> {
        let data = self.data();
        let text =
            fs::read_to_string(root.join(data)).with_context(|| format!("reading {data}"))?;
        match Sheet::parse(&text) {
            Ok(sheet) => self.render(&sheet, suite),
            Err(line) => bail!("{data}: {line}"),
        }
    }

    /// What it says when its data are `sheet`.
    fn render(self, sheet: &Sheet, suite: &Suite) -> Result<String> {
        let mut problems = self.strangers(sheet, suite);
        let mut text = self.beginning().to_owned();
        let head = format!("\n{}|---|---|---|---|\n", table_row(&sheet.columns));
        let mut keys = BTreeSet::new();
        let mut is_in_table = false;
        for line in &sheet.lines {
            let row = match line {
                Line::Title(title) => {
                    text += &format!("\n## {title}\n");
                    is_in_table = false;
                    continue;
                }
                Line::Row(row) => row,
            };
            if !is_in_table {
                text += &head;
            }
            is_in_table = true;
            if !keys.insert(&row.key) {
                problems.push(format!("{} is there twice", row.key));
            }
            match self.cells(row, suite) {
                Ok(cells) => text += &table_row(&cells),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            return Ok(text);
        }
        let lines = problems.into_iter().map(|problem| format!("{}: {problem}", self.data()));
        bail!(lines.collect::<Vec<_>>().join("\n"))
    }

    /// The cells of a row, or what is wrong with it.
    fn cells(self, row: &Row, suite: &Suite) -> Result<[String; 4], String> {
        let mut names: Vec<&str> = Vec::new();
        if self == Self::Scenarios {
            let number: u32 =
                row.key.parse().map_err(|_number| format!("{} is no number", row.key))?;
            let shows =
                |name: &&str| scenario::named_by(name).iter().any(|span| span.contains(&number));
            names.extend(suite.names().filter(shows));
        }
        for name in row.tests.iter().map(String::as_str) {
            if suite.files(name).next().is_none() {
                return Err(format!("{} names the test `{name}`, which is not there", row.key));
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() && row.note.is_empty() {
            return Err(format!("{} has neither a test nor a note", row.key));
        }
        let links: Vec<_> = names.iter().flat_map(|name| self.links(name, suite)).collect();
        Ok([row.key.clone(), row.says.clone(), links.join(", "), row.note.clone()])
    }

    /// Links to the tests of that name.
    fn links(self, name: &str, suite: &Suite) -> Vec<String> {
        let up = "../".repeat(self.path().matches('/').count());
        suite.files(name).map(|file| format!("[`{name}`]({up}{file})")).collect()
    }

    /// Tests that are named by scenarios of which nothing is said.
    fn strangers(self, sheet: &Sheet, suite: &Suite) -> Vec<String> {
        if self != Self::Scenarios {
            return Vec::new();
        }
        let known: BTreeSet<u32> = sheet.rows().filter_map(|row| row.key.parse().ok()).collect();
        let of_test = |name: &str| {
            let spans = scenario::named_by(name).into_iter();
            let ends = spans.flat_map(|span| [*span.start(), *span.end()]).collect::<BTreeSet<_>>();
            let unknown = ends.into_iter().filter(|end| !known.contains(end));
            unknown.map(|end| format!("{end} is missing: `{name}` is a test of it")).collect()
        };
        suite.names().flat_map(|name| -> Vec<String> { of_test(name) }).collect()
    }
}

/// A row of a table.
fn table_row(cells: &[String; 4]) -> String {
    let cells = cells.iter().map(|cell| match cell.as_str() {
        "" => "|".to_owned(),
        cell => format!("| {} ", cell.replace('|', "\\|")),
    });
    cells.collect::<String>() + "|\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "scenario\tsays\ttests\tnote\n";

    fn suite() -> Suite {
        let mut suite = Suite::default();
        let names = ["s001_one", "s002_and_s003_both", "s005_to_s007_span", "plain"];
        let text: String = names.map(|name| format!("#[test]\nfn {name}() {{}}\n")).concat();
        suite.read("crates/a/tests/x.rs", &text);
        suite
    }

    fn rendered(document: Document, rows: &str) -> Result<String> {
        let rows = rows.replace(' ', "\t").replace('~', " ");
        document.render(&Sheet::parse(&(HEAD.to_owned() + &rows)).unwrap(), &suite())
    }

    fn scenarios(rows: &str) -> Result<String> {
        rendered(Document::Scenarios, &format!("1 a\n2 b\n3 c\n5 e\n7 g\n{rows}"))
    }

    fn problem(text: Result<String>) -> String {
        text.unwrap_err().to_string()
    }

    #[test]
    fn scenarios_are_shown_by_the_tests_that_are_named_by_them() {
        let text = scenarios("6 f|f plain,\n").unwrap_err().to_string();
        assert!(text.ends_with("6 names the test `plain,`, which is not there"), "{text}");
        let text = scenarios("#~More\n6 f|f plain~s005_to_s007_span\n8 h  later\n").unwrap();
        let link = |name: &str| format!("[`{name}`](../../crates/a/tests/x.rs)");
        let (span, plain) = (link("s005_to_s007_span"), link("plain"));
        let expected = format!(
            "| 7 | g | {span} ||\n\n## More\n\n| scenario | says | tests | note |\n|---|---|---|---|\n\
             | 6 | f\\|f | {span}, {plain} ||\n| 8 | h || later |\n"
        );
        assert!(text.ends_with(&expected), "{text}");
        assert!(text.contains(&format!("| 3 | c | {} ||\n", link("s002_and_s003_both"))));
    }

    #[test]
    fn what_nothing_shows_and_nothing_explains_is_named() {
        let text = problem(scenarios("8 h\n9 i\n1 a\nx y\n"));
        for problem in [
            "8 has neither a test nor a note",
            "9 has neither a test nor a note",
            "1 is there twice",
            "x is no number",
        ] {
            assert!(text.contains(&format!("docs/reference/scenarios.tsv: {problem}")), "{text}");
        }
        let text = problem(rendered(Document::Scenarios, "1 a\n2 b\n5 e\n7 g\n"));
        assert!(text.ends_with("3 is missing: `s002_and_s003_both` is a test of it"), "{text}");
    }

    #[test]
    fn faults_are_shown_by_the_tests_they_name() {
        let text = rendered(Document::Faults, "B-01 a plain\nB-02 b  types\n").unwrap();
        let rows = "| B-01 | a | [`plain`](../crates/a/tests/x.rs) ||\n| B-02 | b || types |\n";
        assert!(text.ends_with(rows), "{text}");
        let text = problem(rendered(Document::Faults, "B-01 a gone\nB-02 b\n"));
        assert!(text.contains("B-01 names the test `gone`, which is not there"), "{text}");
        assert!(text.contains("B-02 has neither a test nor a note"), "{text}");
    }

    fn check_up_to_date(document: Document) {
        let text = document.text(&root(), &Suite::of(&root()).unwrap());
        let text = text.unwrap_or_else(|problem| panic!("cargo xtask tables: {problem:#}"));
        let path = document.path();
        assert!(
            fs::read_to_string(root().join(path)).unwrap_or_default() == text,
            "{path} is not what its data and the tests say: cargo xtask tables"
        );
    }

    #[test]
    fn the_scenarios_are_up_to_date() {
        check_up_to_date(Document::Scenarios);
    }

    #[test]
    fn the_faults_are_up_to_date() {
        check_up_to_date(Document::Faults);
    }
}
