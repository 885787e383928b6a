//! The lines of an archive. What an op and a call are is the codec's business: their JSON is copied.

use std::borrow::Cow;

use branchwork_core::{
    call::ModelCall,
    clock::Timestamp,
    codec::{self, CodecError, OpPlace},
    graph::Op,
    id::{BranchId, OpId},
    store::Cause,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::mail_line::MailLine;

/// The version of the format. The first line says it.
pub(super) const VERSION: u32 = 1;

/// What the first line says that an archive is.
pub(super) const MARK: &str = "branchwork";

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line<'a> {
    /// The first one.
    Archive { of: Cow<'a, str>, version: u32, codec: u32 },
    /// The session; before its branches.
    Session(SessionLine),
    /// A branch is made; before its ops and moves.
    Branch(BranchLine),
    /// The op that a branch appends next.
    #[serde(borrow)]
    Op(OpLine<'a>),
    /// A branch's head goes somewhere.
    Move(MoveLine),
    /// A mail, and where it is; behind its branches and its receipts.
    #[serde(borrow)]
    Mail(MailLine<'a>),
    /// The last one: how many lines came before it.
    End { lines: u64 },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SessionLine {
    pub(super) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Microseconds since the epoch; so are all times.
    pub(super) created: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) archived: Option<i64>,
    /// The branch that it was born with.
    pub(super) first: String,
    pub(super) first_name: String,
    pub(super) default: String,
    /// What new branches begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) defaults: Option<Box<RawValue>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BranchLine {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) created: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) forked_from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) head: Option<String>,
    /// It was deleted, and only lives on in what was forked from it, and in mail.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) deleted: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpLine<'a> {
    pub(super) branch: Cow<'a, str>,
    pub(super) id: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<Cow<'a, str>>,
    pub(super) at: i64,
    pub(super) standing: u32,
    #[serde(borrow)]
    pub(super) head: &'a RawValue,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<&'a RawValue>,
    /// The call of a model that it answers.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) call: Option<&'a RawValue>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveLine {
    pub(super) branch: String,
    pub(super) cause: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<String>,
    pub(super) at: i64,
}

/// Appends the line of `op`. The JSON of the codec is put in as it is: it is not read again.
pub(super) fn write_op(
    text: &mut Vec<u8>,
    branch: BranchId,
    op: &Op,
    call: Option<&ModelCall>,
) -> Result<(), CodecError> {
    let encoded = codec::encode(op)?;
    text.extend_from_slice(
        format!("{{\"op\":{{\"branch\":\"{branch}\",\"id\":\"{}\"", op.id).as_bytes(),
    );
    if let Some(parent) = op.parent {
        text.extend_from_slice(format!(",\"parent\":\"{parent}\"").as_bytes());
    }
    let place = format!(",\"at\":{},\"standing\":{},\"head\":", op.at.as_micros(), op.standing);
    text.extend_from_slice(place.as_bytes());
    text.extend_from_slice(&encoded.head);
    if !encoded.body.is_empty() {
        text.extend_from_slice(b",\"body\":");
        text.extend_from_slice(&encoded.body);
    }
    if let Some(call) = call {
        text.extend_from_slice(b",\"call\":");
        text.extend_from_slice(&codec::encode_call(call)?);
    }
    text.extend_from_slice(b"}}\n");
    Ok(())
}

impl OpLine<'_> {
    /// The op and its call, as the codec of `version` reads them; an error says what is wrong.
    pub(super) fn read(&self, version: u32) -> Result<(Op, Option<ModelCall>), String> {
        let place = OpPlace {
            id: parse("op", &self.id)?,
            parent: self.parent.as_deref().map(|parent| parse("op", parent)).transpose()?,
            at: Timestamp::from_micros(self.at),
            standing: self.standing,
        };
        let body = self.body.map(RawValue::get).unwrap_or_default();
        let say = |error: CodecError| {
            format!("holds an op that cannot be read: {error}: {}", cause_of(&error))
        };
        let op = codec::decode(version, place, self.head.get().as_bytes(), body.as_bytes());
        let op = op.map_err(say)?;
        let call = self.call.map(|call| codec::decode_call(version, call.get().as_bytes()));
        let call = call.transpose().map_err(say)?;
        if call.is_some() && op.kind.as_message().is_none() {
            return Err(format!("holds a model call that op {} does not answer", op.id));
        }
        Ok((op, call))
    }
}

impl MoveLine {
    pub(super) fn read(&self) -> Result<(Cause, Option<OpId>), String> {
        let cause = Cause::from_name(&self.cause);
        let cause = cause.filter(|cause| !matches!(cause, Cause::Append | Cause::Create));
        let cause =
            cause.ok_or_else(|| format!("moves a head for an unknown cause `{}`", self.cause))?;
        Ok((cause, self.to.as_deref().map(|to| parse("op", to)).transpose()?))
    }
}

/// The name of a branch that stands for a deleted one.
pub(super) fn lost_name(id: BranchId) -> String {
    format!("deleted-{id}")
}

/// What is behind an error.
pub(super) fn cause_of(error: &CodecError) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
}

/// Parses an identifier; an error says what is wrong.
pub(super) fn parse<T: std::str::FromStr>(what: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_id| format!("names `{text}`, which is no identifier of a {what}"))
}
