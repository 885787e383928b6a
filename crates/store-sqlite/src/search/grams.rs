//! What the index knows of a text: which three letters follow each other somewhere in it.

use std::{cmp::Reverse, collections::BTreeSet};

use branchwork_core::store::search::fold;

/// Letters that the index knows together.
const GRAM: usize = 3;

/// Grams that are asked for at once, the rarest. Each more leaves fewer messages that hold them all by
/// chance, and is one more list to walk.
const GRAMS_MAX: usize = 6;

/// Letters from the most to the least frequent in English prose, the space being the most frequent:
/// only a guess at which grams are rare, on which no answer depends.
const FREQUENT: &str = " etaoinshrdlcumwfgypbvkjxqz";

/// `text` as it is put into the index. SQLite passes over U+0000, which would join what it parts.
pub(super) fn indexed(text: &str) -> String {
    fold(text).replace('\0', "\u{fffd}")
}

/// What the index is asked for `needle`: every message that holds it answers, and some others.
/// `None` when it is too short for the index.
pub(super) fn question(needle: &str) -> Option<String> {
    let letters: Vec<char> = indexed(needle).chars().collect();
    let grams: BTreeSet<&[char]> = letters.windows(GRAM).collect();
    let mut grams: Vec<_> = grams.into_iter().collect();
    grams.sort_by_key(|gram| Reverse(rarity(gram)));
    let quoted = |gram: &[char]| {
        let gram: String = gram.iter().collect();
        format!("\"{}\"", gram.replace('"', "\"\""))
    };
    let quoted: Vec<String> = grams.into_iter().take(GRAMS_MAX).map(quoted).collect();
    (!quoted.is_empty()).then(|| quoted.join(" AND "))
}

fn rarity(gram: &[char]) -> usize {
    let rank = |letter: &char| FREQUENT.find(*letter).unwrap_or(FREQUENT.len());
    gram.iter().map(rank).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_all_grams_of_the_needle_quoted() {
        assert_eq!(question("RoMe").as_deref(), Some("\"rom\" AND \"ome\""));
        assert_eq!(question("a\"b").as_deref(), Some("\"a\"\"b\""));
        assert_eq!(question("a\0b").as_deref(), Some("\"a\u{fffd}b\""));
        assert_eq!(question("世界"), None);
        assert_eq!(question(""), None);
    }

    #[test]
    fn a_long_needle_asks_for_its_rarest_grams() {
        let question =
            question("the quizzes on the terrace in Zürich 7").expect("it is long enough");
        assert_eq!(question.matches(" AND ").count(), GRAMS_MAX - 1);
        assert!(question.contains("\"zür\"") && question.contains("\"uiz\""), "{question}");
        assert!(!question.contains("\"the\""), "{question}");
    }
}
