//! Commits: everything one step of the engine makes durable, as one value.

use super::{StoreError, record::Cause};
use crate::{
    call::ModelCall,
    clock::Timestamp,
    config::Defaults,
    graph::Op,
    id::{BranchId, OpId, SessionId},
    limits,
    mail::MailChange,
    twice::twice,
};

/// Everything one step makes durable, in one session.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Commit {
    /// The session.
    pub session: SessionId,
    /// When.
    pub at: Timestamp,
    /// What happens to the session and its branches, in this order, before ops and heads.
    pub changes: Vec<Change>,
    /// Ops to append, parents first.
    pub ops: Vec<Op>,
    /// Heads to move.
    pub heads: Vec<HeadMove>,
    /// Calls of models, each with the op of this commit that appends its answer.
    pub calls: Vec<(OpId, ModelCall)>,
    /// What happens to mail, after ops and heads.
    pub mail: Vec<MailChange>,
}

/// Moves the head of one branch, if it is where the writer saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadMove {
    /// The branch.
    pub branch: BranchId,
    /// The head the writer saw.
    pub from: Option<OpId>,
    /// The new head.
    pub to: Option<OpId>,
    /// Why.
    pub cause: Cause,
}

/// The ops that one head move appends, in order.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a> {
    /// The move.
    pub head: &'a HeadMove,
    /// Its ops; empty when the move is not an append.
    pub ops: &'a [Op],
}

/// One change to a session or its branches.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// Makes the session, and its default branch, empty.
    CreateSession {
        /// Its name: unique, or none.
        name: Option<String>,
        /// The default branch.
        branch: BranchId,
        /// The name of the default branch.
        branch_name: String,
    },
    /// Gives the session another name, or none.
    RenameSession {
        /// The name.
        name: Option<String>,
    },
    /// Archives the session, or takes it out of the archive.
    ArchiveSession {
        /// Whether it is archived from now on.
        archived: bool,
    },
    /// Deletes the session with all it holds.
    DeleteSession,
    /// Says what new branches begin with. Those that are there stay as they are.
    SetDefaults {
        /// All of it.
        defaults: Box<Defaults>,
    },
    /// Makes another branch the default one.
    SetDefaultBranch {
        /// The branch.
        branch: BranchId,
    },
    /// Makes a branch whose head is an op that exists.
    CreateBranch {
        /// The branch.
        branch: BranchId,
        /// Its name: unique in the session.
        name: String,
        /// The branch it was forked from.
        forked_from: Option<BranchId>,
        /// Its head.
        head: Option<OpId>,
    },
    /// Gives a branch another name.
    RenameBranch {
        /// The branch.
        branch: BranchId,
        /// The name.
        name: String,
    },
    /// Empties the call log of the session. Its history stays.
    ClearCalls,
    /// Changes nothing, and refuses the commit unless the head of a branch is where the writer saw it, or the
    /// branch is deleted already.
    ExpectHead {
        /// The branch.
        branch: BranchId,
        /// Its head.
        head: Option<OpId>,
    },
    /// Deletes a branch that is not the default one.
    ///
    /// What it has in its outbox goes to the inboxes of its recipients. What waits for it goes to the inbox
    /// of its heir, or becomes a dead letter: without an heir, and when the heir has the same mail.
    DeleteBranch {
        /// The branch.
        branch: BranchId,
        /// Who gets the mail that waits for it.
        heir: Option<BranchId>,
    },
}

impl Commit {
    /// A commit that does nothing yet.
    pub const fn new(session: SessionId, at: Timestamp) -> Self {
        Self {
            session,
            at,
            changes: Vec::new(),
            ops: Vec::new(),
            heads: Vec::new(),
            calls: Vec::new(),
            mail: Vec::new(),
        }
    }

    /// Adds one change.
    #[must_use]
    pub fn with_change(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// Adds ops and the head move that goes with them.
    #[must_use]
    pub fn with_ops(mut self, ops: Vec<Op>, head: HeadMove) -> Self {
        self.ops.extend(ops);
        self.heads.push(head);
        self
    }

    /// Adds a call, whose answer is appended by `answer`.
    #[must_use]
    pub fn with_call(mut self, answer: OpId, call: ModelCall) -> Self {
        self.calls.push((answer, call));
        self
    }

    /// Adds what happens to mail.
    #[must_use]
    pub fn with_mail(mut self, mail: impl IntoIterator<Item = MailChange>) -> Self {
        self.mail.extend(mail);
        self
    }

    /// Adds a head move.
    #[must_use]
    pub fn with_head(mut self, head: HeadMove) -> Self {
        self.heads.push(head);
        self
    }
}

impl Commit {
    /// Divides the ops among the head moves, for stores: each op belongs to one append.
    ///
    /// Checks all that can be checked without looking at what is stored: ops lead from each
    /// move's `from` to its `to`, and lie in stretches as they must. No head moves twice and no stretch
    /// begins twice: each could hide the other.
    ///
    /// # Errors
    ///
    /// [`StoreError::InvalidCommit`] with what is wrong.
    pub fn chains(&self) -> Result<Vec<Chain<'_>>, StoreError> {
        if self.ops.len() > limits::COMMIT_OPS_MAX {
            let max = limits::COMMIT_OPS_MAX;
            return Err(StoreError::invalid(format!("{} ops, {max} allowed", self.ops.len())));
        }
        let answers = |id| self.ops.iter().any(|op| op.id == id && op.kind.as_message().is_some());
        if let Some((answer, _)) = self.calls.iter().find(|(answer, _)| !answers(*answer)) {
            return Err(StoreError::invalid(format!("op {answer} appends no answer to a call")));
        }
        if let Some(branch) = twice(self.heads.iter().map(|head| head.branch)) {
            return Err(StoreError::invalid(format!("branch {branch} is moved twice")));
        }
        let begun = self.ops.iter().map(|op| op.id).filter(|id| id.place() == 0);
        if let Some(op) = twice(begun) {
            let problem = format!("op {op} begins a stretch that has begun");
            return Err(StoreError::invalid(problem));
        }
        let mut rest = self.ops.as_slice();
        let mut chains = Vec::with_capacity(self.heads.len());
        for head in &self.heads {
            let length = if head.cause == Cause::Append { chain_length(head, rest)? } else { 0 };
            let (ops, later) = rest.split_at(length);
            chains.push(Chain { head, ops });
            rest = later;
        }
        match rest.first() {
            None => Ok(chains),
            Some(op) => Err(StoreError::invalid(format!("no head moves to op {}", op.id))),
        }
    }
}

impl Commit {
    /// Checks all of the mail that can be checked without looking at what is stored, for stores: that each
    /// change is one, no mail is sent twice, and no delivery is changed twice.
    ///
    /// # Errors
    ///
    /// [`StoreError::InvalidCommit`] with what is wrong.
    pub fn check_mail(&self) -> Result<(), StoreError> {
        let count: usize = self.mail.iter().map(|change| change.recipients().len()).sum();
        if count > limits::COMMIT_MAIL_MAX {
            let max = limits::COMMIT_MAIL_MAX;
            return Err(StoreError::invalid(format!("{count} deliveries, {max} allowed")));
        }
        let (mut sent, mut changed) = (Vec::new(), Vec::with_capacity(count));
        for change in &self.mail {
            change.check().map_err(|error| StoreError::invalid(error.to_string()))?;
            let mail = change.mail();
            if matches!(change, MailChange::Send { .. }) {
                sent.push(mail);
            }
            let recipients = change.recipients().iter().chain(readdressed_to(change));
            changed.extend(recipients.map(|recipient| (mail, *recipient)));
        }
        if let Some(mail) = twice(sent) {
            return Err(StoreError::invalid(format!("mail {mail} is sent twice")));
        }
        if let Some((mail, _)) = twice(changed) {
            return Err(StoreError::invalid(format!("mail {mail} is changed twice")));
        }
        Ok(())
    }
}

/// Another branch that a delivery is for after `change`.
fn readdressed_to(change: &MailChange) -> Option<&BranchId> {
    match change {
        MailChange::Readdress { from, to, .. } if from != to => Some(to),
        _ => None,
    }
}

/// How many of `ops` lead from where `head` was to where it goes.
fn chain_length(head: &HeadMove, ops: &[Op]) -> Result<usize, StoreError> {
    let mut at = head.from;
    for (index, op) in ops.iter().enumerate() {
        if op.parent != at {
            return Err(StoreError::invalid(format!("op {} does not follow the head", op.id)));
        }
        if op.id.place() > 0 && op.id.previous() != op.parent {
            let problem = format!("op {} does not follow its place in its stretch", op.id);
            return Err(StoreError::invalid(problem));
        }
        at = Some(op.id);
        if at == head.to {
            return Ok(index + 1);
        }
    }
    Err(StoreError::invalid(format!("the ops do not lead to the new head of {}", head.branch)))
}
