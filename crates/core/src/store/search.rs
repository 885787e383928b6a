//! Plain text search over single messages, for every store.
//!
//! A store may look at every message, or keep an index of the [folded](fold) texts and look only at
//! what may be a hit: [`hit`] has the last word in any case.

use super::{Hit, Search};
use crate::{
    graph::Op,
    id::{BranchId, SessionId},
};

/// Characters of a snippet before and after the match.
const SNIPPET_AROUND: usize = 40;

/// The hit that `op` of `session` is, when it appends a message that holds the text.
pub fn hit(search: &Search, session: SessionId, branch: BranchId, op: &Op) -> Option<Hit> {
    let message = op.kind.as_message()?;
    if search.role.is_some_and(|role| role != message.role()) {
        return None;
    }
    let text = message.text();
    let snippet = snippet(&text, &search.text)?;
    let (role, at) = (message.role(), message.at);
    Some(Hit { session, branch, message: message.id, role, at, snippet })
}

/// `text` as searches compare it: in lower case, letter by letter. Where `text` holds a needle, its fold
/// holds the fold of the needle.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(char::to_lowercase).collect()
}

/// The text around the first place where `text` holds `needle`, whatever its case; on one line.
fn snippet(text: &str, needle: &str) -> Option<String> {
    let (folded, needle) = (fold(text), fold(needle));
    let found = folded.find(&needle).filter(|_| !needle.is_empty())?;
    // Folding may make several letters of one: each letter of the fold knows whose it is.
    let first = letter_at(text, folded.get(..found)?.chars().count())?;
    let last = letter_at(text, folded.get(..found + needle.len())?.chars().count() - 1)?;
    let (start, end) = (first.saturating_sub(SNIPPET_AROUND), last + 1 + SNIPPET_AROUND);
    let letters = text.chars().skip(start).take(end - start);
    let line: String =
        letters.map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let is_cut = text.chars().nth(end).is_some();
    let (before, after) = (if start > 0 { "…" } else { "" }, if is_cut { "…" } else { "" });
    Some(format!("{before}{}{after}", line.trim()))
}

/// Which letter of `text` the letter at `index` of its fold comes from.
fn letter_at(text: &str, index: usize) -> Option<usize> {
    if text.is_ascii() {
        return Some(index);
    }
    let letters = text.chars().enumerate();
    let mut folded =
        letters.flat_map(|(number, letter)| letter.to_lowercase().map(move |_| number));
    folded.nth(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_whatever_the_case_and_cuts_between_characters() {
        assert_eq!(snippet("Ein Café in ROM", "café").as_deref(), Some("Ein Café in ROM"));
        assert_eq!(snippet("你好，世界", "世").as_deref(), Some("你好，世界"));
        assert_eq!(snippet("a\nb", "A").as_deref(), Some("a b"));
        assert_eq!(snippet("abc", "x"), None);
        assert_eq!(snippet("abc", ""), None);
        let long = format!("{}needle{}", "ä".repeat(100), "ö".repeat(100));
        let expected = format!("…{}needle{}…", "ä".repeat(40), "ö".repeat(40));
        assert_eq!(snippet(&long, "NEEDLE"), Some(expected));
    }
}
