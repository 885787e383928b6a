//! The stored form of ops, calls of models, mail and defaults of sessions, and nobody else knows it.
//!
//! An op is stored as an [`EncodedOp`]: two JSON texts. The *head* holds all but what the message
//! says; the *body* holds that, alone, so that a store can keep large ones apart and equal ones
//! once. What follows from an op's place (its identifier, its parent within a stretch, the
//! identifier of its message) is not in either: the store knows it.
//!
//! The form is versioned. A version that was released is never changed: golden files in
//! `tests/golden/` hold one of each, and are never edited. A reader knows every version so far.

mod v1;

use std::error::Error as StdError;

use crate::{
    call::ModelCall,
    clock::Timestamp,
    config::Defaults,
    graph::Op,
    id::{BranchId, MailId, OpId},
    mail::Mail,
};

/// The version that [`encode`] writes.
pub const VERSION: u32 = 1;

/// An op in its stored form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedOp {
    /// All but what the message says, as JSON.
    pub head: Vec<u8>,
    /// What the message says, or what a step of a flow gave, as JSON; empty for an op that neither
    /// brings a message nor notes or keeps a result.
    pub body: Vec<u8>,
}

/// What a store knows of an op beside its stored form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpPlace {
    /// Its identifier.
    pub id: OpId,
    /// The op it builds on.
    pub parent: Option<OpId>,
    /// When it was made.
    pub at: Timestamp,
    /// How many messages stand after it.
    pub standing: u32,
}

/// What a store knows of a mail beside its stored form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailStamp {
    /// Its identifier.
    pub id: MailId,
    /// The branch that sends it.
    pub sender: BranchId,
    /// When it was sent.
    pub sent: Timestamp,
    /// When nobody can take it in any more.
    pub expires: Option<Timestamp>,
}

impl From<&Mail> for MailStamp {
    fn from(mail: &Mail) -> Self {
        Self { id: mail.id, sender: mail.sender, sent: mail.sent, expires: mail.expires }
    }
}

/// The stored form cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// It is no JSON, or not of this version's shape.
    #[error("{part}: not what version {version} stores")]
    Malformed {
        /// `head`, `body`, `call`, `mail` or `defaults`.
        part: &'static str,
        /// The version it should be of.
        version: u32,
        /// The failure.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// It was written by a newer program.
    #[error("version {version} is not known")]
    UnknownVersion {
        /// The version it says it is of.
        version: u32,
    },
}

/// Encodes `op` in the newest version.
///
/// # Errors
///
/// [`CodecError::Malformed`] when it has no JSON form.
pub fn encode(op: &Op) -> Result<EncodedOp, CodecError> {
    v1::encode(op)
}

/// Encodes a call of a model in the newest version, as JSON.
///
/// # Errors
///
/// [`CodecError::Malformed`] when it has no JSON form.
pub fn encode_call(call: &ModelCall) -> Result<Vec<u8>, CodecError> {
    v1::encode_call(call)
}

/// Decodes a call of a model that was stored in `version`.
///
/// # Errors
///
/// [`CodecError`].
pub fn decode_call(version: u32, call: &[u8]) -> Result<ModelCall, CodecError> {
    match version {
        1 => v1::decode_call(call),
        version => Err(CodecError::UnknownVersion { version }),
    }
}

/// Encodes what the branches of a session begin with in the newest version, as JSON.
///
/// # Errors
///
/// [`CodecError::Malformed`] when it has no JSON form.
pub fn encode_defaults(defaults: &Defaults) -> Result<Vec<u8>, CodecError> {
    v1::encode_defaults(defaults)
}

/// Decodes what the branches of a session begin with, as it was stored in `version`.
///
/// # Errors
///
/// [`CodecError`].
pub fn decode_defaults(version: u32, defaults: &[u8]) -> Result<Defaults, CodecError> {
    match version {
        1 => v1::decode_defaults(defaults),
        version => Err(CodecError::UnknownVersion { version }),
    }
}

/// Encodes a mail in the newest version, as JSON.
///
/// # Errors
///
/// [`CodecError::Malformed`] when it has no JSON form.
pub fn encode_mail(mail: &Mail) -> Result<Vec<u8>, CodecError> {
    v1::encode_mail(mail)
}

/// Decodes a mail that was stored in `version`.
///
/// # Errors
///
/// [`CodecError`].
pub fn decode_mail(version: u32, stamp: MailStamp, mail: &[u8]) -> Result<Mail, CodecError> {
    match version {
        1 => v1::decode_mail(stamp, mail),
        version => Err(CodecError::UnknownVersion { version }),
    }
}

/// Decodes an op that was stored in `version`.
///
/// # Errors
///
/// [`CodecError`].
pub fn decode(version: u32, place: OpPlace, head: &[u8], body: &[u8]) -> Result<Op, CodecError> {
    match version {
        1 => v1::decode(place, head, body),
        version => Err(CodecError::UnknownVersion { version }),
    }
}
