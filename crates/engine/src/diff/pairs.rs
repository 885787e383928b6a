//! What both branches said in the same place.

use std::sync::Arc;

use branchwork_core::message::{Body, Message, Role};

use super::{Diff, Side, Words};

/// An instruction with what answers it; what comes before the first instruction is one without.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// The instruction.
    pub instruction: Option<Arc<Message>>,
    /// What came then, oldest first.
    pub answers: Vec<Arc<Message>>,
}

/// Two answers in the same place.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The one of the left branch.
    pub left: Arc<Message>,
    /// The one of the right branch.
    pub right: Arc<Message>,
    /// How they differ, word by word.
    pub words: Words,
}

impl Side {
    /// What is new, instruction by instruction.
    pub fn units(&self) -> Vec<Unit> {
        let mut units: Vec<Unit> = Vec::new();
        for message in self.delta.messages() {
            let message = Arc::clone(message);
            let is_instruction = message.role() == Role::User;
            match units.last_mut() {
                _ if is_instruction => {
                    units.push(Unit { instruction: Some(message), answers: Vec::new() });
                }
                Some(unit) => unit.answers.push(message),
                None => units.push(Unit { instruction: None, answers: vec![message] }),
            }
        }
        units
    }
}

impl Unit {
    /// The answer that ends it.
    pub fn answer(&self) -> Option<&Arc<Message>> {
        self.answers.iter().rev().find(|message| matches!(message.body, Body::Response { .. }))
    }
}

impl Diff {
    /// The answers that both branches have in the same place: the first ones, the second ones, and so on.
    pub fn pairs(&self) -> Vec<Pair> {
        let units = self.left.units().into_iter().zip(self.right.units());
        let pair = |(left, right): (Unit, Unit)| {
            let (left, right) = (Arc::clone(left.answer()?), Arc::clone(right.answer()?));
            let words = Words::between(&left.text(), &right.text());
            Some(Pair { left, right, words })
        };
        units.filter_map(pair).collect()
    }
}
