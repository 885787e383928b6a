//! What a flow does with a chat: it marks the instruction, and asks for the rest or once more.

use serde_json::Value;

use super::{Ask, Chat, Options};
use crate::branch::Branch;

impl Chat {
    /// The branch it asks on.
    pub(crate) const fn branch(&self) -> &Branch {
        &self.branch
    }

    /// Whether it has an instruction of its own.
    pub(crate) const fn is_new(&self) -> bool {
        matches!(self.ask, Ask::Instruction(_))
    }

    /// Keeps `mark` with the instruction, beside what is kept with it already.
    pub(crate) fn marked(self, key: &str, mark: Value) -> Self {
        self.map_instruction("marked", |draft| {
            draft.metadata.insert(key.to_owned(), mark);
        })
    }

    /// The rest of a turn that was begun with the same options.
    pub(crate) fn into_rest(self) -> Self {
        Self { ask: Ask::Resume, ..self.without_system() }
    }

    /// The same question again, as it was said.
    pub(crate) fn into_again(self) -> Self {
        Self { ask: Ask::Again { text: None }, ..self.without_system() }
    }

    /// What it says of the system message was written with the instruction.
    fn without_system(self) -> Self {
        Self { options: Options { system: None, ..self.options }, ..self }
    }
}
