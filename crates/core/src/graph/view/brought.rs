//! What came from elsewhere: from branches that were merged, and by mail.

use std::{collections::BTreeSet, sync::Arc};

use rpds::{RedBlackTreeMapSync, RedBlackTreeSetSync};

use super::{ApplyError, Change, View};
use crate::{
    id::{MailId, MessageId, OpId},
    message::Origin,
};

/// What came from elsewhere. Clones share structure.
#[derive(Debug, Clone)]
pub(super) struct Brought {
    /// The messages that are here as copies, or are told of by a summary: as they were first said.
    origins: RedBlackTreeSetSync<MessageId>,
    /// The mails that were taken in, and the op that says so.
    receipts: RedBlackTreeMapSync<MailId, OpId>,
    /// The depths of the ops that announce what the next ones bring: a mail, or a merge.
    announced: RedBlackTreeMapSync<u32, Option<MailId>>,
}

impl Default for Brought {
    fn default() -> Self {
        Self {
            origins: RedBlackTreeSetSync::new_sync(),
            receipts: RedBlackTreeMapSync::new_sync(),
            announced: RedBlackTreeMapSync::new_sync(),
        }
    }
}

impl View {
    /// Whether `message`, as it was first said, is in this history: said here, brought here, or told of by
    /// the summary of a merge. It need not stand.
    pub fn knows(&self, message: MessageId) -> bool {
        let brought = self.brought.as_ref();
        brought.is_some_and(|brought| brought.origins.contains(&message))
            || self.lineage.depth_of(message.op()).is_some()
    }

    /// The op that says that `mail` was taken in; `None` when it was not.
    pub fn receipt(&self, mail: MailId) -> Option<OpId> {
        self.brought.as_ref().and_then(|brought| brought.receipts.get(&mail)).copied()
    }

    /// The mails of which this view and `other` do not say the same: that they were taken in, and by which
    /// op. Costs nothing when nothing came from elsewhere between them.
    pub fn receipts_unlike(&self, other: &Self) -> BTreeSet<MailId> {
        let (mine, theirs) = (self.brought.as_ref(), other.brought.as_ref());
        if mine.map(Arc::as_ptr) == theirs.map(Arc::as_ptr) {
            return BTreeSet::new();
        }
        let all = mine.into_iter().chain(theirs).flat_map(|brought| brought.receipts.keys());
        all.filter(|mail| self.receipt(**mail) != other.receipt(**mail)).copied().collect()
    }

    pub(super) fn bring(&mut self, depth: u32, messages: impl IntoIterator<Item = MessageId>) {
        let mut messages = messages.into_iter().peekable();
        if messages.peek().is_none() {
            return;
        }
        let mut brought = self.brought.as_deref().cloned().unwrap_or_default();
        messages.for_each(|message| brought.origins.insert_mut(message));
        self.replace_brought(depth, brought);
    }

    pub(super) fn receive(&mut self, depth: u32, mail: MailId, op: OpId) -> Result<(), ApplyError> {
        if self.receipt(mail).is_some() {
            return Err(ApplyError::ReceivedTwice { mail });
        }
        let mut brought = self.brought.as_deref().cloned().unwrap_or_default();
        brought.receipts.insert_mut(mail, op);
        brought.announced.insert_mut(depth, Some(mail));
        self.replace_brought(depth, brought);
        Ok(())
    }

    /// Notes that the op at `depth` announces what a merge brings.
    pub(super) fn announce_merge(&mut self, depth: u32) {
        let mut brought = self.brought.as_deref().cloned().unwrap_or_default();
        brought.announced.insert_mut(depth, None);
        self.replace_brought(depth, brought);
    }

    /// The depth of the first op that goes with the message at `depth`, which came from `origin`: what
    /// announced it must not stay without it.
    pub(super) fn announced_from(&self, depth: u32, origin: Option<&Origin>) -> u32 {
        let before = depth.saturating_sub(1);
        let announced = self.brought.as_ref().and_then(|brought| brought.announced.get(&before));
        let mail = origin.and_then(Origin::mail);
        match announced {
            Some(None) => before,
            Some(announced) if *announced == mail => before,
            _ => depth,
        }
    }

    fn replace_brought(&mut self, depth: u32, brought: Brought) {
        let before = self.brought.replace(Arc::new(brought));
        self.remember(depth, Change::Brought(before));
    }
}
