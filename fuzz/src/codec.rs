//! The stored form: what is read from it is written again, and is the same.
//!
//! An input is the head of an op on the first line and its body on the second; what is no op may be something
//! else that is stored.

use std::{fmt::Debug, sync::Arc};

use branchwork_core::{
    clock::Timestamp,
    codec::{self, MailStamp, OpPlace},
    graph::Op,
    id::{BranchId, MailId, OpId},
};

use crate::{Target, seeds};

/// Ops, calls, mail and defaults.
pub struct Stored;

impl Target for Stored {
    fn seeds() -> Vec<Vec<u8>> {
        seeds::golden()
    }

    fn check(data: &[u8]) {
        let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
        let (head, body) = data.split_at(end);
        let body = body.strip_prefix(b"\n").unwrap_or(body);
        let body = body.strip_suffix(b"\n").unwrap_or(body);
        if let Ok(op) = codec::decode(codec::VERSION, place(OpId::from_bits(7)), head, body) {
            check_op(&op);
        }
        check_same(data, |call| codec::decode_call(codec::VERSION, call), codec::encode_call);
        check_same(data, |all| codec::decode_defaults(codec::VERSION, all), codec::encode_defaults);
        check_same(
            data,
            |mail| codec::decode_mail(codec::VERSION, stamp(), mail).map(Arc::new),
            |mail| codec::encode_mail(mail),
        );
    }
}

const fn place(id: OpId) -> OpPlace {
    OpPlace { id, parent: None, at: Timestamp::from_micros(7), standing: 1 }
}

const fn stamp() -> MailStamp {
    let (id, sender) = (MailId::from_bits(7), BranchId::from_bits(8));
    MailStamp { id, sender, sent: Timestamp::from_micros(7), expires: None }
}

/// What is stored of `op` can be read, and is it.
///
/// # Panics
///
/// When it cannot or is not.
pub(crate) fn check_op(op: &Op) {
    let place = OpPlace { id: op.id, parent: op.parent, at: op.at, standing: op.standing };
    let stored = codec::encode(op).expect("an op can be stored");
    let read = codec::decode(codec::VERSION, place, &stored.head, &stored.body);
    let read =
        read.unwrap_or_else(|error| panic!("what is stored cannot be read: {error:?}: {op:?}"));
    assert_eq!(read, *op);
    assert_eq!(
        codec::encode(&read).expect("an op can be stored"),
        stored,
        "it is stored otherwise"
    );
}

/// What is read of `data`, if it can be, is written, and is the same when it is read again.
fn check_same<T: PartialEq + Debug, E: Debug>(
    data: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, E>,
    encode: impl Fn(&T) -> Result<Vec<u8>, E>,
) {
    let Ok(read) = decode(data) else { return };
    let stored = encode(&read).expect("what was read can be stored");
    assert_eq!(decode(&stored).expect("what is stored can be read"), read);
    assert_eq!(encode(&read).expect("it can be stored"), stored);
}
