//! Looking for a key, and for any part of it, in whatever form.

use std::{collections::HashSet, fs, path::Path};

/// Bytes of a part that is looked for: short enough to find a half, long enough to be nothing else.
const PART_BYTES: usize = 10;

/// Every part of a key in every form, in small letters.
pub(super) struct Sweep(HashSet<Vec<u8>>);

impl Sweep {
    pub(super) fn for_key(key: &str) -> Self {
        let forms = forms(key);
        let forms = forms.iter().map(|form| form.to_ascii_lowercase().into_bytes());
        let parts =
            forms.flat_map(|form| form.windows(PART_BYTES).map(<[u8]>::to_vec).collect::<Vec<_>>());
        Self(parts.collect())
    }

    /// The first part of the key that is in `bytes`.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<String> {
        let bytes = bytes.to_ascii_lowercase();
        let found = bytes.windows(PART_BYTES).find(|part| self.0.contains(*part))?;
        Some(String::from_utf8_lossy(found).into_owned())
    }

    /// The files below `folder` that hold a part of the key, and how many were looked at.
    pub(super) fn below(&self, folder: &Path) -> (Vec<String>, usize) {
        let (mut found, mut looked_at) = (Vec::new(), 0);
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                let (inner, count) = self.below(&path);
                found.extend(inner);
                looked_at += count;
                continue;
            }
            looked_at += 1;
            let text = path.display().to_string();
            let name = self.find(text.as_bytes());
            if let Some(part) = self.find(&fs::read(&path).unwrap()).or(name) {
                found.push(format!("{text}: {part}"));
            }
        }
        (found, looked_at)
    }
}

/// How a key may be written: as it is and escaped, and as what is encoded for other reasons.
fn forms(key: &str) -> Vec<String> {
    let mut forms = vec![key.to_owned(), hex(key)];
    forms.extend(escaped(key).into_iter().map(|(_, form)| form));
    // Base64 depends on what comes before: three places where a letter can begin.
    for before in ["", ".", ".."] {
        let coded = base64(format!("{before}{key}").as_bytes());
        let inner: String = coded.chars().skip(4).collect();
        forms.push(inner.replace('+', "-").replace('/', "_"));
        forms.push(inner);
    }
    forms
}

/// The key as servers write it who do not write it as it is: what that is, and the text.
pub(super) fn escaped(key: &str) -> [(&'static str, String); 6] {
    let signs = |code: fn(char) -> String| -> String {
        let is_sign = |letter: &char| !letter.is_ascii_alphanumeric();
        let code = |letter| Some(letter).filter(is_sign).map_or(letter.to_string(), code);
        key.chars().map(code).collect()
    };
    let swapped = |letter: char| {
        let is_small = letter.is_ascii_lowercase();
        if is_small { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
    };
    [
        ("as it is", key.to_owned()),
        ("with the case turned", key.chars().map(swapped).collect()),
        ("percent-encoded", signs(|letter| format!("%{:02X}", u32::from(letter)))),
        ("escaped in JSON", key.replace('/', r"\/")),
        ("as code points in JSON", signs(|letter| format!(r"\u{:04x}", u32::from(letter)))),
        ("as HTML", signs(|letter| format!("&#x{:X};", u32::from(letter)))),
    ]
}

fn hex(key: &str) -> String {
    let digits = |byte: u8| [byte >> 4, byte & 15].map(|half| char::from_digit(half.into(), 16));
    key.bytes().flat_map(digits).flatten().collect()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = |three: &[u8]| {
        let at = |index: usize| u32::from(three.get(index).copied().unwrap_or_default());
        let bits = (at(0) << 16) | (at(1) << 8) | at(2);
        (0..=three.len())
            .map(|place| LETTERS[((bits >> (18 - 6 * place)) & 63) as usize] as char)
            .collect::<Vec<_>>()
    };
    bytes.chunks(3).flat_map(letters).collect()
}

#[test]
fn a_key_and_a_half_of_it_are_found_in_every_form() {
    let key = "sk-Vq7/3nTz+0Jd=8WbX5mRf2Kc";
    let sweep = Sweep::for_key(key);
    assert_eq!(base64(b"Bearer sk-1"), "QmVhcmVyIHNrLTE");
    for (what, form) in escaped(key) {
        assert!(sweep.find(format!("a {form} b").as_bytes()).is_some(), "{what}");
    }
    let (left, right) = key.split_at(key.len() / 2);
    for half in [left, right] {
        assert!(sweep.find(half.as_bytes()).is_some(), "{half}");
    }
    for before in ["", "a", "ab", "Bearer ", "user:"] {
        let coded = base64(format!("{before}{key} and more").as_bytes());
        assert!(sweep.find(coded.as_bytes()).is_some(), "base64 behind {before}");
    }
    assert!(sweep.find(hex(key).as_bytes()).is_some());
    assert_eq!(sweep.find(b"sk-Vq7/3n, and nothing else of it"), None);
}
