//! What a store answers, beside ops.

use crate::{
    clock::Timestamp,
    config::Defaults,
    graph::Step,
    id::{BranchId, MessageId, OpId, SessionId},
    message::Role,
};

/// A session as the store knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRecord {
    /// Its identifier.
    pub id: SessionId,
    /// Its name: unique, or none.
    pub name: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When something last happened in it.
    pub updated: Timestamp,
    /// Since when it is archived; `None` when it is not.
    pub archived: Option<Timestamp>,
    /// Its default branch.
    pub default_branch: BranchId,
    /// What new branches begin with.
    pub defaults: Defaults,
    /// How many branches it has.
    pub branches: u32,
    /// How many messages its branches hold; one that several share counts once.
    pub messages: u64,
}

/// A branch as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchRecord {
    /// Its identifier.
    pub id: BranchId,
    /// Its session.
    pub session: SessionId,
    /// Its name: unique in the session.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// The branch it was forked from.
    pub forked_from: Option<BranchId>,
    /// Its head; `None` when nothing has happened on it.
    pub head: Option<OpId>,
    /// The newest op of its own stretch: behind it, and only there, the stretch may go on.
    pub tip: Option<OpId>,
    /// How often its head was moved. An append of several ops counts each.
    pub revision: u64,
    /// How many messages stand in its view.
    pub messages: u32,
}

/// One move of a branch's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReflogEntry {
    /// The revision of the branch after it.
    pub revision: u64,
    /// Why.
    pub cause: Cause,
    /// The place of the appended op in its step; `None` when the move was not an append.
    pub step: Option<Step>,
    /// Where the head was.
    pub from: Option<OpId>,
    /// Where it went.
    pub to: Option<OpId>,
    /// When.
    pub at: Timestamp,
}

/// Why a head moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The branch was made.
    Create,
    /// Ops were appended.
    Append,
    /// It went back to an earlier op.
    Rewind,
    /// A step was undone.
    Undo,
    /// An undone step was done again.
    Redo,
    /// It went to a place it had been at before.
    Restore,
    /// It went to a place on a branch that was forked from here.
    Promote,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 7] = [
        Self::Create,
        Self::Append,
        Self::Rewind,
        Self::Undo,
        Self::Redo,
        Self::Restore,
        Self::Promote,
    ];

    /// The lower-case name, as files and the command line spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Append => "append",
            Self::Rewind => "rewind",
            Self::Undo => "undo",
            Self::Redo => "redo",
            Self::Restore => "restore",
            Self::Promote => "promote",
        }
    }

    /// The cause with that lower-case name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == name)
    }
}

/// A search over the text of messages. An edited message is found by what was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Search {
    /// The text to find, whatever its case. It must not be empty.
    pub text: String,
    /// Only in this session.
    pub session: Option<SessionId>,
    /// Only in this voice.
    pub role: Option<Role>,
    /// At most this many hits.
    pub limit: usize,
}

impl Search {
    /// Searches everywhere for `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), session: None, role: None, limit: 50 }
    }

    /// Searches in one session only.
    #[must_use]
    pub const fn in_session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// Searches only what is said in one voice.
    #[must_use]
    pub const fn with_role(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }

    /// Wants at most `limit` hits, and never more than
    /// [`SEARCH_HITS_MAX`](crate::limits::SEARCH_HITS_MAX).
    #[must_use]
    pub const fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

/// One message that a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its session.
    pub session: SessionId,
    /// The branch that appended it.
    pub branch: BranchId,
    /// The message.
    pub message: MessageId,
    /// Whose voice it is in.
    pub role: Role,
    /// When it was appended.
    pub at: Timestamp,
    /// The text around the first match, on one line.
    pub snippet: String,
}

/// What `verify` found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyReport {
    /// How many ops were read.
    pub ops: u64,
    /// What is wrong, one line each; empty when all is well.
    pub problems: Vec<String>,
}

/// What is stored, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Sessions, the archived ones included.
    pub sessions: u64,
    /// Branches.
    pub branches: u64,
    /// Ops.
    pub ops: u64,
    /// Bodies that are kept apart, by content hash.
    pub blobs: u64,
    /// Bytes on disk; 0 for a store that has none.
    pub bytes: u64,
}

/// What `gc` took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GcReport {
    /// Sessions.
    pub sessions: u64,
    /// Branches.
    pub branches: u64,
    /// Ops.
    pub ops: u64,
    /// Bodies that were kept apart.
    pub blobs: u64,
}
