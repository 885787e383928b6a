//! Finding what two branches do not agree on, and what of it comes over.

use std::sync::Arc;

use serde_json::Value;

use super::{ConflictOn, MergeConflict, MergePolicy, Sides};
use crate::{
    config::ConfigPatch,
    diff::{EditKind, changes, edits_between},
    graph::View,
    id::MessageId,
    message::{Body, Message, Role},
};

/// What the sides do not agree on, and what comes over of theirs beside messages.
#[derive(Debug, Clone, Default)]
pub(super) struct Differences {
    pub(super) conflicts: Vec<MergeConflict>,
    /// The settings that come over.
    pub(super) config: ConfigPatch,
    /// What the system message says from here on.
    pub(super) system: Option<String>,
    /// What messages say from here on.
    pub(super) edits: Vec<(MessageId, Body)>,
}

/// Looks for them, from `base` on, which both have. `new` are the messages that theirs has since.
pub(super) struct Search<'a> {
    pub(super) sides: Sides<'a>,
    pub(super) base: &'a View,
    pub(super) new: &'a [&'a Arc<Message>],
    pub(super) policy: MergePolicy,
}

impl Search<'_> {
    pub(super) fn run(&self) -> Differences {
        let mut found = Differences::default();
        self.settings(&mut found);
        let system = self.system(&mut found);
        self.shared_edits(system, &mut found);
        self.edits_of_copies(&mut found);
        found
    }

    fn settings(&self, found: &mut Differences) {
        let changed = changes(self.base.config(), self.sides.theirs.config());
        if changed.is_empty() {
            return;
        }
        let mut own = self.sides.ours.config().settings();
        for change in changed {
            let ours = own.remove(&change.name);
            if ours == change.after {
                continue;
            }
            if self.policy == MergePolicy::Theirs {
                let value = change.after.clone().unwrap_or_default();
                let patch = found.config.clone().with_setting(&change.name, value);
                found.config = patch.unwrap_or_else(|_unknown| found.config.clone());
            }
            let on = ConflictOn::Setting(change.name);
            let (base, theirs) = (change.before, change.after);
            found.conflicts.push(MergeConflict { on, base, ours, theirs, taken: self.policy });
        }
    }

    /// The system message. Answers that of theirs when it was looked for: only when one came or was edited.
    fn system(&self, found: &mut Differences) -> Option<MessageId> {
        let theirs = self.sides.theirs;
        let is_system = |message: &Arc<Message>| message.role() == Role::System;
        let mut touched = theirs.touched_since(self.base.lineage().depth()).into_iter();
        let is_touched = touched.any(|id| theirs.message(id).is_some_and(is_system));
        let came: Vec<_> = self.new.iter().filter(|message| is_system(message)).collect();
        if !is_touched && came.is_empty() {
            return None;
        }
        let first = theirs.messages().find(|message| is_system(message))?;
        let text =
            |view: &View| view.messages().find(|message| is_system(message)).map(|m| m.text());
        let (base, ours, theirs) = (text(self.base), text(self.sides.ours), first.text());
        if base.as_ref() != Some(&theirs) && ours.as_ref() != Some(&theirs) {
            if self.policy == MergePolicy::Theirs {
                found.system = Some(theirs.clone());
            }
            found.text(ConflictOn::System, (base, ours, theirs), self.policy);
        }
        // A target has one system message: further ones stay where they are.
        let knows = |message: &Message| self.sides.ours.has(message);
        let more = came.into_iter().filter(|message| message.id != first.id && !knows(message));
        for message in more {
            let texts = (None, None, message.text());
            found.text(ConflictOn::System, texts, MergePolicy::Ours);
        }
        Some(first.id)
    }

    /// What theirs edited of messages that both have; removals and folds are its own housekeeping.
    fn shared_edits(&self, system: Option<MessageId>, found: &mut Differences) {
        for edit in edits_between(self.base, self.sides.theirs) {
            let (EditKind::Edited, Some(after)) = (edit.kind, edit.after) else { continue };
            if Some(edit.message) == system {
                continue;
            }
            let ours = self.sides.ours.stands_as(after.first_said());
            self.message(found, (edit.before.as_deref(), ours, &after));
        }
    }

    /// What theirs edited of messages of its own that were brought before.
    fn edits_of_copies(&self, found: &mut Differences) {
        let edited = self.new.iter().filter(|message| message.edited.is_some());
        for message in edited.filter(|message| message.role() != Role::System) {
            if let Some(ours) = self.sides.ours.stands_as(message.first_said()) {
                self.message(found, (None, Some(ours), message));
            }
        }
    }

    fn message(
        &self,
        found: &mut Differences,
        (base, ours, theirs): (Option<&Message>, Option<&Arc<Message>>, &Arc<Message>),
    ) {
        if ours.is_some_and(|ours| ours.body == theirs.body) {
            return;
        }
        let is_record =
            |body: &Body| matches!(body, Body::ActionRequest { .. } | Body::ActionResponse { .. });
        let target = ours.filter(|ours| ours.body.kind() == theirs.body.kind());
        let target =
            target.filter(|ours| self.policy == MergePolicy::Theirs && !is_record(&ours.body));
        found.edits.extend(target.map(|target| (target.id, theirs.body.clone())));
        let taken = if target.is_some() { MergePolicy::Theirs } else { MergePolicy::Ours };
        let texts = (base.map(Message::text), ours.map(|ours| ours.text()), theirs.text());
        found.text(ConflictOn::Message(theirs.id), texts, taken);
    }
}

impl Differences {
    /// Notes a text that the sides have otherwise.
    fn text(
        &mut self,
        on: ConflictOn,
        (base, ours, theirs): (Option<String>, Option<String>, String),
        taken: MergePolicy,
    ) {
        let (base, ours) = (base.map(Value::String), ours.map(Value::String));
        let theirs = Some(Value::String(theirs));
        self.conflicts.push(MergeConflict { on, base, ours, theirs, taken });
    }
}
