//! Taking keys out of what was recorded, wherever they stand and however it was cut into pieces.

use std::ops::Range;

use branchwork_core::secret::{self, Secret, begun, redact};

use super::Piece;

/// What stands where a key stood.
const MASK: &str = "***";

/// Letters from which on the beginning of a key is taken out at the end of a body that is not whole.
const BEGINNING_BYTES_MIN: usize = 4;

/// Bytes from which on the value of a header of the caller is looked for elsewhere: shorter ones, as `1` or
/// `true`, are everywhere, and no secret.
const HEADER_VALUE_BYTES_MIN: usize = 8;

/// Letters from which on the last word of such a value is, as in `Bearer KEY`.
const HEADER_WORD_CHARS_MIN: usize = 20;

/// Takes keys out, in every form in which they may be echoed. Nothing is looked for when there are none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Redactor {
    secrets: Vec<Secret>,
}

impl Redactor {
    /// One that knows the key, and the values of the headers that a caller gave.
    pub(crate) fn new<'s>(
        key: Option<&'s Secret>,
        headers: impl IntoIterator<Item = &'s Secret>,
    ) -> Self {
        let headers = headers.into_iter().flat_map(secrets_of);
        let secrets = key.cloned().into_iter().chain(headers);
        Self { secrets: secrets.filter(|secret| !secret.is_empty()).collect() }
    }

    /// `text` without keys.
    pub(crate) fn text(&self, text: &str) -> String {
        redact(text, &self.secrets)
    }

    /// Takes keys out of a body, also those that are cut by its pieces, and the beginning of one at the end
    /// of a body that is not whole. A mask is in the piece in which the key began.
    pub(super) fn pieces(&self, pieces: &mut [Piece], is_whole: bool) {
        let body: Vec<u8> = pieces.iter().flat_map(|piece| &piece.bytes).copied().collect();
        let mut found = self.found(&body);
        if !is_whole && let Some(start) = self.beginning_at_end(&body) {
            found.retain(|range| range.start < start);
            found.push(start..body.len());
        }
        if found.is_empty() {
            return;
        }
        let mut start = 0;
        for piece in pieces {
            let own = start..start + piece.bytes.len();
            piece.bytes = masked(&body, own.clone(), &found);
            start = own.end;
        }
    }

    /// Where keys are, in order. They are text, and so in what of the body is.
    fn found(&self, body: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for (start, text) in texts(body) {
            let places = secret::found(text, &self.secrets).into_iter();
            found.extend(places.map(|place| start + place.start..start + place.end));
        }
        found
    }

    /// Where the beginning of a key begins that goes to the end.
    fn beginning_at_end(&self, body: &[u8]) -> Option<usize> {
        let (start, text) = texts(body).last()?;
        let begun = begun(text, &self.secrets);
        (begun >= BEGINNING_BYTES_MIN).then(|| start + text.len() - begun)
    }
}

/// What of the value of a header is a secret. Media types and addresses are in every exchange, and none.
fn secrets_of(value: &Secret) -> impl Iterator<Item = Secret> + use<> {
    let value = value.reveal();
    let is_known = value.contains("://") || value.starts_with("application/");
    let whole = (value.len() >= HEADER_VALUE_BYTES_MIN && !is_known).then_some(value);
    let is_long = |word: &&str| word.chars().count() >= HEADER_WORD_CHARS_MIN;
    let word = value.split(' ').next_back().filter(|_| !is_known).filter(is_long);
    let secrets: Vec<_> = whole.into_iter().chain(word).map(Secret::new).collect();
    secrets.into_iter()
}

/// The pieces of a body that are text, and where each begins.
fn texts(body: &[u8]) -> impl Iterator<Item = (usize, &str)> {
    body.utf8_chunks().scan(0, |end, chunk| {
        let start = *end;
        *end += chunk.valid().len() + chunk.invalid().len();
        Some((start, chunk.valid()))
    })
}

/// The bytes of `own` with a mask where something that was found begins, and without the rest of it.
fn masked(body: &[u8], own: Range<usize>, found: &[Range<usize>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(own.len());
    let mut from = own.start;
    let touching = found.iter().filter(|range| range.start < own.end && range.end > own.start);
    for range in touching {
        bytes.extend_from_slice(body.get(from..range.start).unwrap_or_default());
        if range.start >= own.start {
            bytes.extend_from_slice(MASK.as_bytes());
        }
        from = range.end;
    }
    bytes.extend_from_slice(body.get(from..own.end).unwrap_or_default());
    bytes
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn redactor(keys: &[&str]) -> Redactor {
        Redactor { secrets: keys.iter().map(Secret::new).filter(|key| !key.is_empty()).collect() }
    }

    /// `body` in pieces that end at those places, without keys.
    fn cut(redactor: &Redactor, body: &str, places: &[usize], is_whole: bool) -> Vec<String> {
        let mut ends = places.to_vec();
        ends.push(body.len());
        let mut start = 0;
        let mut pieces: Vec<_> = ends
            .into_iter()
            .map(|end| {
                let bytes = body.as_bytes()[start..end].to_vec();
                start = end;
                Piece { at: Duration::ZERO, bytes }
            })
            .collect();
        redactor.pieces(&mut pieces, is_whole);
        pieces.into_iter().map(|piece| String::from_utf8(piece.bytes).unwrap()).collect()
    }

    #[test]
    fn a_key_is_found_however_it_is_cut() {
        let redactor = redactor(&["sk-secret"]);
        let body = "a sk-secret b sk-secret";
        for one in 0..body.len() {
            for other in one..body.len() {
                let pieces = cut(&redactor, body, &[one, other], true);
                assert_eq!(pieces.concat(), "a *** b ***", "{one} {other}: {pieces:?}");
            }
        }
    }

    #[test]
    fn a_key_is_found_as_json_and_urls_write_it() {
        let redactor = redactor(&["s/k\"ü+", "", " "]);
        let echoes = ["s/k\"ü+", "S/k\\\"ü+", "s\\/k\\\"ü+", "s%2Fk%22ü%2B", "\\u0073/k\"ü+"];
        for echo in echoes {
            assert_eq!(redactor.text(&format!("[{echo}]")), "[***]", "{echo}");
            assert_eq!(cut(&redactor, &format!("[{echo}]"), &[2], true).concat(), "[***]");
        }
    }

    #[test]
    fn what_is_no_text_does_not_hide_a_key() {
        let redactor = redactor(&["sk-secret"]);
        let bytes = [b"a \xffsk-sec".to_vec(), b"ret\xc3 b sk-secret\xc3".to_vec()];
        let mut pieces = bytes.map(|bytes| Piece { at: Duration::ZERO, bytes });
        redactor.pieces(&mut pieces, true);
        assert_eq!(pieces[0].bytes, b"a \xff***");
        assert_eq!(pieces[1].bytes, b"\xc3 b ***\xc3");
    }

    #[test]
    fn the_beginning_of_a_key_is_taken_off_a_body_that_is_not_whole() {
        let redactor = redactor(&["sk-secret"]);
        assert_eq!(cut(&redactor, "a sk-secre", &[5], false), ["a ***", ""]);
        assert_eq!(cut(&redactor, "a sk-secre", &[5], true).concat(), "a sk-secre");
        assert_eq!(cut(&redactor, "it asks", &[], false), ["it asks"]);
    }

    #[test]
    fn of_the_values_of_headers_those_that_may_be_secrets_are() {
        let values = [
            "true",
            "my program",
            "application/json",
            "https://me.test",
            "Bearer sk-0123456789abcdefg",
        ];
        let redactor = Redactor::new(None, &values.map(Secret::new));
        let said = redactor.text(&format!("{}, sk-0123456789abcdefg", values.join(", ")));
        assert_eq!(said, "true, ***, application/json, https://me.test, ***, ***");
    }

    #[test]
    fn keys_are_not_shown() {
        assert!(!format!("{:?}", redactor(&["sk-secret"])).contains("sk-"));
    }
}
