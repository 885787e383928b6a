//! The text of a request, which longer requests share.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use sha2::{Digest as _, Sha256};

/// The body of a request, as JSON text, in pieces.
///
/// A conversation is sent anew with each message. Its bodies share the pieces that they have in common: a clone
/// copies no text, and what was [hashed](Self::sha256) of one is not hashed again for the next.
///
/// ```
/// use branchwork_core::provider::RequestBody;
///
/// let mut body = RequestBody::from("[1".to_owned());
/// let shorter = body.clone().with_end("]".to_owned());
/// body.push(",2".to_owned());
/// let longer = body.with_end("]".to_owned());
/// assert_eq!((shorter.to_string(), longer.to_string()), ("[1]".to_owned(), "[1,2]".to_owned()));
/// ```
#[derive(Clone, Default)]
pub struct RequestBody {
    pieces: Vec<Arc<Piece>>,
    len: usize,
}

#[derive(Default)]
struct Piece {
    text: String,
    /// The hash of all up to its end.
    hash: OnceLock<Sha256>,
}

impl RequestBody {
    /// Adds `text`, to which more will be added. Pieces of like length become one, so that there are few and
    /// each byte is copied a few times only: about as often as the length can be halved.
    pub fn push(&mut self, text: String) {
        if text.is_empty() {
            return;
        }
        self.len += text.len();
        let mut piece = Piece { text, hash: OnceLock::new() };
        while let Some(last) = self.pieces.pop_if(|last| last.text.len() < 2 * piece.text.len()) {
            piece.text.insert_str(0, &last.text);
        }
        self.pieces.push(Arc::new(piece));
    }

    /// Adds the last of its text.
    #[must_use]
    pub fn with_end(mut self, text: String) -> Self {
        self.len += text.len();
        self.pieces.push(Arc::new(Piece { text, hash: OnceLock::new() }));
        self
    }

    /// Bytes.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its text, piece by piece.
    pub fn pieces(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().map(|piece| piece.text.as_str())
    }

    /// SHA-256 of its text. Costs what was not hashed of it, or of a body that it shares pieces with.
    pub fn sha256(&self) -> [u8; 32] {
        let known = self.pieces.iter().rposition(|piece| piece.hash.get().is_some());
        let (known, rest) = self.pieces.split_at(known.map_or(0, |last| last + 1));
        let known = known.last().and_then(|piece| piece.hash.get());
        let mut hash = known.cloned().unwrap_or_default();
        for piece in rest {
            hash.update(&piece.text);
            // Whoever is first says the same.
            piece.hash.get_or_init(|| hash.clone());
        }
        hash.finalize().into()
    }
}

impl From<String> for RequestBody {
    fn from(text: String) -> Self {
        let mut body = Self::default();
        body.push(text);
        body
    }
}

impl fmt::Display for RequestBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().try_for_each(|piece| formatter.write_str(piece))
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), formatter)
    }
}

impl PartialEq for RequestBody {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len
            && self.pieces().flat_map(str::bytes).eq(other.pieces().flat_map(str::bytes))
    }
}

impl Eq for RequestBody {}

impl PartialEq<str> for RequestBody {
    fn eq(&self, other: &str) -> bool {
        let mut rest = Some(other);
        for piece in self.pieces() {
            rest = rest.and_then(|rest| rest.strip_prefix(piece));
        }
        rest == Some("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha256(text: &str) -> [u8; 32] {
        Sha256::digest(text).into()
    }

    #[test]
    fn all_that_begin_alike_say_and_hash_what_was_written() {
        let (mut body, mut text) = (RequestBody::default(), String::new());
        for number in 0..300 {
            let more = number.to_string().repeat(number % 7);
            text.push_str(&more);
            body.push(more);
            let whole = body.clone().with_end("]".to_owned());
            let expected = format!("{text}]");
            assert_eq!((whole.to_string(), whole.len()), (expected.clone(), expected.len()));
            assert_eq!(whole.sha256(), sha256(&expected));
            assert_eq!(whole, RequestBody::from(expected.clone()));
            assert!(whole == *expected && whole != *text && whole != body);
            if number % 3 == 0 {
                assert_eq!(body.sha256(), sha256(&text), "of the part that others begin with");
            }
        }
        assert!(body.pieces.len() < 12, "{}", body.pieces.len());
        assert_eq!(RequestBody::default().sha256(), sha256(""));
    }
}
