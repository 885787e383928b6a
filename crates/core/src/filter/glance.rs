//! What can be told of a message without a look at it.

use std::sync::Arc;

use super::Filter;
use crate::message::{BodyKind, Message};

/// Senders that a view tells apart by number; messages of further ones are looked at.
const SENDERS_MAX: usize = 64;

/// What a view knows of a message beside where it is: enough to tell, for most filters, whether it is
/// meant, without fetching it from memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Glance {
    kind: BodyKind,
    /// The number of its sender; `None` when the sender has none.
    sender: Option<u8>,
}

/// The senders of a view, numbered in the order in which they came. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Senders(Arc<Vec<String>>);

/// A filter, and the numbers of the senders that it wants.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    filter: &'a Filter,
    senders: Vec<u8>,
    settles: bool,
}

/// What a glance tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The message is selected.
    Yes,
    /// It is not.
    No,
    /// Only a look at it can tell.
    Look,
}

impl Senders {
    /// What can be told of `message`. Its sender gets a number, while there are any.
    pub(crate) fn glance(&mut self, message: &Message) -> Glance {
        let sender = self.number(&message.sender).or_else(|| {
            let is_room = self.0.len() < SENDERS_MAX;
            is_room.then(|| Arc::make_mut(&mut self.0).push(message.sender.clone()))?;
            self.number(&message.sender)
        });
        Glance { kind: message.body.kind(), sender }
    }

    fn number(&self, name: &str) -> Option<u8> {
        let index = self.0.iter().position(|known| known == name)?;
        u8::try_from(index).ok()
    }
}

impl<'a> Judge<'a> {
    /// Judges by `filter` what is told of the messages of a view with these `senders`.
    pub(crate) fn new(filter: &'a Filter, senders: &Senders) -> Self {
        let numbers = filter.senders.iter().filter_map(|name| senders.number(name));
        Self { filter, senders: numbers.collect(), settles: filter.looks_no_further() }
    }

    /// What can be said of a message by `glance` alone.
    pub(crate) fn judge(&self, glance: Glance) -> Verdict {
        let Filter { kinds, roles, senders, .. } = self.filter;
        let is_kind = (kinds.is_empty() || kinds.contains(&glance.kind))
            && (roles.is_empty() || roles.contains(&glance.kind.role()));
        if !is_kind {
            return Verdict::No;
        }
        match glance.sender {
            Some(sender) if !senders.is_empty() && !self.senders.contains(&sender) => Verdict::No,
            None if !senders.is_empty() => Verdict::Look,
            _ if self.settles => Verdict::Yes,
            _ => Verdict::Look,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Timestamp,
        id::OpId,
        message::{Body, Draft, Role},
    };

    fn message(sender: &str) -> Message {
        let draft = Draft::new(Body::instruction("x")).with_sender(sender);
        draft.into_message(OpId::from_bits(1), Timestamp::default())
    }

    #[test]
    fn a_glance_settles_what_it_can_and_no_more() {
        let mut senders = Senders::default();
        let names: Vec<_> = (0..SENDERS_MAX + 2).map(|number| format!("s{number}")).collect();
        let glances: Vec<_> = names.iter().map(|name| senders.glance(&message(name))).collect();
        let last = SENDERS_MAX - 1;
        let verdict =
            |filter: &Filter, index: usize| Judge::new(filter, &senders).judge(glances[index]);
        let by_sender = Filter::new().with_sender(&names[last]);
        assert_eq!(verdict(&by_sender, last), Verdict::Yes);
        assert_eq!(verdict(&by_sender, 0), Verdict::No);
        assert_eq!(verdict(&by_sender, last + 1), Verdict::Look, "it has no number");
        let unnumbered = Filter::new().with_sender(&names[last + 1]);
        assert_eq!(verdict(&unnumbered, 0), Verdict::No);
        assert_eq!(verdict(&unnumbered, last + 1), Verdict::Look);
        let by_role = Filter::new().with_role(Role::User);
        assert_eq!(verdict(&by_role, last + 1), Verdict::Yes);
        assert_eq!(verdict(&Filter::new().with_role(Role::Tool), 0), Verdict::No);
        let by_time = by_role.with_time(Timestamp::default()..);
        assert_eq!(verdict(&by_time, 0), Verdict::Look);
        assert_eq!(verdict(&Filter::new(), last + 1), Verdict::Yes);
    }
}
