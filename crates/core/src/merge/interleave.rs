//! Bringing messages in the order of time.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Plan,
    copies::{Copies, Said},
    units::{Group, Times, by_time},
};
use crate::{
    graph::{View, in_groups},
    id::MessageId,
    message::{Body, Draft, Message, Role},
};

impl Plan {
    /// Lays `groups` among what is new on our side. What of ours comes behind the first of them comes
    /// again, as a copy.
    pub(super) fn interleave(
        &mut self,
        ours: &View,
        theirs: &Said<'_>,
        groups: Vec<Group<'_>>,
        times: &Times,
    ) {
        let own: Vec<_> = ours.messages_since(theirs.base.lineage().depth()).collect();
        // A system message before all others stays there.
        let lead = ours.messages().next().filter(|first| first.role() == Role::System);
        let moves = |message: &&Arc<Message>| Some(message.id) != lead.map(|lead| lead.id);
        let own_groups = in_groups(own.iter().copied().filter(moves));
        let units = by_time(own_groups.collect(), groups, times);
        // What of ours is in its place already stays there.
        let moved: Vec<_> = units.into_iter().skip_while(|unit| !unit.is_theirs).collect();
        let again = moved.iter().filter(|unit| !unit.is_theirs).flat_map(|unit| &unit.groups);
        self.again = again.filter_map(|group| group.first().map(|first| first.id)).collect();
        let depth = |id: MessageId| ours.lineage().depth_of(id.op());
        let end = self.again.first().and_then(|first| depth(*first)).unwrap_or(u32::MAX);
        let stays = |message: &&Arc<Message>| depth(message.id).is_some_and(|depth| depth < end);
        let last = ours.messages().rev().find(stays).map(|last| last.role());
        let ours = Said { view: ours, base: theirs.base, messages: &own };
        let mut copies = Copies::behind(last);
        for unit in &moved {
            let said = if unit.is_theirs { theirs } else { &ours };
            for group in &unit.groups {
                copies.group(said, group);
            }
        }
        self.drafts = copies.drafts;
        self.edit_again(&ours);
    }

    /// Lets messages of ours that come again say at once what they are edited to say.
    fn edit_again(&mut self, ours: &Said<'_>) {
        let again: BTreeSet<_> = self.again.iter().copied().collect();
        let edits = std::mem::take(&mut self.found.edits).into_iter();
        let (mut come_again, edits): (Vec<_>, _) =
            edits.partition(|(target, _)| again.contains(target));
        self.found.edits = edits;
        let is_system = |message: &&Arc<Message>| message.role() == Role::System;
        let moved = self.again.iter().filter_map(|moved| ours.view.message(*moved)).find(is_system);
        if let Some(moved) = moved
            && let Some(text) = self.found.system.take_if(|_| ours.is_first_system(moved))
        {
            come_again.push((moved.id, Body::System { text }));
        }
        for (target, body) in come_again {
            let said = ours.view.message(target).map(|message| message.first_said());
            let is_it = |draft: &&mut Draft| {
                draft.origin.as_ref().and_then(|origin| origin.message()) == said
            };
            self.drafts.iter_mut().filter(is_it).for_each(|draft| draft.body.clone_from(&body));
        }
    }
}
