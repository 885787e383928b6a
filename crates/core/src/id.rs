//! Typed identifiers.
//!
//! The text form is `<prefix>_` and 26 characters of Crockford base32, so a [`BranchId`] can never
//! be read where a [`MessageId`] is expected, neither by the compiler nor by a person reading a
//! log. The bits are scrambled on the way into text and back, so that the first characters already
//! tell two neighbours apart: people refer to things by a prefix, as with commits in git.
//!
//! An [`OpId`] is not opaque to stores: it names the [`StretchId`] the op lies in and its place
//! there. See [`OpId`] for why.

use std::{fmt, str::FromStr};

/// How many characters follow the `_` in the text form of an identifier.
pub const DIGITS: usize = 26;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Where new identifiers come from: random in production, counted in tests.
pub trait IdSource: fmt::Debug + Send + Sync + 'static {
    /// 128 bits that this source never gave before and that no other source will give.
    fn next_bits(&self) -> u128;
}

/// The text was not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseIdError {
    /// The prefix names another kind of identifier, or there is none.
    #[error("expected an identifier that starts with `{expected}_`")]
    WrongPrefix {
        /// The prefix that was expected.
        expected: &'static str,
    },
    /// What follows the prefix is not 26 digits of base32.
    #[error("expected 26 base32 digits after `{prefix}_`")]
    BadDigits {
        /// The prefix of this kind of identifier.
        prefix: &'static str,
    },
}

macro_rules! define_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// The text before the `_` in the text form.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps raw bits, for stores that keep identifiers in binary.
            pub const fn from_bits(bits: u128) -> Self {
                Self(bits)
            }

            /// The raw bits.
            pub const fn to_bits(self) -> u128 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_id(f, Self::PREFIX, self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_id(Self::PREFIX, text).map(Self)
            }
        }
    };
}

define_id!(
    /// Identifies one session.
    SessionId, "ses"
);
define_id!(
    /// Identifies one branch of a session.
    BranchId, "br"
);
define_id!(
    /// Identifies one op: one entry of a session's graph.
    ///
    /// The upper 96 bits name a *stretch*, a run of ops that one branch appended one after the
    /// other; the lower 32 bits are the place in it, from 0. So the parent of an op at place
    /// `n > 0` is place `n - 1`, which needs neither storing nor an index; a store can keep a
    /// stretch in key order and read a branch in a few sweeps.
    OpId, "op"
);
define_id!(
    /// Identifies one message: the bits of the op that appended it. Never reused.
    MessageId, "msg"
);
define_id!(
    /// Identifies one mail: an envelope, whoever it is for.
    MailId, "mail"
);

/// Identifies one stretch of ops. Stores and lineages speak of it; users never see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StretchId(u128);

impl StretchId {
    /// Takes the upper 96 of 128 bits.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits >> 32 << 32)
    }

    /// The bits; the lower 32 are zero.
    pub const fn to_bits(self) -> u128 {
        self.0
    }

    /// The op at `place` of this stretch.
    pub const fn op(self, place: u32) -> OpId {
        OpId(self.0 | place as u128)
    }
}

impl OpId {
    /// The stretch this op lies in.
    pub const fn stretch(self) -> StretchId {
        StretchId::from_bits(self.0)
    }

    /// Its place in the stretch, from 0.
    #[expect(clippy::cast_possible_truncation, reason = "the lower 32 bits are the place")]
    pub const fn place(self) -> u32 {
        self.0 as u32
    }

    /// The next op of the same stretch; `None` when the stretch is full.
    pub const fn next(self) -> Option<Self> {
        match self.place().checked_add(1) {
            Some(place) => Some(self.stretch().op(place)),
            None => None,
        }
    }

    /// The op before it in the same stretch; `None` for the first of a stretch.
    pub const fn previous(self) -> Option<Self> {
        match self.place().checked_sub(1) {
            Some(place) => Some(self.stretch().op(place)),
            None => None,
        }
    }
}

impl MessageId {
    /// The op that appended this message.
    pub const fn op(self) -> OpId {
        OpId(self.0)
    }
}

impl From<OpId> for MessageId {
    /// Names the message that `op` appended. The caller knows that it appended one.
    fn from(op: OpId) -> Self {
        Self(op.0)
    }
}

/// The 26 digits of the text form, of raw bits.
fn digits(bits: u128) -> [u8; DIGITS] {
    let mut rest = scramble(bits);
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        let value = usize::try_from(rest & 31).unwrap_or_default();
        *digit = ALPHABET.get(value).copied().unwrap_or(b'0');
        rest >>= 5;
    }
    digits
}

fn write_id(f: &mut fmt::Formatter<'_>, prefix: &str, bits: u128) -> fmt::Result {
    let digits = digits(bits);
    let text = std::str::from_utf8(&digits).map_err(|_ascii| fmt::Error)?;
    write!(f, "{prefix}_{text}")
}

fn parse_id(prefix: &'static str, text: &str) -> Result<u128, ParseIdError> {
    let digits = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .ok_or(ParseIdError::WrongPrefix { expected: prefix })?;
    let bad = ParseIdError::BadDigits { prefix };
    if digits.len() != DIGITS {
        return Err(bad);
    }
    let mut bits: u128 = 0;
    for byte in digits.bytes() {
        let value = ALPHABET.iter().position(|digit| *digit == byte).ok_or(bad.clone())?;
        let shifted = bits.checked_mul(32).ok_or(bad.clone())?;
        bits = shifted | u128::try_from(value).unwrap_or_default();
    }
    Ok(unscramble(bits))
}

/// An odd constant; its inverse modulo 2^128 is `UNMIX`.
const MIX: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
const UNMIX: u128 = inverse(MIX);

/// Spreads every bit over the word, and can be undone: two rounds of xor-shift and multiply.
const fn scramble(bits: u128) -> u128 {
    let mixed = (bits ^ (bits >> 64)).wrapping_mul(MIX);
    let mixed = (mixed ^ (mixed >> 64)).wrapping_mul(MIX);
    mixed ^ (mixed >> 64)
}

const fn unscramble(text: u128) -> u128 {
    let bits = (text ^ (text >> 64)).wrapping_mul(UNMIX);
    let bits = (bits ^ (bits >> 64)).wrapping_mul(UNMIX);
    bits ^ (bits >> 64)
}

/// The inverse of an odd number modulo 2^128, by Newton's iteration: each round doubles the bits.
const fn inverse(odd: u128) -> u128 {
    let mut inverse = odd;
    let mut correct_bits = 3;
    while correct_bits < 128 {
        inverse = inverse.wrapping_mul(2_u128.wrapping_sub(odd.wrapping_mul(inverse)));
        correct_bits *= 2;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_form_survives_the_round_trip(bits: u128) {
            let id = MessageId::from_bits(bits);
            prop_assert_eq!(id.to_string().parse::<MessageId>(), Ok(id));
        }

        #[test]
        fn neighbours_of_a_stretch_differ_in_their_first_eight_digits(bits: u128, place in 0..u32::MAX) {
            let op = StretchId::from_bits(bits).op(place);
            let next = op.next().expect("the place is below the maximum");
            let digits = |op: OpId| op.to_string().chars().take(11).collect::<String>();
            prop_assert_ne!(digits(op), digits(next));
        }
    }

    #[test]
    fn text_of_another_kind_or_length_is_refused() {
        let op = OpId::from_bits(7).to_string();
        let wrong = ParseIdError::WrongPrefix { expected: "msg" };
        assert_eq!(op.parse::<MessageId>(), Err(wrong));
        for bad in
            ["op_", "op_12", "op_zzzzzzzzzzzzzzzzzzzzzzzzzz", "op_Ã¼000000000000000000000000"]
        {
            assert_eq!(bad.parse::<OpId>(), Err(ParseIdError::BadDigits { prefix: "op" }), "{bad}");
        }
    }

    #[test]
    fn an_op_knows_its_stretch_place_and_neighbours() {
        let stretch = StretchId::from_bits(u128::MAX);
        let op = stretch.op(41);
        assert_eq!((op.stretch(), op.place()), (stretch, 41));
        assert_eq!(op.next(), Some(stretch.op(42)));
        assert_eq!(stretch.op(0).previous(), None);
        assert_eq!(stretch.op(u32::MAX).next(), None);
        assert_eq!(MessageId::from(op).op(), op);
    }
}
