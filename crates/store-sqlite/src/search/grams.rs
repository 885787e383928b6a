//! What the index knows of a text: which three letters follow each other somewhere in it.

use std::collections::BTreeSet;

use branchwork_core::store::search::fold;

/// Letters that the index knows together.
const GRAM: usize = 3;

/// Grams that are asked for at once: enough to leave few messages that hold them all by chance.
const GRAMS_MAX: usize = 32;

/// `text` as it is put into the index. SQLite passes over U+0000, which would join what it parts.
pub(super) fn indexed(text: &str) -> String {
    fold(text).replace('\0', "\u{fffd}")
}

/// What the index is asked for `needle`: every message that holds it answers, and some others.
/// `None` when it is too short for the index.
pub(super) fn question(needle: &str) -> Option<String> {
    let letters: Vec<char> = indexed(needle).chars().collect();
    let grams: BTreeSet<&[char]> = letters.windows(GRAM).collect();
    if grams.is_empty() {
        return None;
    }
    let step = grams.len().div_ceil(GRAMS_MAX);
    let quoted = |gram: &[char]| {
        let gram: String = gram.iter().collect();
        format!("\"{}\"", gram.replace('"', "\"\""))
    };
    let quoted: Vec<String> = grams.into_iter().step_by(step).map(quoted).collect();
    Some(quoted.join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_all_grams_of_the_needle_quoted() {
        assert_eq!(question("RoMe").as_deref(), Some("\"ome\" AND \"rom\""));
        assert_eq!(question("a\"b").as_deref(), Some("\"a\"\"b\""));
        assert_eq!(question("a\0b").as_deref(), Some("\"a\u{fffd}b\""));
        assert_eq!(question("世界"), None);
        assert_eq!(question(""), None);
    }

    #[test]
    fn a_long_needle_asks_for_some_of_its_grams() {
        let needle: String = ('a'..='z').chain('0'..='9').cycle().take(2_000).collect();
        let question = question(&needle).expect("it is long enough");
        assert!(question.matches(" AND ").count() < GRAMS_MAX);
    }
}
