//! What of their branch is to be brought.

use std::{collections::BTreeSet, sync::Arc};

use super::{Sides, units::Group};
use crate::{
    graph::{ApplyError, in_groups},
    id::MessageId,
    message::{Body, Message, Role},
};

/// The messages of theirs: those to bring, and those that ours knows.
pub(super) struct Theirs<'a> {
    pub(super) groups: Vec<Group<'a>>,
    pub(super) skipped: Vec<MessageId>,
}

impl<'a> Theirs<'a> {
    /// Of the messages that are new. System messages are configuration, and are not brought.
    pub(super) fn new(sides: Sides<'a>, new: &[&'a Arc<Message>]) -> Self {
        let said = new.iter().copied().filter(|message| message.role() != Role::System);
        Self::unknown(sides, in_groups(said))
    }

    /// Of the turn groups of these messages, without system messages.
    pub(super) fn picked(sides: Sides<'a>, picked: &[MessageId]) -> Result<Self, ApplyError> {
        let mut ids = BTreeSet::new();
        let mut said = Vec::new();
        for message in picked {
            let group = sides.theirs.said_with(*message)?;
            said.extend(group.into_iter().filter(|message| ids.insert(message.id)));
        }
        said.retain(|message| message.role() != Role::System);
        said.sort_by_key(|message| sides.theirs.lineage().depth_of(message.id.op()));
        Ok(Self::unknown(sides, in_groups(said.into_iter())))
    }

    /// Divides `groups` in those that ours does not know, and the messages of those that it does. Results
    /// without their answer are those of one that both have: ours has its own.
    fn unknown(sides: Sides<'a>, groups: impl Iterator<Item = Group<'a>>) -> Self {
        let (mut unknown, mut skipped) = (Vec::new(), Vec::new());
        for group in groups {
            let is_known = group.first().is_some_and(|first| {
                let is_result = matches!(first.body, Body::ActionResponse { .. });
                is_result || sides.ours.has(first)
            });
            if is_known {
                skipped.extend(group.iter().map(|message| message.first_said()));
            } else {
                unknown.push(group);
            }
        }
        Self { groups: unknown, skipped }
    }
}
