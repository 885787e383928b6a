//! Rows as CSV, JSON and JSON Lines.

use std::io::{self, BufRead, Write};

use serde_json::{Map, Value};

use super::{
    Tabular,
    row::{NAMES, Row},
};

/// A form of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180 with a header, lines ending in a line feed.
    Csv,
    /// One array of objects.
    Json,
    /// One object a line.
    JsonLines,
    /// Parquet, compressed with Snappy. It is read as a whole.
    #[cfg(feature = "parquet")]
    Parquet,
}

/// Why a table cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// It cannot be written or read.
    #[error("the table cannot be {what}")]
    Io {
        /// `written` or `read`.
        what: &'static str,
        /// The failure.
        #[source]
        source: io::Error,
    },
    /// A row is damaged.
    #[error("row {number} {problem}")]
    Row {
        /// Its number, from 1; a header does not count.
        number: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// It is no table of messages.
    #[error("it {problem}")]
    Unknown {
        /// What is wrong with it.
        problem: String,
    },
}

impl TableError {
    pub(super) const fn writing(source: io::Error) -> Self {
        Self::Io { what: "written", source }
    }

    pub(super) const fn reading(source: io::Error) -> Self {
        Self::Io { what: "read", source }
    }

    pub(super) fn unknown(problem: impl Into<String>) -> Self {
        Self::Unknown { problem: problem.into() }
    }
}

/// A row, or what is wrong with it.
pub(super) type Read = Result<Row, String>;

impl Format {
    /// What names of such files end in.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::JsonLines => "jsonl",
            #[cfg(feature = "parquet")]
            Self::Parquet => "parquet",
        }
    }

    /// Writes `rows`: of messages, or of model calls.
    ///
    /// # Errors
    ///
    /// [`TableError::Io`].
    pub fn write<R: Tabular>(
        self,
        rows: impl IntoIterator<Item = R>,
        out: &mut (dyn Write + Send),
    ) -> Result<(), TableError> {
        match self {
            Self::Csv => {
                let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(out);
                let failed = |error: csv::Error| TableError::writing(error.into());
                csv.write_record(R::COLUMNS.iter().map(|column| column.name)).map_err(failed)?;
                rows.into_iter().try_for_each(|row| csv.serialize(row)).map_err(failed)?;
                csv.flush().map_err(TableError::writing)
            }
            Self::Json => write_array(rows, out).map_err(TableError::writing),
            Self::JsonLines => write_lines(rows, out).map_err(TableError::writing),
            #[cfg(feature = "parquet")]
            Self::Parquet => super::parquet::write(rows, out),
        }
    }

    /// The rows of `table`, one by one; each is a row or what is wrong with it.
    pub(super) fn read<'a>(
        self,
        table: &'a mut dyn BufRead,
    ) -> Result<Box<dyn Iterator<Item = Result<Read, TableError>> + 'a>, TableError> {
        Ok(match self {
            Self::Csv => Box::new(read_csv(table)?),
            Self::Json => Box::new(read_array(table)?.into_iter().map(|value| Ok(row(value)))),
            Self::JsonLines => Box::new(read_lines(table)),
            #[cfg(feature = "parquet")]
            Self::Parquet => Box::new(super::parquet::read(table)?.into_iter()),
        })
    }
}

fn write_array<R: Tabular>(
    rows: impl IntoIterator<Item = R>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut before = "[\n";
    for row in rows {
        out.write_all(before.as_bytes())?;
        serde_json::to_writer(&mut *out, &row)?;
        before = ",\n";
    }
    out.write_all(if before == "[\n" { b"[]\n" } else { b"\n]\n" })
}

fn write_lines<R: Tabular>(
    rows: impl IntoIterator<Item = R>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for row in rows {
        serde_json::to_writer(&mut *out, &row)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Reads CSV. A first column without a name, as LionAGI writes it by default, is passed over.
fn read_csv(
    table: &mut dyn BufRead,
) -> Result<impl Iterator<Item = Result<Read, TableError>> + '_, TableError> {
    // LionAGI leaves a lone carriage return unquoted: only a line feed ends a row.
    let mut builder = csv::ReaderBuilder::new();
    let builder = builder.has_headers(false).flexible(true).terminator(csv::Terminator::Any(b'\n'));
    let mut records = builder.from_reader(table).into_records();
    let header = records.next().ok_or_else(|| TableError::unknown("is empty"))?;
    let header = header.map_err(|error| TableError::reading(error.into()))?;
    let mut names: Vec<&str> = header.iter().collect();
    let has_returns = names.last().is_some_and(|name| name.ends_with('\r'));
    if let Some(last) = names.last_mut() {
        *last = last.trim_end_matches('\r');
    }
    if let Some(first) = names.first_mut() {
        *first = first.trim_start_matches('\u{feff}').trim_matches('"');
    }
    let skip = usize::from(names.first().is_some_and(|name| matches!(*name, "" | "Unnamed: 0")));
    if names.get(skip..) != Some(&NAMES[..]) {
        let names = names.join(", ");
        let problem = format!("has the columns `{names}`, not `{}`", NAMES.join(", "));
        return Err(TableError::Unknown { problem });
    }
    Ok(records.map(move |record| {
        let record = record.map_err(|error| TableError::reading(error.into()))?;
        let mut fields = record.iter().skip(skip).map(str::to_owned);
        let mut next = || fields.next();
        let row = (|| {
            let (node_id, timestamp, role) = (next()?, next()?, next()?);
            let (sender, mut content) = (next()?, next()?);
            if has_returns && content.ends_with('\r') {
                content.pop();
            }
            Some(Row { node_id, timestamp, role, sender, content })
        })();
        let is_whole = record.len() == NAMES.len() + skip;
        let count = record.len().saturating_sub(skip);
        Ok(row.filter(|_| is_whole).ok_or_else(|| format!("has {count} fields, not 5")))
    }))
}

fn read_array(table: &mut dyn BufRead) -> Result<Vec<Value>, TableError> {
    let mut text = String::new();
    table.read_to_string(&mut text).map_err(TableError::reading)?;
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(Value::Array(rows)) => Ok(rows),
        Ok(_) => Err(TableError::unknown("is no array of messages")),
        Err(error) => Err(TableError::unknown(format!("is no JSON: {error}"))),
    }
}

fn read_lines(table: &mut dyn BufRead) -> impl Iterator<Item = Result<Read, TableError>> + '_ {
    let mut line = String::new();
    std::iter::from_fn(move || {
        loop {
            line.clear();
            match table.read_line(&mut line) {
                Err(error) => return Some(Err(TableError::reading(error))),
                Ok(0) => return None,
                Ok(_) if line.trim().is_empty() => {}
                Ok(_) => {
                    let value = serde_json::from_str(line.trim_start_matches('\u{feff}'));
                    return Some(Ok(value
                        .map_err(|error| format!("is no JSON: {error}"))
                        .and_then(row)));
                }
            }
        }
    })
}

/// The row that a JSON object is. Libraries that guess types may have made numbers of texts.
fn row(value: Value) -> Read {
    let Value::Object(mut fields) = value else { return Err("is no object".to_owned()) };
    let row = Row {
        node_id: text(&mut fields, "node_id")?,
        timestamp: text(&mut fields, "timestamp")?,
        role: text(&mut fields, "role")?,
        sender: text(&mut fields, "sender")?,
        content: text(&mut fields, "content")?,
    };
    match fields.keys().next() {
        None => Ok(row),
        Some(name) => Err(format!("has the unknown field `{name}`")),
    }
}

fn text(fields: &mut Map<String, Value>, name: &str) -> Result<String, String> {
    match fields.remove(name) {
        None => Err(format!("has no field `{name}`")),
        Some(Value::String(text)) => Ok(text),
        Some(other) => Ok(other.to_string()),
    }
}
