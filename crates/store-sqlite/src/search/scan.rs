//! Looking at every op of some stretches.
//!
//! Few are decoded: most cannot hold the text, or are older than the hits there already are.

use branchwork_core::{
    message::Outcome,
    store::{Search, search},
};
use rusqlite::{Connection, Row};

use super::{hits::Hits, range::Range};
use crate::{
    error::Answer,
    query::ops::{decode, select_ops},
};

/// Adds the messages in `ranges` that hold the text.
pub(super) fn read(
    db: &Connection,
    search: &Search,
    ranges: &[Range],
    hits: &mut Hits,
) -> Answer<()> {
    let word = telling_word(&search.text);
    let mut statement =
        db.prepare_cached(select_ops!("key >= ?1 AND key < ?2 ORDER BY key DESC"))?;
    for range in ranges {
        let origin = range.origin(db)?;
        let mut rows = statement.query(range.keys())?;
        while let Some(row) = rows.next()? {
            if !hits.wants(row.get(1)?) || !may_hold(row, word.as_deref())? {
                continue;
            }
            let op = decode(db, origin, row)?;
            if let Some(hit) = search::hit(search, range.session, range.branch, &op) {
                hits.add(range.id, hit);
            }
        }
    }
    Ok(())
}

/// Whether the body in `row`, which has the columns of [`select_ops`], may hold `word`.
fn may_hold(row: &Row<'_>, word: Option<&str>) -> Answer<bool> {
    let Some(body) = row.get_ref(5)?.as_bytes_or_null()? else {
        // It lies apart, or the op has none.
        return Ok(row.get::<_, Option<i64>>(3)?.is_some());
    };
    Ok(word.is_none_or(|word| holds(body, word.as_bytes())))
}

/// Whether `bytes` holds `word`, which is in lower case, whatever the case.
fn holds(bytes: &[u8], word: &[u8]) -> bool {
    let Some(first) = word.first() else { return true };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte.to_ascii_lowercase() == *first) {
        rest = rest.get(at..).unwrap_or_default();
        if rest.get(..word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word)) {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

/// The longest run of letters and digits of `text` that the JSON of every message that holds
/// `text` holds too, in lower case; `None` when there is no such run.
///
/// Only ASCII, as JSON may write other characters in several ways, and neither `i` nor `k`, which
/// are also lower-case forms of `İ` and the Kelvin sign. Not what stands in the words that
/// [`Outcome::text`] adds, which are not stored.
fn telling_word(text: &str) -> Option<String> {
    let added: [fn(String) -> Outcome; 3] = [Outcome::Failed, Outcome::Cancelled, Outcome::Denied];
    let added = added.map(|outcome| outcome(String::new()));
    let added: Vec<_> = added
        .iter()
        .chain([&Outcome::Unknown])
        .map(|outcome| outcome.text().to_lowercase())
        .collect();
    let is_telling =
        |character: char| character.is_ascii_alphanumeric() && !matches!(character, 'i' | 'k');
    text.to_lowercase()
        .split(|character| !is_telling(character))
        .filter(|word| !word.is_empty() && !added.iter().any(|added| added.contains(word)))
        .max_by_key(|word| word.len())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_telling_word_is_one_that_no_spelling_can_hide() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(telling_word(text).as_deref(), expected, "{text}");
        };
        check("Plan a day in Rome", Some("rome"));
        check("a \"quoted\\path\"", Some("quoted"));
        check("failed: no such file", Some("such"));
        check("failed", None);
        check("KIK İ ß 世界", None);
        check("line\nbreak", Some("brea"));
    }

    #[test]
    fn words_are_found_whatever_their_case() {
        assert!(holds(b"aaAB", b"ab"));
        assert!(holds(b"xRoMe", b"rome"));
        assert!(!holds(b"rom", b"rome"));
        assert!(!holds(b"", b"rome"));
    }
}
