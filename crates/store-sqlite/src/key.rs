//! The short numbers and packed keys by which rows are known inside one file.

use branchwork_core::id::{BranchId, MailId, OpId, SessionId, StretchId};
use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef},
};

/// How far the number of a stretch or branch is shifted in a packed key.
const PLACE_BITS: u32 = 32;

macro_rules! define_number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) struct $name(i64);

        impl From<i64> for $name {
            fn from(number: i64) -> Self {
                Self(number)
            }
        }

        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                i64::column_result(value).map(Self)
            }
        }
    };
}

define_number!(
    /// `session.no`.
    SessionNo
);
define_number!(
    /// `branch.no`.
    BranchNo
);
define_number!(
    /// `stretch.no`.
    StretchNo
);
define_number!(
    /// `op.key`: the number of the stretch, then the place in it.
    OpKey
);
define_number!(
    /// `reflog.key`: the number of the branch, then its revision after the move.
    ReflogKey
);

define_number!(
    /// `delivery.no`, and `mail.no`, which is that of the first delivery.
    DeliveryNo
);

impl StretchNo {
    /// The op at `place`.
    pub(crate) const fn op(self, place: u32) -> OpKey {
        OpKey(pack(self.0, place))
    }

    /// The number after it: its op at place 0 is the end of this stretch's keys.
    pub(crate) const fn following(self) -> Self {
        Self(self.0 + 1)
    }
}

impl OpKey {
    /// What `branch.at` says of a head that is no op.
    pub(crate) const NONE: Self = Self(-1);

    pub(crate) const fn stretch(self) -> StretchNo {
        StretchNo(self.0 >> PLACE_BITS)
    }

    pub(crate) const fn place(self) -> u32 {
        low(self.0)
    }

    /// The key `count` places on. The caller knows that it lies in the stretch.
    pub(crate) fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add_unsigned(count))
    }

    /// How many places it lies behind `earlier`.
    pub(crate) fn minus(self, earlier: Self) -> u64 {
        u64::try_from(self.0 - earlier.0).unwrap_or_default()
    }
}

impl BranchNo {
    /// The reflog row of the move that led to `revision`.
    pub(crate) const fn reflog(self, revision: u32) -> ReflogKey {
        ReflogKey(pack(self.0, revision))
    }
}

impl DeliveryNo {
    /// The number that a caller knows it by.
    pub(crate) const fn get(self) -> u64 {
        self.0.unsigned_abs()
    }

    /// The number `count` behind it.
    pub(crate) const fn plus(self, count: i64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl ReflogKey {
    pub(crate) const fn revision(self) -> u32 {
        low(self.0)
    }
}

const fn pack(number: i64, low: u32) -> i64 {
    // `i64::from` is not const.
    (number << PLACE_BITS) | low as i64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the lower 32 bits are what is asked for"
)]
const fn low(key: i64) -> u32 {
    key as u32
}

/// A session's identifier as it is stored.
pub(crate) const fn session_bytes(id: SessionId) -> [u8; 16] {
    id.to_bits().to_be_bytes()
}

/// A branch's identifier as it is stored.
pub(crate) const fn branch_bytes(id: BranchId) -> [u8; 16] {
    id.to_bits().to_be_bytes()
}

/// A stretch's identifier as it is stored: without the lower 32 bits, which are zero.
pub(crate) fn stretch_bytes(id: StretchId) -> [u8; 12] {
    let bytes = id.to_bits().to_be_bytes();
    bytes.first_chunk().copied().unwrap_or_default()
}

/// A mail's identifier as it is stored.
pub(crate) const fn mail_bytes(id: MailId) -> [u8; 16] {
    id.to_bits().to_be_bytes()
}

/// A receipt as it is stored: the whole identifier of the op.
pub(crate) const fn receipt_bytes(op: OpId) -> [u8; 16] {
    op.to_bits().to_be_bytes()
}

/// The stored identifier of a session.
pub(crate) const fn session_id(bytes: [u8; 16]) -> SessionId {
    SessionId::from_bits(u128::from_be_bytes(bytes))
}

/// The stored identifier of a branch.
pub(crate) const fn branch_id(bytes: [u8; 16]) -> BranchId {
    BranchId::from_bits(u128::from_be_bytes(bytes))
}

/// The stored identifier of a mail.
pub(crate) const fn mail_id(bytes: [u8; 16]) -> MailId {
    MailId::from_bits(u128::from_be_bytes(bytes))
}

/// The op that a stored receipt names.
pub(crate) const fn receipt_op(bytes: [u8; 16]) -> OpId {
    OpId::from_bits(u128::from_be_bytes(bytes))
}

/// The stored identifier of a stretch.
pub(crate) fn stretch_id(bytes: [u8; 12]) -> StretchId {
    let bits = bytes.into_iter().fold(0, |bits, byte| (bits << 8) | u128::from(byte));
    StretchId::from_bits(bits << PLACE_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_stretch_then_place_and_come_apart_again() {
        let first = StretchNo::from(7).op(u32::MAX);
        let second = StretchNo::from(8).op(0);
        assert!(first < second);
        assert_eq!((first.stretch(), first.place()), (StretchNo::from(7), u32::MAX));
        assert_eq!((second.stretch(), second.place()), (StretchNo::from(8), 0));
        assert_eq!(first.plus(1), second);
        assert_eq!(StretchNo::from(7).op(9).minus(StretchNo::from(7).op(4)), 5);
    }

    #[test]
    fn stored_identifiers_come_back() {
        let stretch = StretchId::from_bits(u128::MAX - 5);
        assert_eq!(stretch_id(stretch_bytes(stretch)), stretch);
        let session = SessionId::from_bits(1 << 100);
        assert_eq!(session_id(session_bytes(session)), session);
    }
}
