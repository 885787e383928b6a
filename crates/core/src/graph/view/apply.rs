//! Folding an op in.

use std::sync::Arc;

use super::{Change, Entry, Slot, Undo, View, brought::Known};
use crate::{
    graph::op::{Op, OpKind},
    id::{MailId, MessageId, OpId},
    message::{Body, BodyKind, Message, ToolCall},
};

/// Why an op cannot follow a view.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The op builds on another op than the head of the view.
    #[error("the op does not build on the head of the branch")]
    WrongParent,
    /// The message is not in the view.
    #[error("message {id} is not in this branch")]
    UnknownMessage {
        /// The message asked for.
        id: MessageId,
    },
    /// A result for a call that nobody made, or that has its result.
    #[error("no open call has the identifier `{call}`")]
    UnknownCall {
        /// The identifier.
        call: String,
    },
    /// Nobody is asked to approve the call, or it is answered.
    #[error("the call `{call}` does not wait for approval")]
    NotAsked {
        /// The identifier.
        call: String,
    },
    /// No message stands where a summary shall.
    #[error("there is nothing to fold: no message but system messages stands there")]
    NothingToFold,
    /// A summary would stand for part of a turn group, or leave one of the messages between out.
    #[error("a summary stands for messages that follow each other, turn groups as a whole")]
    NotWhole,
    /// The message is no summary.
    #[error("message {id} is no summary that stands for others")]
    NotFolded {
        /// The message.
        id: MessageId,
    },
    /// No turn waits for approvals.
    #[error("no turn of this branch waits for approvals")]
    NotParked,
    /// What a step of a flow gave is there already.
    #[error("step `{step}` of flow `{flow}` is done already")]
    DoneTwice {
        /// The flow.
        flow: String,
        /// The step.
        step: String,
    },
    /// The mail was taken in already.
    #[error("mail {mail} was taken in already")]
    ReceivedTwice {
        /// The mail.
        mail: MailId,
    },
    /// Something else than a result comes while calls wait for theirs.
    #[error("{open} tool calls have no result yet")]
    OpenCalls {
        /// How many.
        open: usize,
    },
    /// An edit would turn a message into another kind of message, or change a record.
    #[error("a message of kind {from} cannot be edited into one of kind {to}")]
    CannotEdit {
        /// The kind it is.
        from: BodyKind,
        /// The kind it would be.
        to: BodyKind,
    },
    /// Something else than a system message would come before all others.
    #[error("a message of kind {kind} cannot come before all others, only a system message can")]
    CannotLead {
        /// The kind it is.
        kind: BodyKind,
    },
    /// A message that came before all others is there already.
    #[error("message {id} comes before all others already")]
    HasLead {
        /// That message.
        id: MessageId,
    },
    /// A message that was put before older ones was never the last one.
    #[error("message {id} was put before older ones, so the branch never ended with it")]
    NeverLast {
        /// The message.
        id: MessageId,
    },
    /// The history has as many ops as a history can have.
    #[error("the branch has as many ops as a branch can have")]
    Full,
}

impl View {
    /// Folds `op` in.
    ///
    /// # Errors
    ///
    /// What would make the history illegal; then the view is unchanged.
    pub fn apply(&mut self, op: &Op) -> Result<(), ApplyError> {
        if op.parent != self.head() {
            return Err(ApplyError::WrongParent);
        }
        let depth = self.lineage.depth().checked_add(1).ok_or(ApplyError::Full)?;
        match &op.kind {
            OpKind::Message(message) => self.push(depth, message)?,
            OpKind::Lead(message) => self.put_first(depth, message)?,
            OpKind::Edit { target, body } => self.edit(depth, *target, body, op.id)?,
            OpKind::Remove { targets } => self.remove(depth, targets)?,
            OpKind::Fold { targets, summary } => {
                self.fold(depth, targets, summary, (op.id, op.at))?;
            }
            OpKind::Unfold { target } => self.unfold(depth, *target)?,
            OpKind::Noted(result) => self.note(depth, result)?,
            OpKind::Done(result) => self.keep_done(depth, result)?,
            OpKind::Merge(merge) => {
                self.announce_merge(depth);
                self.bring(depth, merge.told.iter().map(|message| (*message, Known::Told)));
            }
            OpKind::Receive { mail } => self.receive(depth, *mail, op.id)?,
            OpKind::Approval { calls, stage } => self.approve(depth, calls, *stage)?,
            OpKind::Configure(patch) => {
                let config = Arc::new(self.config.patched(patch));
                let before = std::mem::replace(&mut self.config, config);
                self.remember(depth, Change::Config(before));
            }
        }
        self.lineage.push(op.id);
        self.last_step = Some(op.step);
        Ok(())
    }

    fn push(&mut self, depth: u32, message: &Arc<Message>) -> Result<(), ApplyError> {
        let open_calls = self.open_calls_after(&message.body)?;
        let entry = self.entry(depth, message);
        if self.length < self.entries.len() {
            self.entries.set_mut(self.length, entry);
        } else {
            self.entries.push_back_mut(entry);
        }
        self.length += 1;
        if let Some(open_calls) = open_calls {
            self.open_calls = open_calls;
        }
        // What is remembered of it knows how many messages stood before this one.
        self.settle(depth);
        if let Some(origin) = &message.origin {
            self.bring(depth, origin.message().map(|origin| (origin, Known::As(message.id))));
            self.bring_mail(depth, origin, message.id.op());
        }
        self.standing += 1;
        Ok(())
    }

    fn entry(&mut self, depth: u32, message: &Arc<Message>) -> Entry {
        Entry {
            depth,
            standing_before: self.standing,
            glance: self.senders.glance(message),
            message: Some(Arc::clone(message)),
        }
    }

    /// The open calls once `body` is appended; `None` when they stay as they are.
    fn open_calls_after(&self, body: &Body) -> Result<Option<Arc<[ToolCall]>>, ApplyError> {
        if let Body::ActionResponse { call, .. } = body {
            let rest: Vec<_> =
                self.open_calls.iter().filter(|open| open.id != *call).cloned().collect();
            if rest.len() == self.open_calls.len() {
                return Err(ApplyError::UnknownCall { call: call.to_string() });
            }
            return Ok(Some(rest.into()));
        }
        if !self.open_calls.is_empty() {
            return Err(ApplyError::OpenCalls { open: self.open_calls.len() });
        }
        match body {
            Body::ActionRequest { calls, .. } => Ok(Some(calls.as_slice().into())),
            _ => Ok(None),
        }
    }

    fn put_first(&mut self, depth: u32, message: &Arc<Message>) -> Result<(), ApplyError> {
        let kind = message.body.kind();
        if kind != BodyKind::System {
            return Err(ApplyError::CannotLead { kind });
        }
        if let Some(lead) = self.standing_in(Slot::Lead) {
            return Err(ApplyError::HasLead { id: lead.id });
        }
        let lead = self.entry(depth, message);
        let before = self.lead.replace(lead);
        self.remember(depth, Change::Lead(before));
        self.standing += 1;
        Ok(())
    }

    fn edit(
        &mut self,
        depth: u32,
        target: MessageId,
        body: &Body,
        op: OpId,
    ) -> Result<(), ApplyError> {
        let (slot, message) = self.target(target)?;
        let revises_calls = self.check_edit(&message.body, body)?;
        let edited = Message { body: body.clone(), edited: Some(op), ..(*message).clone() };
        self.replace(slot, Some(Arc::new(edited)));
        self.remember(depth, Change::Message { slot, message });
        if revises_calls {
            self.open_calls = self.unanswered();
        }
        Ok(())
    }

    /// Whether a message that says `from` may be edited to say `to`, and whether that gives calls other
    /// arguments: those that wait for approval may be.
    fn check_edit(&self, from: &Body, to: &Body) -> Result<bool, ApplyError> {
        let refused = ApplyError::CannotEdit { from: from.kind(), to: to.kind() };
        match (from, to) {
            (
                Body::ActionRequest { parts, calls },
                Body::ActionRequest { parts: same, calls: new },
            ) => {
                let is_free = |(old, new): (&ToolCall, &ToolCall)| {
                    let is_same = old.id == new.id && old.function == new.function;
                    is_same && (old.arguments == new.arguments || self.is_waiting(&old.id))
                };
                let fits = parts == same && calls != new && calls.len() == new.len();
                let fits = fits && calls.iter().zip(new).all(is_free);
                if fits { Ok(true) } else { Err(refused) }
            }
            (Body::ActionResponse { .. }, _) => Err(refused),
            _ if from.kind() == to.kind() => Ok(false),
            _ => Err(refused),
        }
    }

    fn remove(&mut self, depth: u32, targets: &[MessageId]) -> Result<(), ApplyError> {
        let removed = targets.iter().map(|id| self.target(*id)).collect::<Result<Vec<_>, _>>()?;
        for (slot, message) in removed {
            self.remember(depth, Change::Message { slot, message });
            self.replace(slot, None);
            self.standing -= 1;
        }
        Ok(())
    }

    /// Where `id` is kept, and how it stands.
    pub(super) fn target(&self, id: MessageId) -> Result<(Slot, Arc<Message>), ApplyError> {
        let unknown = ApplyError::UnknownMessage { id };
        let slot = self.slot_of(id).ok_or(unknown.clone())?;
        let message = self.standing_in(slot).map(Arc::clone).ok_or(unknown)?;
        Ok((slot, message))
    }

    pub(super) fn remember(&mut self, depth: u32, change: Change) {
        self.changes.push_front_mut(Undo { depth, standing_before: self.standing, change });
    }

    pub(super) fn replace(&mut self, slot: Slot, message: Option<Arc<Message>>) {
        // A summary is of another kind, and from somebody else, than what it stands for.
        let glance = message.as_ref().map(|message| self.senders.glance(message));
        match slot {
            Slot::Lead => {
                if let Some(lead) = &mut self.lead {
                    lead.message = message;
                }
            }
            Slot::Entry(index) => {
                if let Some(entry) = self.entries.get(index) {
                    let glance = glance.unwrap_or(entry.glance);
                    let entry = Entry { glance, message, ..entry.clone() };
                    self.entries.set_mut(index, entry);
                }
            }
        }
    }
}
