//! Keywords: a text, a word or a pattern that a message holds.

use regex::{Regex, RegexBuilder, escape};

use crate::{limits, message::Body};

/// Whether upper and lower case are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Case {
    /// `HI` finds `hi`.
    #[default]
    Ignored,
    /// `HI` finds `HI` only.
    Exact,
}

/// What a message must hold: see [`text`](Self::text), [`word`](Self::word),
/// [`pattern`](Self::pattern).
///
/// It is looked for in what people and models said, decoded: never in the JSON around it. Each part
/// of a message is looked at on its own; calls by their function and arguments, values by the keys
/// and leaves they have.
#[derive(Debug, Clone)]
pub struct Keyword {
    pattern: Regex,
    whole_word: bool,
}

/// Why something cannot be looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeywordError {
    /// It would be found everywhere.
    #[error("there is nothing to look for")]
    Empty,
    /// It is no regular expression.
    #[error("it is no regular expression: {problem}")]
    BadPattern {
        /// What is wrong with it, on one line.
        problem: String,
    },
    /// It would take too much memory to look for.
    #[error("it takes more than {max} bytes as a regular expression")]
    TooLarge {
        /// [`limits::PATTERN_BYTES_MAX`].
        max: usize,
    },
}

impl Keyword {
    /// This text, anywhere; no character of it has a meaning beyond itself.
    ///
    /// # Errors
    ///
    /// [`KeywordError::Empty`], [`KeywordError::TooLarge`].
    pub fn text(text: &str, case: Case) -> Result<Self, KeywordError> {
        Ok(Self { pattern: compile(&escape(text), case)?, whole_word: false })
    }

    /// This text, where no letter, digit or underscore goes before or follows.
    ///
    /// # Errors
    ///
    /// [`KeywordError::Empty`], [`KeywordError::TooLarge`].
    pub fn word(text: &str, case: Case) -> Result<Self, KeywordError> {
        Ok(Self { pattern: compile(&escape(text), case)?, whole_word: true })
    }

    /// What this regular expression matches, in the syntax of the crate `regex`: matching takes
    /// time linear in the text, whatever the expression.
    ///
    /// # Errors
    ///
    /// Each variant of [`KeywordError`].
    pub fn pattern(pattern: &str, case: Case) -> Result<Self, KeywordError> {
        Ok(Self { pattern: compile(pattern, case)?, whole_word: false })
    }

    /// Whether `text` holds it.
    pub fn is_in(&self, text: &str) -> bool {
        if self.whole_word {
            self.pattern.find_iter(text).any(|found| is_word(text, &found.range()))
        } else {
            self.pattern.is_match(text)
        }
    }

    /// Whether something that `body` says holds it.
    pub fn is_said_by(&self, body: &Body) -> bool {
        body.any_text(&mut |text| self.is_in(text))
    }

    /// `text` with `replacement` for each place that holds it, and how many there were.
    pub fn replace(&self, text: &str, replacement: &str) -> (String, usize) {
        let (mut replaced, mut end, mut count) = (String::with_capacity(text.len()), 0, 0);
        for found in self.pattern.find_iter(text) {
            if self.whole_word && !is_word(text, &found.range()) {
                continue;
            }
            replaced.push_str(text.get(end..found.start()).unwrap_or_default());
            replaced.push_str(replacement);
            end = found.end();
            count += 1;
        }
        replaced.push_str(text.get(end..).unwrap_or_default());
        (replaced, count)
    }
}

fn compile(pattern: &str, case: Case) -> Result<Regex, KeywordError> {
    if pattern.is_empty() {
        return Err(KeywordError::Empty);
    }
    let mut builder = RegexBuilder::new(pattern);
    builder.case_insensitive(case == Case::Ignored).size_limit(limits::PATTERN_BYTES_MAX);
    builder.build().map_err(|error| match error {
        regex::Error::CompiledTooBig(max) => KeywordError::TooLarge { max },
        error => {
            let problem = error.to_string();
            let last = problem.lines().last().unwrap_or_default();
            KeywordError::BadPattern { problem: last.trim_start_matches("error: ").to_owned() }
        }
    })
}

/// Whether no letter, digit or underscore is next to `range`.
fn is_word(text: &str, range: &std::ops::Range<usize>) -> bool {
    let in_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let before = text.get(..range.start).and_then(|text| text.chars().next_back());
    let after = text.get(range.end..).and_then(|text| text.chars().next());
    !before.is_some_and(in_word) && !after.is_some_and(in_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(keyword: Result<Keyword, KeywordError>, text: &str) -> bool {
        keyword.unwrap().is_in(text)
    }

    #[test]
    fn a_text_means_itself_whatever_its_letters() {
        for text in ["(", "C++", "a.b", "café", "你好", "\\d", "$^"] {
            let keyword = Keyword::text(text, Case::Exact);
            assert!(found(keyword.clone(), &format!("x{text}y")), "{text}");
            assert!(!found(keyword, "xaxbxdx"), "{text}");
        }
        assert!(found(Keyword::text("CAFÉ", Case::Ignored), "café"));
        assert!(!found(Keyword::text("CAFÉ", Case::Exact), "café"));
    }

    #[test]
    fn a_word_stands_alone() {
        for (text, is) in [("to art.", true), ("start", false), ("art_1", false), ("(art)", true)] {
            assert_eq!(found(Keyword::word("art", Case::Ignored), text), is, "{text}");
        }
        assert!(found(Keyword::word("+", Case::Exact), "a+ b + c"));
    }

    #[test]
    fn what_cannot_be_looked_for_says_why() {
        let error = |pattern| Keyword::pattern(pattern, Case::Exact).unwrap_err();
        assert_eq!(error(""), KeywordError::Empty);
        let unclosed = KeywordError::BadPattern { problem: "unclosed group".to_owned() };
        assert_eq!(error("("), unclosed);
        let max = limits::PATTERN_BYTES_MAX;
        assert_eq!(error("\\w{500}{500}{500}"), KeywordError::TooLarge { max });
    }

    #[test]
    fn replacing_takes_the_replacement_as_it_is() {
        let keyword = Keyword::word("a", Case::Ignored).unwrap();
        assert_eq!(
            keyword.replace("A cat, a \"$1\"", "$1\""),
            ("$1\" cat, $1\" \"$1\"".to_owned(), 2)
        );
    }
}
