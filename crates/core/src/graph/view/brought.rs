//! What came from elsewhere: from branches that were merged, and by mail.

use std::sync::Arc;

use rpds::RedBlackTreeMapSync;

use super::{ApplyError, Change, View};
use crate::{
    id::{MailId, MessageId, OpId},
    message::Message,
};

/// What came from elsewhere. Clones share structure.
#[derive(Debug, Clone)]
pub(super) struct Brought {
    /// The messages that are here as copies, or are told of by a summary: as they were first said, with
    /// the newest copy.
    origins: RedBlackTreeMapSync<MessageId, Option<MessageId>>,
    /// The mails that were taken in, and the op that says so.
    receipts: RedBlackTreeMapSync<MailId, OpId>,
}

impl Default for Brought {
    fn default() -> Self {
        Self { origins: RedBlackTreeMapSync::new_sync(), receipts: RedBlackTreeMapSync::new_sync() }
    }
}

impl View {
    /// Whether `message`, as it was first said, is in this history: said here, brought here, or told of by
    /// the summary of a merge. It need not stand.
    pub fn knows(&self, message: MessageId) -> bool {
        let brought = self.brought.as_ref();
        brought.is_some_and(|brought| brought.origins.contains_key(&message))
            || self.lineage.depth_of(message.op()).is_some()
    }

    /// How `message`, as it was first said, stands in this history: itself, or its newest copy; `None` when
    /// neither does, as it was taken out or a summary stands for it.
    pub fn stands_as(&self, message: MessageId) -> Option<&Arc<Message>> {
        let brought = self.brought.as_ref().and_then(|brought| brought.origins.get(&message));
        let stands = |id: MessageId| self.message(id).filter(|_| self.summary_of(id).is_none());
        let copy = brought.copied().flatten().and_then(stands);
        copy.or_else(|| stands(message))
    }

    /// The op that says that `mail` was taken in; `None` when it was not.
    pub fn receipt(&self, mail: MailId) -> Option<OpId> {
        self.brought.as_ref().and_then(|brought| brought.receipts.get(&mail)).copied()
    }

    /// The mails that were taken in, and the ops that say so.
    pub fn receipts(&self) -> impl Iterator<Item = (MailId, OpId)> + '_ {
        let receipts = self.brought.iter().flat_map(|brought| brought.receipts.iter());
        receipts.map(|(mail, op)| (*mail, *op))
    }

    /// Knows `messages` from here on, each with the copy that is here of it.
    pub(super) fn bring(
        &mut self,
        depth: u32,
        messages: impl IntoIterator<Item = (MessageId, Option<MessageId>)>,
    ) {
        let mut messages = messages.into_iter().peekable();
        if messages.peek().is_none() {
            return;
        }
        let mut brought = self.brought.as_deref().cloned().unwrap_or_default();
        messages.for_each(|(message, copy)| brought.origins.insert_mut(message, copy));
        self.replace_brought(depth, brought);
    }

    pub(super) fn receive(&mut self, depth: u32, mail: MailId, op: OpId) -> Result<(), ApplyError> {
        if self.receipt(mail).is_some() {
            return Err(ApplyError::ReceivedTwice { mail });
        }
        let mut brought = self.brought.as_deref().cloned().unwrap_or_default();
        brought.receipts.insert_mut(mail, op);
        self.replace_brought(depth, brought);
        Ok(())
    }

    fn replace_brought(&mut self, depth: u32, brought: Brought) {
        let before = self.brought.replace(Arc::new(brought));
        self.remember(depth, Change::Brought(before));
    }
}
