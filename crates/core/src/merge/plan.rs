//! What a merge will write.

use std::collections::BTreeSet;

use super::{
    MergeConflict, MergePolicy,
    copies::{Copies, Said},
    find::{Differences, Search},
    theirs::Theirs,
    units::{Group, Times},
};
use crate::{
    config::ConfigPatch,
    graph::{ApplyError, Merge, MergeMode, SUMMARY_SENDER, StepWriter, View},
    id::{BranchId, MessageId},
    message::{Body, Draft, Role},
};

/// The two views of a merge, of one session.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// The view that is merged into.
    pub ours: &'a View,
    /// The view that is merged.
    pub theirs: &'a View,
    /// Its branch.
    pub from: BranchId,
}

/// How to merge.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergeWay {
    /// Behind what is there.
    Append,
    /// In the order of time, with what is new on our side. Messages that came as copies are said at these
    /// times; see [`Sides::copies`].
    Interleave(Times),
    /// As this text, which tells of it.
    Summary(String),
    /// Only the turn groups of these messages, behind what is there.
    Pick(Vec<MessageId>),
}

impl MergeWay {
    const fn mode(&self) -> MergeMode {
        match self {
            Self::Append => MergeMode::Append,
            Self::Interleave(_) => MergeMode::Interleave,
            Self::Summary(_) => MergeMode::Summary,
            Self::Pick(_) => MergeMode::Pick,
        }
    }
}

impl Sides<'_> {
    /// How many ops both share.
    pub fn shared(&self) -> u32 {
        self.ours.lineage().shared_with(self.theirs.lineage())
    }

    /// The messages that are new on one of the two and are copies, as they were first said.
    pub fn copies(&self) -> BTreeSet<MessageId> {
        let shared = self.shared();
        let new = self.ours.messages_since(shared).chain(self.theirs.said_since(shared));
        let copies = new.filter(|message| message.origin.is_some());
        copies.map(|message| message.first_said()).collect()
    }
}

/// What a merge will write, as one step.
#[derive(Debug, Clone)]
pub struct Plan {
    merge: Option<Merge>,
    pub(super) found: Differences,
    /// Messages of ours that come again, in their place in time.
    pub(super) again: Vec<MessageId>,
    pub(super) drafts: Vec<Draft>,
    brought: Vec<MessageId>,
    skipped: Vec<MessageId>,
}

impl Plan {
    /// Plans to merge.
    ///
    /// # Errors
    ///
    /// [`ApplyError::UnknownMessage`] when a message that is picked does not stand on their branch.
    pub fn new(sides: Sides<'_>, way: &MergeWay, policy: MergePolicy) -> Result<Self, ApplyError> {
        let Sides { ours, theirs, from } = sides;
        let shared = sides.shared();
        let base = theirs.at(theirs.lineage().op_at(shared))?;
        let new = theirs.said_since(shared);
        let found = match way {
            MergeWay::Pick(_) => Differences::default(),
            _ => Search { sides, base: &base, new: &new, policy }.run(),
        };
        let said = match way {
            MergeWay::Pick(picked) => Theirs::picked(sides, picked)?,
            _ => Theirs::new(sides, &new),
        };
        let brought = said.groups.iter().flatten().map(|message| message.first_said()).collect();
        let told = matches!(way, MergeWay::Summary(_));
        let mut plan = Self {
            merge: theirs.head().map(|head| Merge {
                from,
                head,
                base: base.head(),
                mode: way.mode(),
                told: Vec::new(),
            }),
            found,
            again: Vec::new(),
            drafts: Vec::new(),
            brought,
            skipped: said.skipped,
        };
        if let Some(merge) = plan.merge.as_mut().filter(|_| told) {
            merge.told.clone_from(&plan.brought);
        }
        plan.lay(ours, &Said { view: theirs, base: &base, messages: &new }, said.groups, way);
        Ok(plan)
    }

    /// Lays the messages in their order.
    fn lay(&mut self, ours: &View, theirs: &Said<'_>, groups: Vec<Group<'_>>, way: &MergeWay) {
        if groups.is_empty() {
            return;
        }
        let last = match ours.open_calls() {
            [] => ours.last().map(|last| last.role()),
            _ => Some(Role::Tool),
        };
        let mut copies = Copies::behind(last);
        match way {
            MergeWay::Append | MergeWay::Pick(_) => {
                for group in &groups {
                    copies.group(theirs, group);
                }
            }
            MergeWay::Summary(text) => {
                let summary = Draft::new(Body::instruction(text.as_str()));
                copies.add(summary.with_sender(SUMMARY_SENDER));
            }
            MergeWay::Interleave(times) => return self.interleave(ours, theirs, groups, times),
        }
        self.drafts = copies.drafts;
    }

    /// Writes it, and answers the messages it appended. Open calls of ours have to be closed.
    ///
    /// # Errors
    ///
    /// What cannot follow the view of the step: it is another one than was planned for.
    pub fn write(&self, step: &mut StepWriter<'_>) -> Result<Vec<MessageId>, ApplyError> {
        let Some(merge) = self.merge.clone().filter(|_| !self.is_nothing()) else {
            return Ok(Vec::new());
        };
        let Differences { config, system, edits, .. } = &self.found;
        step.merge(merge)?;
        if !config.is_empty() {
            step.configure(config.clone())?;
        }
        if let Some(system) = system {
            step.set_system(system.clone())?;
        }
        edits.iter().try_for_each(|(target, body)| step.edit(*target, body.clone()))?;
        self.again.iter().try_for_each(|message| step.remove(*message))?;
        step.messages(self.drafts.iter().cloned())
    }

    /// Whether nothing comes over.
    pub fn is_nothing(&self) -> bool {
        let Differences { config, system, edits, .. } = &self.found;
        self.drafts.is_empty() && config.is_empty() && system.is_none() && edits.is_empty()
    }

    /// How many ops it writes.
    pub fn ops(&self) -> usize {
        let Differences { config, system, edits, .. } = &self.found;
        let changes = usize::from(!config.is_empty()) + usize::from(system.is_some());
        1 + changes + edits.len() + self.again.len() + self.drafts.len()
    }

    /// The messages it will append, in order: copies, results for calls that have none, or a summary.
    pub fn drafts(&self) -> &[Draft] {
        &self.drafts
    }

    /// The messages that come over or are told of, as they were first said, in order.
    pub fn brought(&self) -> &[MessageId] {
        &self.brought
    }

    /// The messages of theirs that ours knows already, as they were first said, in order.
    pub fn skipped(&self) -> &[MessageId] {
        &self.skipped
    }

    /// The settings that come over.
    pub const fn config(&self) -> &ConfigPatch {
        &self.found.config
    }

    /// What the sides do not agree on.
    pub fn conflicts(&self) -> &[MergeConflict] {
        &self.found.conflicts
    }
}
