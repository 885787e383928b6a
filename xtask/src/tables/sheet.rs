//! A data file: columns apart by tabs, rows under titles.
//!
//! The first line names the four columns: what the row is about, what is said of it, the tests that
//! show it (apart by spaces), a note. A line that begins with `# ` is a title. What a row leaves
//! out at its end is empty.

use std::fmt;

/// The columns of every sheet.
const COLUMNS: usize = 4;

/// A data file, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sheet {
    /// The names of the columns.
    pub(super) columns: [String; COLUMNS],
    pub(super) lines: Vec<Line>,
}

/// A line of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Title(String),
    Row(Row),
}

/// A row of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// What it is about.
    pub(super) key: String,
    /// What is said of it.
    pub(super) says: String,
    /// The names of tests that show it.
    pub(super) tests: Vec<String>,
    /// What else there is to say; may be empty.
    pub(super) note: String,
}

/// A line that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadLine {
    /// From 1.
    number: usize,
    problem: &'static str,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.number, self.problem)
    }
}

impl Sheet {
    /// Reads the text of a data file. Empty lines are passed over.
    pub(super) fn parse(text: &str) -> Result<Self, BadLine> {
        let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        let bad = |number| move |problem| BadLine { number, problem };
        let head = lines.next().map(|(_, line)| line).unwrap_or_default();
        let columns = cells(head).map_err(bad(1))?.map(str::to_owned);
        let read = |(number, line): (usize, &str)| match line.strip_prefix("# ") {
            Some(title) => Ok(Line::Title(title.trim().to_owned())),
            None => Row::parse(line).map(Line::Row).map_err(bad(number)),
        };
        Ok(Self { columns, lines: lines.map(read).collect::<Result<_, _>>()? })
    }

    /// The rows, without the titles.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.lines.iter().filter_map(|line| match line {
            Line::Row(row) => Some(row),
            Line::Title(_) => None,
        })
    }
}

impl Row {
    fn parse(line: &str) -> Result<Self, &'static str> {
        let [key, says, tests, note] = cells(line)?;
        if key.is_empty() || says.is_empty() {
            return Err("the first two columns must not be empty");
        }
        let tests = tests.split(' ').filter(|test| !test.is_empty()).map(str::to_owned).collect();
        Ok(Self { key: key.to_owned(), says: says.to_owned(), tests, note: note.to_owned() })
    }
}

/// The cells of a line.
fn cells(line: &str) -> Result<[&str; COLUMNS], &'static str> {
    let mut cells = [""; COLUMNS];
    let mut rest = line.split('\t').map(str::trim);
    for cell in &mut cells {
        *cell = rest.next().unwrap_or_default();
    }
    if rest.next().is_some() { Err("there are more than four columns") } else { Ok(cells) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str, says: &str, tests: &[&str], note: &str) -> Line {
        let tests = tests.iter().map(|test| (*test).to_owned()).collect();
        Line::Row(Row { key: key.into(), says: says.into(), tests, note: note.into() })
    }

    #[test]
    fn rows_stand_under_titles_and_may_leave_their_end_out() {
        let text =
            "no\tsays\ttests\tnote\n\n# First\n1\tOne.\ta_b c_d\tBut.\n2\tTwo.\n3\tThree.\t\tSo.\n";
        let sheet = Sheet::parse(text).unwrap();
        assert_eq!(sheet.columns, ["no", "says", "tests", "note"]);
        let expected = [
            Line::Title("First".to_owned()),
            row("1", "One.", &["a_b", "c_d"], "But."),
            row("2", "Two.", &[], ""),
            row("3", "Three.", &[], "So."),
        ];
        assert_eq!(sheet.lines, expected);
        assert_eq!(sheet.rows().count(), 3);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named_by_its_number() {
        for (text, number) in
            [("a\tb\tc\td\te", 1), ("a\tb\tc\td\n\n1\t\tx", 3), ("a\tb\tc\td\n1\t2\t3\t4\t5", 2)]
        {
            assert_eq!(Sheet::parse(text).unwrap_err().number, number, "{text}");
        }
    }
}
