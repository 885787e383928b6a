//! Version 1 of the stored form: JSON with full names, absent fields left out.

mod body;
mod call;
mod config;
mod head;

use std::sync::Arc;

use self::{body::StoredBody, call::StoredCall, head::StoredHead};
use super::{CodecError, EncodedOp, OpPlace};
use crate::{
    call::ModelCall,
    graph::{Op, OpKind},
    message::Message,
};

const VERSION: u32 = 1;

pub(super) fn encode(op: &Op) -> Result<EncodedOp, CodecError> {
    let head = to_json("head", &StoredHead::from(op))?;
    let body = match &op.kind {
        OpKind::Message(message) => to_json("body", &StoredBody::from(&message.body))?,
        OpKind::Edit { .. } | OpKind::Remove { .. } | OpKind::Configure(_) => Vec::new(),
    };
    Ok(EncodedOp { head, body })
}

pub(super) fn decode(place: OpPlace, head: &[u8], body: &[u8]) -> Result<Op, CodecError> {
    let OpPlace { id, parent, at, standing } = place;
    let head: StoredHead<'_> = from_json("head", head)?;
    let (step, author) = (head.step.into(), head.author.map(std::borrow::Cow::into_owned));
    let kind = match head.kind {
        head::StoredKind::Message(message) => {
            let body: StoredBody<'_> = from_json("body", body)?;
            let body = body.into();
            OpKind::Message(Arc::new(Message {
                id: id.into(),
                at,
                sender: message.sender.into_owned(),
                recipient: message.recipient.map(std::borrow::Cow::into_owned),
                body,
                metadata: message.metadata,
                status: message.status.into(),
                edited: None,
            }))
        }
        head::StoredKind::Edit { target, body } => {
            OpKind::Edit { target: target.0, body: body.into() }
        }
        head::StoredKind::Remove { targets } => {
            OpKind::Remove { targets: targets.into_iter().map(|target| target.0).collect() }
        }
        head::StoredKind::Configure(patch) => OpKind::Configure(Box::new((*patch).into())),
    };
    Ok(Op { id, parent, at, step, standing, author, kind })
}

pub(super) fn encode_call(call: &ModelCall) -> Result<Vec<u8>, CodecError> {
    to_json("call", &StoredCall::from(call))
}

pub(super) fn decode_call(json: &[u8]) -> Result<ModelCall, CodecError> {
    let stored: StoredCall = from_json("call", json)?;
    stored.into_call().map_err(|problem| CodecError::Malformed {
        part: "call",
        version: VERSION,
        source: problem.into_owned().into(),
    })
}

fn to_json(part: &'static str, value: &impl serde::Serialize) -> Result<Vec<u8>, CodecError> {
    serde_json::to_vec(value).map_err(|source| malformed(part, source))
}

fn from_json<'a, T: serde::Deserialize<'a>>(
    part: &'static str,
    json: &'a [u8],
) -> Result<T, CodecError> {
    serde_json::from_slice(json).map_err(|source| malformed(part, source))
}

fn malformed(part: &'static str, source: serde_json::Error) -> CodecError {
    CodecError::Malformed { part, version: VERSION, source: Box::new(source) }
}
