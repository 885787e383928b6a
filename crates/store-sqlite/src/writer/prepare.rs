//! What is done to a commit before it is handed to the writer, so that its thread only writes.

use branchwork_core::{
    call::ModelCall,
    codec,
    graph::Op,
    id::OpId,
    mail::{Mail, MailChange},
    store::{Commit, StoreError},
};
use sha2::{Digest as _, Sha256};

/// Bytes of a body from which on it is kept apart, by its hash. Below, a row still is a few pages.
pub(crate) const BODY_INLINE_BYTES_MAX: usize = 16 * 1024;

/// A commit whose shape was checked, with the rows of its ops.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(super) commit: Commit,
    /// One for each op of the commit.
    pub(super) rows: Vec<OpRow>,
    /// One for each call of the commit.
    pub(super) calls: Vec<String>,
    /// One for each mail that the commit sends.
    pub(super) envelopes: Vec<String>,
}

/// The stored form of one op.
#[derive(Debug)]
pub(super) struct OpRow {
    pub(super) head: String,
    pub(super) body: BodyRow,
}

/// The stored form of what a message says.
#[derive(Debug)]
pub(super) enum BodyRow {
    /// The op has none.
    None,
    /// In the row of the op.
    Inline(String),
    /// Apart.
    Large { hash: [u8; 32], bytes: Vec<u8> },
}

/// Checks the shape of `commit` and encodes its ops, calls and mail.
pub(crate) fn prepare(commit: Commit) -> Result<Prepared, StoreError> {
    commit.chains()?;
    commit.check_mail()?;
    let rows = commit.ops.iter().map(row).collect::<Result<_, _>>()?;
    let calls = commit.calls.iter().map(call_row).collect::<Result<_, _>>()?;
    let sent = commit.mail.iter().filter_map(|change| match change {
        MailChange::Send { mail, .. } => Some(mail),
        _ => None,
    });
    let envelopes = sent.map(|mail| envelope(mail)).collect::<Result<_, _>>()?;
    Ok(Prepared { commit, rows, calls, envelopes })
}

/// The hash under which a body is kept.
pub(crate) fn body_hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn call_row((answer, call): &(OpId, ModelCall)) -> Result<String, StoreError> {
    let unfit = |problem: String| {
        StoreError::invalid(format!("the call that op {answer} answers cannot be kept: {problem}"))
    };
    let encoded = codec::encode_call(call).map_err(|error| unfit(error.to_string()))?;
    String::from_utf8(encoded).map_err(|error| unfit(error.to_string()))
}

fn envelope(mail: &Mail) -> Result<String, StoreError> {
    let unfit = |problem: String| {
        StoreError::invalid(format!("mail {} cannot be kept: {problem}", mail.id))
    };
    let encoded = codec::encode_mail(mail).map_err(|error| unfit(error.to_string()))?;
    String::from_utf8(encoded).map_err(|error| unfit(error.to_string()))
}

fn row(op: &Op) -> Result<OpRow, StoreError> {
    let unfit = |part: &str| StoreError::invalid(format!("the {part} of op {} is no text", op.id));
    let encoded = codec::encode(op)
        .map_err(|error| StoreError::invalid(format!("op {} cannot be encoded: {error}", op.id)))?;
    let head = String::from_utf8(encoded.head).map_err(|_bytes| unfit("head"))?;
    let body = match encoded.body {
        bytes if bytes.is_empty() => BodyRow::None,
        bytes if bytes.len() > BODY_INLINE_BYTES_MAX => {
            BodyRow::Large { hash: body_hash(&bytes), bytes }
        }
        bytes => BodyRow::Inline(String::from_utf8(bytes).map_err(|_bytes| unfit("body"))?),
    };
    Ok(OpRow { head, body })
}
