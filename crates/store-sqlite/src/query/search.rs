//! Searching the text of messages.
//!
//! Every op is looked at, but few are decoded: most cannot hold the text, or are older than the
//! hits there already are.

use std::{cmp::Reverse, collections::BTreeMap};

use branchwork_core::{
    id::{BranchId, SessionId, StretchId},
    limits::SEARCH_HITS_MAX,
    message::Outcome,
    store::{Hit, Search, search},
};
use rusqlite::{Connection, Row};

use super::{
    lineage::op_id,
    ops::{Origin, decode, select_ops},
};
use crate::{
    error::Answer,
    key::{OpKey, StretchNo, branch_id, session_bytes, session_id, stretch_id},
};

/// The messages that hold the text, newest first.
pub(crate) fn read(db: &Connection, search: &Search) -> Answer<Vec<Hit>> {
    let mut hits = Hits { limit: search.limit.min(SEARCH_HITS_MAX), newest: BTreeMap::new() };
    if hits.limit > 0 && !search.text.is_empty() {
        let word = telling_word(&search.text);
        for place in places(db, search.session)? {
            read_stretch(db, search, &place, word.as_deref(), &mut hits)?;
        }
    }
    Ok(hits.newest.into_values().collect())
}

/// A stretch to search.
struct Place {
    stretch: StretchNo,
    id: StretchId,
    parent: Option<OpKey>,
    session: SessionId,
    branch: BranchId,
}

/// The newest hits, in the order in which they are given: newest first, then by place.
struct Hits {
    limit: usize,
    newest: BTreeMap<(Reverse<i64>, SessionId, StretchId, u32), Hit>,
}

impl Hits {
    /// Whether a message of that time could be among them.
    fn wants(&self, at: i64) -> bool {
        let oldest = self.newest.last_key_value().map(|((Reverse(oldest), ..), _)| *oldest);
        self.newest.len() < self.limit || oldest.is_none_or(|oldest| at >= oldest)
    }

    fn add(&mut self, stretch: StretchId, hit: Hit) {
        let place = hit.message.op().place();
        self.newest.insert((Reverse(hit.at.as_micros()), hit.session, stretch, place), hit);
        if self.newest.len() > self.limit {
            self.newest.pop_last();
        }
    }
}

/// The stretches of one session, or of all, the newest first.
fn places(db: &Connection, session: Option<SessionId>) -> Answer<Vec<Place>> {
    let mut statement = db.prepare_cached(
        "SELECT st.no, st.id, st.parent, s.id, st.branch
         FROM stretch st JOIN session s ON s.no = st.session
         WHERE s.deleted IS NULL AND (?1 IS NULL OR s.id = ?1) ORDER BY st.no DESC",
    )?;
    let places = statement.query_map([session.map(session_bytes)], |row| {
        Ok(Place {
            stretch: row.get(0)?,
            id: stretch_id(row.get(1)?),
            parent: row.get(2)?,
            session: session_id(row.get(3)?),
            branch: branch_id(row.get(4)?),
        })
    })?;
    Ok(places.collect::<Result<_, _>>()?)
}

fn read_stretch(
    db: &Connection,
    search: &Search,
    place: &Place,
    word: Option<&str>,
    hits: &mut Hits,
) -> Answer<()> {
    let parent = place.parent.map(|parent| op_id(db, parent)).transpose()?;
    let origin = Origin { id: place.id, parent };
    let mut statement =
        db.prepare_cached(select_ops!("key >= ?1 AND key < ?2 ORDER BY key DESC"))?;
    let keys = (place.stretch.op(0), place.stretch.following().op(0));
    let mut rows = statement.query(keys)?;
    while let Some(row) = rows.next()? {
        if hits.wants(row.get(1)?) && may_hold(row, word)? {
            let op = decode(db, origin, row)?;
            let hit = search::hit(search, place.session, place.branch, &op);
            if let Some(hit) = hit {
                hits.add(place.id, hit);
            }
        }
    }
    Ok(())
}

/// Whether the body in `row`, which has the columns of [`select_ops`], may hold `word`.
fn may_hold(row: &Row<'_>, word: Option<&str>) -> Answer<bool> {
    let Some(body) = row.get_ref(5)?.as_bytes_or_null()? else {
        // It lies apart, or the op is no message.
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
    let added = [Outcome::Failed(String::new()), Outcome::Cancelled(String::new())];
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
