//! Copies of messages, laid one behind the other so that the history stays legal.

use std::sync::Arc;

use crate::{
    graph::View,
    id::MessageId,
    message::{Body, CallId, Draft, Message, Origin, Outcome, Role},
};

/// Why a call of a copied answer has no result.
const CUT: &str = "its turn had not ended when the branch was merged";

/// What one side says since both were the same.
#[derive(Debug)]
pub(super) struct Said<'a> {
    pub(super) view: &'a View,
    /// What both share.
    pub(super) base: &'a View,
    /// What is new.
    pub(super) messages: &'a [&'a Arc<Message>],
}

/// Messages that will be appended, in order.
#[derive(Debug)]
pub(super) struct Copies {
    /// Whose voice stands last.
    last: Option<Role>,
    pub(super) drafts: Vec<Draft>,
}

impl Copies {
    /// Behind a message of this voice.
    pub(super) const fn behind(last: Option<Role>) -> Self {
        Self { last, drafts: Vec::new() }
    }

    /// Adds a turn group of a side: with the instruction that it follows, when an answer would stand in
    /// its place, and with a result for each call that has none.
    pub(super) fn group(&mut self, said: &Said<'_>, group: &[&Arc<Message>]) {
        let Some(first) = group.first() else { return };
        let calls = match &first.body {
            Body::ActionRequest { calls, .. } => calls.as_slice(),
            _ => &[],
        };
        if !calls.is_empty()
            && self.last == Some(Role::Assistant)
            && let Some(instruction) = said.instruction_before(first.id)
        {
            self.copy(instruction);
        }
        for message in group {
            self.copy(message);
        }
        for call in calls.iter().filter(|call| !has_result(group, &call.id)) {
            let cut = || {
                let outcome = Outcome::Cancelled(CUT.to_owned());
                Draft::result(call.id.clone(), &call.function, outcome)
            };
            let noted = said.view.noted(&call.id).filter(|_| is_open(said.view, first));
            self.add(noted.map_or_else(cut, |noted| noted.to_draft()));
        }
    }

    /// Adds a message.
    pub(super) fn add(&mut self, draft: Draft) {
        self.last = Some(draft.body.role());
        self.drafts.push(draft);
    }

    fn copy(&mut self, message: &Message) {
        let mail = message.origin.as_ref().and_then(|origin| origin.mail());
        let origin = Origin::Merged { message: message.first_said(), mail };
        self.add(Draft::copy_of(message, origin));
    }
}

impl Said<'_> {
    /// Whether `message` is the system message of its side.
    pub(super) fn is_first_system(&self, message: &Message) -> bool {
        let mut system = self.view.messages().filter(|message| message.role() == Role::System);
        system.next().is_some_and(|first| first.id == message.id)
    }

    /// The last instruction before `id`: one that is new, else one that both have, also when this side took
    /// it out.
    fn instruction_before(&self, id: MessageId) -> Option<&Arc<Message>> {
        let depth = |message: &Message| self.view.lineage().depth_of(message.id.op());
        let before = self.view.lineage().depth_of(id.op());
        let shared = Some(self.base.lineage().depth());
        let is_summary =
            |message: &Message| matches!(message.origin.as_deref(), Some(Origin::Folded { .. }));
        let asks = |message: &&Arc<Message>| message.role() == Role::User && !is_summary(message);
        let mut new = self.messages.iter().rev().copied().filter(asks);
        let mut standing = self.view.messages().rev().filter(asks);
        new.find(|message| depth(message) < before)
            .or_else(|| standing.find(|message| depth(message) <= shared))
            .or_else(|| self.base.messages().rev().find(asks))
    }
}

fn has_result(group: &[&Arc<Message>], id: &CallId) -> bool {
    let is_result = |body: &Body| matches!(body, Body::ActionResponse { call, .. } if call == id);
    group.iter().any(|message| is_result(&message.body))
}

/// Whether `answer` is the one whose calls are open in `view`.
fn is_open(view: &View, answer: &Message) -> bool {
    let asks = |message: &&Arc<Message>| matches!(message.body, Body::ActionRequest { .. });
    view.messages().rev().find(asks).is_some_and(|last| last.id == answer.id)
}
