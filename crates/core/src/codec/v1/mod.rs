//! Version 1 of the stored form: JSON with full names, absent fields left out.

mod body;
mod call;
mod config;
mod head;
mod mail;

use std::{borrow::Cow, error::Error as StdError, sync::Arc};

use self::{
    body::StoredBody,
    call::StoredCall,
    config::{StoredDefaults, StoredPatch},
    head::StoredHead,
    mail::StoredMail,
};
use super::{CodecError, EncodedOp, MailStamp, OpPlace};
use crate::{
    call::ModelCall,
    config::{Config, Defaults},
    graph::{Op, OpKind, StepResult},
    mail::Mail,
    message::CallId,
};

const VERSION: u32 = 1;

pub(super) fn encode(op: &Op) -> Result<EncodedOp, CodecError> {
    let head = to_json("head", &StoredHead::from(op))?;
    let body = match &op.kind {
        OpKind::Message(message) | OpKind::Lead(message) => {
            to_json("body", &StoredBody::from(&message.body))?
        }
        OpKind::Noted(result) => to_json("body", &StoredBody::from(&**result))?,
        OpKind::Done(result) => to_json("body", &result.value)?,
        _ => Vec::new(),
    };
    Ok(EncodedOp { head, body })
}

pub(super) fn decode(place: OpPlace, head: &[u8], body: &[u8]) -> Result<Op, CodecError> {
    let OpPlace { id, parent, at, standing } = place;
    let head: StoredHead<'_> = from_json("head", head)?;
    let (step, author) = (head.step.into(), head.author.map(Cow::into_owned));
    let read_message = |message: head::StoredMessage<'_>| {
        let body: StoredBody<'_> = from_json("body", body)?;
        Ok(Arc::new(message.into_message(id.into(), at, body.into())))
    };
    let kind = match head.kind {
        head::StoredKind::Message(message) => OpKind::Message(read_message(message)?),
        head::StoredKind::Lead(message) => OpKind::Lead(read_message(message)?),
        head::StoredKind::Edit { target, body } => {
            OpKind::Edit { target: target.0, body: body.into() }
        }
        head::StoredKind::Remove { targets } => {
            OpKind::Remove { targets: targets.into_iter().map(|target| target.0).collect() }
        }
        head::StoredKind::Fold { targets, summary } => OpKind::Fold {
            targets: targets.into_iter().map(|target| target.0).collect(),
            summary: summary.into_owned(),
        },
        head::StoredKind::Unfold { target } => OpKind::Unfold { target: target.0 },
        head::StoredKind::Noted {} => {
            let body: StoredBody<'_> = from_json("body", body)?;
            let result = body.into_result();
            let result =
                result.ok_or_else(|| malformed("body", "it is not the result of a call"))?;
            OpKind::Noted(Arc::new(result))
        }
        head::StoredKind::Done { flow, step } => {
            let (flow, step) = (flow.into_owned(), step.into_owned());
            OpKind::Done(Arc::new(StepResult { flow, step, value: from_json("body", body)? }))
        }
        head::StoredKind::Merge(merge) => OpKind::Merge(Box::new((*merge).into())),
        head::StoredKind::Receive { mail } => OpKind::Receive { mail: mail.0 },
        head::StoredKind::Approval { calls, stage } => OpKind::Approval {
            calls: calls.into_iter().map(CallId::new).collect(),
            stage: stage.into(),
        },
        head::StoredKind::Configure(patch) => OpKind::Configure(Box::new((*patch).into())),
    };
    Ok(Op { id, parent, at, step, standing, author, kind })
}

pub(super) fn encode_defaults(defaults: &Defaults) -> Result<Vec<u8>, CodecError> {
    let stored = StoredDefaults {
        config: StoredPatch::from(&defaults.config.to_patch()),
        system: defaults.system.as_deref().map(Cow::Borrowed),
    };
    to_json("defaults", &stored)
}

pub(super) fn decode_defaults(json: &[u8]) -> Result<Defaults, CodecError> {
    let stored: StoredDefaults<'_> = from_json("defaults", json)?;
    let config = Config::default().patched(&stored.config.into());
    Ok(Defaults { config, system: stored.system.map(Cow::into_owned) })
}

pub(super) fn encode_call(call: &ModelCall) -> Result<Vec<u8>, CodecError> {
    to_json("call", &StoredCall::from(call))
}

pub(super) fn decode_call(json: &[u8]) -> Result<ModelCall, CodecError> {
    let stored: StoredCall = from_json("call", json)?;
    stored.into_call().map_err(|problem| malformed("call", problem))
}

pub(super) fn encode_mail(mail: &Mail) -> Result<Vec<u8>, CodecError> {
    to_json("mail", &StoredMail::from(mail))
}

pub(super) fn decode_mail(stamp: MailStamp, json: &[u8]) -> Result<Mail, CodecError> {
    let stored: StoredMail<'_> = from_json("mail", json)?;
    Ok(stored.into_mail(stamp))
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

fn malformed(part: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> CodecError {
    CodecError::Malformed { part, version: VERSION, source: source.into() }
}
