//! Keys taken out of texts, held against a reading that tries every way to write each letter.
//!
//! An input is a key on the first line, and a text.

use std::collections::BTreeSet;

use branchwork_core::secret::{Secret, begun, detail, redact};

use crate::Target;

/// Longer inputs only cost time: the plain reading tries all ways at each letter.
const INPUT_MAX: usize = 2_048;

/// Letters that no key has: those that escapes begin with may be read in two ways, and those of the mask
/// stand where a key was.
const UNUSUAL: [char; 4] = ['*', '%', '&', '\\'];

/// Texts that may hold a key.
pub struct Texts;

impl Target for Texts {
    fn seeds() -> Vec<Vec<u8>> {
        [
            "sk-a/b+c\nIt is SK-a%2fb%2Bc, or sk-a\\/b+c.",
            "sk-a/b+c=\"d\nsk-a\\\\\\/b+c=\\\\\\\"d and sk-a\\u002fb\\u002Bc=\\u0022d",
            "sk-u1\nsk-\\u00751 sk-\\u1 sk-%751",
            "sk-a/b\n&#x73;k-a&#47;b &#X53;k-a/b &#115;k",
            "aab\naaab aaaab AAB",
            "clé-ü\nCLé-ü cl\\u00e9-&#252;",
        ]
        .map(|seed| seed.as_bytes().to_vec())
        .to_vec()
    }

    fn check(data: &[u8]) {
        let Ok(input) = std::str::from_utf8(data) else { return };
        let (key, text) = input.split_once('\n').unwrap_or((input, ""));
        let secrets = [Secret::new(key)];
        let key = secrets[0].reveal();
        if input.len() > INPUT_MAX || key.is_empty() || key.contains(UNUSUAL) {
            return;
        }
        let redacted = redact(text, &secrets);
        assert_eq!(redacted == text, !holds(text, key), "a key is taken out when it is there");
        assert!(!holds(&redacted, key), "{redacted:?} holds a key");
        assert_eq!(redact(&redacted, &secrets), redacted, "what is left is left");
        assert!(!holds(&detail(text, &secrets), key) || text.contains(is_blank));
        check_begun(text, key, &secrets);
    }
}

/// Whether a message is cut there into words.
fn is_blank(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control()
}

/// What is held back is a part of the end, and no key begins before it that goes on behind it.
fn check_begun(text: &str, key: &str, secrets: &[Secret]) {
    let kept = text.len() - begun(text, secrets);
    let (said, rest) = text.split_at(kept);
    assert_eq!(begun(rest, secrets), rest.len(), "all of it is held back again");
    // However the key goes on after this text, it begins in what was held back.
    for start in (0..kept).filter(|start| text.is_char_boundary(*start)) {
        let left = &text[start..];
        let begins = (1..key.len()).filter(|cut| key.is_char_boundary(*cut)).find(|cut| {
            let (head, tail) = key.split_at(*cut);
            is(left, head) && !holds(&text[start..], key) && holds(&format!("{left}{tail}"), key)
        });
        assert_eq!(begins, None, "a key begins in {said:?} before {rest:?}");
    }
}

/// Whether `text` holds `key`, in any way to write it.
fn holds(text: &str, key: &str) -> bool {
    let mut starts = text.char_indices().map(|(start, _)| start);
    starts.any(|start| !behind(&text[start..], key).is_empty())
}

/// Whether all of `text` is `key`.
fn is(text: &str, key: &str) -> bool {
    behind(text, key).contains("")
}

/// What may follow `key` at the beginning of `text`.
fn behind<'t>(text: &'t str, key: &str) -> BTreeSet<&'t str> {
    key.chars().fold(BTreeSet::from([text]), |rests, wanted| {
        rests.into_iter().flat_map(|rest| forms(rest, wanted)).collect()
    })
}

/// What may follow `wanted` at the beginning of `text`, for each way to write it.
fn forms(text: &str, wanted: char) -> Vec<&str> {
    let mut rests = Vec::new();
    let is_it = |code: Option<char>| code.is_some_and(|code| code.eq_ignore_ascii_case(&wanted));
    let hex = |digits: &str| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
    let mut letters = text.chars();
    if is_it(letters.next()) {
        rests.push(letters.as_str());
    }
    if let Some(code) = text.strip_prefix('%').and_then(|code| code.split_at_checked(2))
        && is_it(hex(code.0))
    {
        rests.push(code.1);
    }
    let bare = text.trim_start_matches('\\');
    let count = text.len() - bare.len();
    for skipped in 1..=count.min(16) {
        let bare = &text[skipped..];
        let mut letters = bare.chars();
        // What is the code of a letter is not an escaped `u` as well.
        if let Some(code) = bare.strip_prefix('u').and_then(|code| code.split_at_checked(4))
            && is_it(hex(code.0))
        {
            rests.push(code.1);
        } else if is_it(letters.next()) {
            rests.push(letters.as_str());
        }
    }
    if let Some((code, rest)) = text.strip_prefix("&#").and_then(|code| code.split_once(';'))
        && code.len() <= 8
    {
        let number = match code.strip_prefix(['x', 'X']) {
            Some(digits) => hex(digits),
            None => code.parse().ok().and_then(char::from_u32),
        };
        if is_it(number) {
            rests.push(rest);
        }
    }
    rests
}
