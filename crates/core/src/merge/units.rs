//! Two branches in the order of time: instructions with what answers them, as a whole.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    clock::Timestamp,
    id::MessageId,
    message::{Message, Role},
};

/// When messages that came as copies were first said.
pub(super) type Times = BTreeMap<MessageId, Timestamp>;

/// A turn group, as it stands.
pub(super) type Group<'a> = Vec<&'a Arc<Message>>;

/// An instruction with what answers it; what comes before the first instruction is one as well.
#[derive(Debug)]
pub(super) struct Unit<'a> {
    /// Whether it is of the branch that is merged.
    pub(super) is_theirs: bool,
    /// Its turn groups, in order.
    pub(super) groups: Vec<Group<'a>>,
    at: Timestamp,
}

/// The units of both sides. Each side keeps its order; what was said earlier comes first, and of two at the
/// same time ours.
pub(super) fn by_time<'a>(
    ours: Vec<Group<'a>>,
    theirs: Vec<Group<'a>>,
    times: &Times,
) -> Vec<Unit<'a>> {
    let mut ours = units(ours, times, false).into_iter().peekable();
    let mut theirs = units(theirs, times, true).into_iter().peekable();
    let mut all = Vec::new();
    loop {
        let own_first = match (ours.peek(), theirs.peek()) {
            (Some(own), Some(other)) => own.at <= other.at,
            (own, _) => own.is_some(),
        };
        let next = if own_first { ours.next() } else { theirs.next() };
        let Some(next) = next else { return all };
        all.push(next);
    }
}

fn units<'a>(groups: Vec<Group<'a>>, times: &Times, is_theirs: bool) -> Vec<Unit<'a>> {
    let mut units: Vec<Unit<'a>> = Vec::new();
    for group in groups {
        let Some(first) = group.first() else { continue };
        match units.last_mut() {
            Some(unit) if first.role() != Role::User => unit.groups.push(group),
            _ => {
                let at = times.get(&first.first_said()).copied().unwrap_or(first.at);
                units.push(Unit { is_theirs, groups: vec![group], at });
            }
        }
    }
    units
}
