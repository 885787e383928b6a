//! What came from elsewhere: from branches that were merged, and by mail.

use std::{collections::BTreeSet, sync::Arc};

use rpds::{RedBlackTreeMapSync, RedBlackTreeSetSync};

use super::{ApplyError, Change, View};
use crate::{
    graph::op::SUMMARY_SENDER,
    id::{MailId, MessageId, OpId},
    message::{Message, Origin},
};

/// What came from elsewhere. Clones share structure.
#[derive(Debug, Clone)]
pub(super) struct Brought {
    /// The messages that are here as copies, or are told of by a summary: as they were first said, with
    /// the newest copy.
    origins: RedBlackTreeMapSync<MessageId, Known>,
    /// The mails that were taken in, and the op that says so.
    receipts: RedBlackTreeMapSync<MailId, OpId>,
    /// The depths of the ops that announce what a merge brings.
    merges: RedBlackTreeSetSync<u32>,
}

/// How a message of elsewhere is known here.
#[derive(Debug, Clone, Copy)]
pub(super) enum Known {
    /// This is a copy of it.
    As(MessageId),
    /// A summary tells of it.
    Told,
}

/// How to take back one change of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bring {
    Origin {
        message: MessageId,
        /// How it was known before.
        before: Option<Known>,
    },
    Receipt(MailId),
    Merge(u32),
}

impl Default for Brought {
    fn default() -> Self {
        Self {
            origins: RedBlackTreeMapSync::new_sync(),
            receipts: RedBlackTreeMapSync::new_sync(),
            merges: RedBlackTreeSetSync::new_sync(),
        }
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

    /// Whether what `message` says is in this history: as [`knows`](Self::knows) says, or as it came by a mail
    /// that was taken in here too.
    pub fn has(&self, message: &Message) -> bool {
        let mail = message.origin.as_ref().and_then(|origin| origin.mail());
        self.knows(message.first_said()) || mail.is_some_and(|mail| self.receipt(mail).is_some())
    }

    /// How `message`, as it was first said, stands in this history: itself, or its newest copy; `None` when
    /// neither does, as it was taken out or a summary stands for it.
    pub fn stands_as(&self, message: MessageId) -> Option<&Arc<Message>> {
        let brought = self.brought.as_ref().and_then(|brought| brought.origins.get(&message));
        let stands = |id: MessageId| self.message(id).filter(|_| self.summary_of(id).is_none());
        let copy = match brought {
            Some(Known::As(copy)) => stands(*copy),
            Some(Known::Told) | None => None,
        };
        copy.or_else(|| stands(message))
    }

    /// The op that says that `mail` was taken in, or that brings what another branch had by it; `None` when
    /// there is none.
    pub fn receipt(&self, mail: MailId) -> Option<OpId> {
        self.brought.as_ref().and_then(|brought| brought.receipts.get(&mail)).copied()
    }

    /// The mails of which this view and `other` do not say the same: that they were taken in, and by which
    /// op. Looks at what changed since they parted.
    pub fn receipts_unlike(&self, other: &Self) -> BTreeSet<MailId> {
        let shared = self.lineage.shared_with(&other.lineage);
        let all = self.receipts_since(shared).chain(other.receipts_since(shared));
        all.filter(|mail| self.receipt(*mail) != other.receipt(*mail)).collect()
    }

    /// The mails that were taken in after the op at `depth`.
    fn receipts_since(&self, depth: u32) -> impl Iterator<Item = MailId> + '_ {
        let since = self.changes.iter().take_while(move |undo| undo.depth > depth);
        since.filter_map(|undo| match undo.change {
            Change::Brought(Bring::Receipt(mail)) => Some(mail),
            _ => None,
        })
    }

    /// Knows `messages` from here on.
    pub(super) fn bring(
        &mut self,
        depth: u32,
        messages: impl IntoIterator<Item = (MessageId, Known)>,
    ) {
        for (message, known) in messages {
            let brought = Arc::make_mut(self.brought.get_or_insert_default());
            let before = brought.origins.get(&message).copied();
            brought.origins.insert_mut(message, known);
            self.remember(depth, Change::Brought(Bring::Origin { message, before }));
        }
    }

    /// What a merge brought by mail is taken in here too.
    pub(super) fn bring_mail(&mut self, depth: u32, origin: &Origin, op: OpId) {
        if let Origin::Merged { mail: Some(mail), .. } = origin
            && self.receipt(*mail).is_none()
        {
            self.note_receipt(depth, *mail, op);
        }
    }

    pub(super) fn receive(&mut self, depth: u32, mail: MailId, op: OpId) -> Result<(), ApplyError> {
        if self.receipt(mail).is_some() {
            return Err(ApplyError::ReceivedTwice { mail });
        }
        self.note_receipt(depth, mail, op);
        Ok(())
    }

    fn note_receipt(&mut self, depth: u32, mail: MailId, op: OpId) {
        Arc::make_mut(self.brought.get_or_insert_default()).receipts.insert_mut(mail, op);
        self.remember(depth, Change::Brought(Bring::Receipt(mail)));
    }

    /// Notes that the op at `depth` announces what a merge brings.
    pub(super) fn announce_merge(&mut self, depth: u32) {
        Arc::make_mut(self.brought.get_or_insert_default()).merges.insert_mut(depth);
        self.remember(depth, Change::Brought(Bring::Merge(depth)));
    }

    /// Takes one change back.
    pub(super) fn take_away(&mut self, bring: Bring) {
        let Some(brought) = &mut self.brought else { return };
        let brought = Arc::make_mut(brought);
        match bring {
            Bring::Origin { message, before: Some(known) } => {
                brought.origins.insert_mut(message, known);
            }
            Bring::Origin { message, before: None } => drop(brought.origins.remove_mut(&message)),
            Bring::Receipt(mail) => drop(brought.receipts.remove_mut(&mail)),
            Bring::Merge(depth) => drop(brought.merges.remove_mut(&depth)),
        }
    }

    /// The depth of the first op that goes with `message` at `depth`, before which the last one came at
    /// `last`: what announced it must not stay without it.
    pub(super) fn announced_from(&self, message: Option<&Message>, depth: u32, last: u32) -> u32 {
        let origin = message.and_then(|message| message.origin.as_deref());
        let receipt = origin.and_then(Origin::mail).and_then(|mail| self.receipt(mail));
        let before = depth.saturating_sub(1);
        if receipt.is_some() && receipt == self.lineage.op_at(before) {
            return before;
        }
        let is_merged = matches!(origin, Some(Origin::Merged { .. }))
            || message.is_some_and(|message| message.sender == SUMMARY_SENDER);
        let merges = self.brought.as_ref().filter(|_| is_merged).map(|brought| &brought.merges);
        let merge = merges.and_then(|merges| merges.range(last + 1..depth).next_back());
        merge.copied().unwrap_or(depth)
    }
}
