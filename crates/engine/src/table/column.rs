//! The columns of tables.

use serde::Serialize;

/// What can be a row of a table: its fields, in their order, are its columns.
pub trait Tabular: Serialize {
    /// The columns, in the order of the fields.
    const COLUMNS: &'static [Column];
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What is in it.
    pub kind: Kind,
}

/// What is in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Text, in every row.
    Text,
    /// Text, or nothing.
    OptionalText,
    /// A whole number that is not negative, in every row.
    Whole,
    /// Such a number, or nothing.
    OptionalWhole,
    /// A number, or nothing.
    OptionalNumber,
}

impl Column {
    pub(super) const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind }
    }

    pub(super) const fn text(name: &'static str) -> Self {
        Self::new(name, Kind::Text)
    }
}
