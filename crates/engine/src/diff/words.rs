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
        let mut gathered = Gathered::default();
        for change in diff.iter_all_changes() {
            match change.tag() {
                ChangeTag::Equal => gathered.both(change.value()),
                ChangeTag::Delete => gathered.change(Mark::Left, change.value()),
                ChangeTag::Insert => gathered.change(Mark::Right, change.value()),
            }
        }
        gathered.finish()
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

/// Pieces as they are gathered: words that changed one after the other are one piece, with the spaces
/// between them.
#[derive(Default)]
struct Gathered {
    pieces: Vec<(Mark, String)>,
    left: String,
    right: String,
    gap: String,
}

impl Gathered {
    fn both(&mut self, text: &str) {
        let has_changed = !self.left.is_empty() && !self.right.is_empty();
        if has_changed && self.gap.is_empty() && text.chars().all(|letter| letter == ' ') {
            text.clone_into(&mut self.gap);
            return;
        }
        self.flush();
        match self.pieces.last_mut() {
            Some((Mark::Both, last)) => last.push_str(text),
            _ => self.pieces.push((Mark::Both, text.to_owned())),
        }
    }

    fn change(&mut self, mark: Mark, text: &str) {
        let gap = std::mem::take(&mut self.gap);
        self.left.push_str(&gap);
        self.right.push_str(&gap);
        if mark == Mark::Left { self.left.push_str(text) } else { self.right.push_str(text) }
    }

    fn flush(&mut self) {
        let (left, right) = (std::mem::take(&mut self.left), std::mem::take(&mut self.right));
        let all =
            [(Mark::Left, left), (Mark::Right, right), (Mark::Both, std::mem::take(&mut self.gap))];
        self.pieces.extend(all.into_iter().filter(|(_, text)| !text.is_empty()));
    }

    fn finish(mut self) -> Words {
        self.flush();
        Words { pieces: self.pieces }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_texts_are_in_it_whatever_they_are() {
        for (left, right, expected) in [
            ("", "", ""),
            ("same", "same", "same"),
            ("", "new", "{+new+}"),
            ("old", "", "[-old-]"),
            ("go to the Forum.", "go to a museum.", "go to [-the Forum-]{+a museum+}."),
            ("a  b", "c  d", "[-a  b-]{+c  d+}"),
            ("a\nb", "a\nc", "a\n[-b-]{+c+}"),
            ("über", "uber", "[-über-]{+uber+}"),
        ] {
            let words = Words::between(left, right);
            assert_eq!(words.to_string(), expected);
            let side = |other| {
                words
                    .pieces()
                    .filter(|(mark, _)| *mark != other)
                    .map(|(_, text)| text)
                    .collect::<String>()
            };
            assert_eq!((side(Mark::Right).as_str(), side(Mark::Left).as_str()), (left, right));
        }
    }
}
