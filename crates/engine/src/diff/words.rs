//! How two texts differ, word by word.

use std::{fmt, time::Duration};

use similar::{Algorithm, ChangeTag, TextDiff};

/// How long two texts are compared at most. After that, what is left is told as gone and come.
const COMPARED_MAX: Duration = Duration::from_millis(200);

/// On which side a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// On both.
    Both,
    /// On the left one only.
    Left,
    /// On the right one only.
    Right,
}

/// Two texts as one: the pieces that both have, and those that one has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    pieces: Vec<(Mark, String)>,
}

impl Words {
    /// How `right` differs from `left`.
    ///
    /// ```
    /// use branchwork::diff::Words;
    ///
    /// let words = Words::between("Take the train to Rome.", "Take the bus to Rome.");
    /// assert_eq!(words.to_string(), "Take the [-train-]{+bus+} to Rome.");
    /// ```
    pub fn between(left: &str, right: &str) -> Self {
        let mut config = TextDiff::configure();
        config.algorithm(Algorithm::Patience).timeout(COMPARED_MAX);
        let diff = config.diff_unicode_words(left, right);
        let mut pieces: Vec<(Mark, String)> = Vec::new();
        for change in diff.iter_all_changes() {
            let mark = match change.tag() {
                ChangeTag::Equal => Mark::Both,
                ChangeTag::Delete => Mark::Left,
                ChangeTag::Insert => Mark::Right,
            };
            match pieces.last_mut() {
                Some((last, text)) if *last == mark => text.push_str(change.value()),
                _ => pieces.push((mark, change.value().to_owned())),
            }
        }
        Self { pieces }
    }

    /// A text that both have.
    pub(super) fn same(text: &str) -> Self {
        Self { pieces: vec![(Mark::Both, text.to_owned())] }
    }

    /// The pieces, in order.
    pub fn pieces(&self) -> impl Iterator<Item = (Mark, &str)> {
        self.pieces.iter().map(|(mark, text)| (*mark, text.as_str()))
    }

    /// Whether both texts are the same.
    pub fn is_same(&self) -> bool {
        self.pieces.iter().all(|(mark, _)| *mark == Mark::Both)
    }
}

impl fmt::Display for Words {
    /// As `git diff --word-diff` writes it: `[-left-]`, `{+right+}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().try_for_each(|(mark, text)| match mark {
            Mark::Both => f.write_str(text),
            Mark::Left => write!(f, "[-{text}-]"),
            Mark::Right => write!(f, "{{+{text}+}}"),
        })
    }
}
