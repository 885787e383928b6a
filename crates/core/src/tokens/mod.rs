//! How many tokens a request has: measured where it can be, else counted, else estimated.
//!
//! - [`Gauge`] counts; it knows what the model's provider measured last, and perhaps a [`Tokenizer`].
//! - [`TokenCount`] says how many there are, and what that is based on.

mod estimate;
mod gauge;

use std::fmt;

pub use self::gauge::{Gauge, Measured};

/// How many tokens something has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenCount {
    /// How many.
    pub tokens: u64,
    /// What that is based on: the least certain of it.
    pub basis: Basis,
}

/// What a count is based on, the most certain first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// The provider counted all of it.
    Measured,
    /// A tokenizer of the model counted what the provider had not.
    Tokenizer,
    /// What neither had counted is estimated from its letters.
    Estimated,
}

impl Basis {
    /// The lower-case name, as files and the command line spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Tokenizer => "tokenizer",
            Self::Estimated => "estimated",
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Counts the tokens of texts as a model does.
pub trait Tokenizer: fmt::Debug + Send + Sync {
    /// How many tokens `text` has.
    fn count(&self, text: &str) -> u64;
}
