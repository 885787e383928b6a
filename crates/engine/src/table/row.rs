//! A message as five texts.

use branchwork_core::{
    limits::NAME_BYTES_MAX,
    message::{Draft, Message, Role},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Column, Tabular, content};
use crate::time::rfc3339;

/// The metadata under which a message that was read from a table keeps what that table said.
pub(super) const TABLE: &str = "table";

/// The names of the columns, in their order.
pub(super) const NAMES: [&str; 5] = ["node_id", "timestamp", "role", "sender", "content"];

impl Tabular for Row {
    const COLUMNS: &'static [Column] = &{
        let [node_id, timestamp, role, sender, content] = NAMES;
        [
            Column::text(node_id),
            Column::text(timestamp),
            Column::text(role),
            Column::text(sender),
            Column::text(content),
        ]
    };
}

/// A message as five texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What it is known by; for a message that was read from a table, what it was known by there.
    pub node_id: String,
    /// When it was appended: RFC 3339, or as the table said that it was read from.
    pub timestamp: String,
    /// `system`, `user` or `assistant`: results of tools are told in the assistant's voice.
    pub role: String,
    /// Who it is from.
    pub sender: String,
    /// What it says, as JSON text.
    pub content: String,
}

impl Row {
    /// The rows that tell `messages`, which follow each other: a result is told with the arguments of
    /// its call.
    pub fn all<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Vec<Self> {
        let mut open = content::OpenCalls::new();
        let tell = |message: &'a Message| {
            let row = Self::of(message, &open);
            content::note_calls(&message.body, &mut open);
            row
        };
        messages.into_iter().map(tell).collect()
    }

    /// The row that tells `message`, before which `open` calls wait for a result.
    fn of(message: &Message, open: &content::OpenCalls) -> Self {
        let kept = message.metadata.get(TABLE);
        let kept = |name: &str| kept.and_then(|kept| kept.get(name)?.as_str()).map(str::to_owned);
        let role = match message.role() {
            Role::Tool => Role::Assistant,
            role => role,
        };
        // What was edited since does not say any more what the table said.
        let own = kept("content").filter(|_| message.edited.is_none());
        Self {
            node_id: kept("node_id").unwrap_or_else(|| message.id.to_string()),
            timestamp: kept("timestamp").unwrap_or_else(|| rfc3339(message.at)),
            role: role.to_string(),
            sender: kept("sender").unwrap_or_else(|| {
                content::told_sender(message.body.kind(), &message.sender).to_owned()
            }),
            content: own.unwrap_or_else(|| content::tell(message, open)),
        }
    }

    /// The message that this row tells. `open` are the calls of the message before it that have no
    /// result yet.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn read(&self, open: &mut content::OpenCalls) -> Result<Draft, String> {
        let role = match self.role.as_str() {
            "system" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            other => return Err(format!("has the role `{other}`, not system, user or assistant")),
        };
        let waiting = open.clone();
        let mut draft = content::read(role, self, open);
        let mut kept = Map::new();
        kept.insert("node_id".to_owned(), self.node_id.clone().into());
        kept.insert("timestamp".to_owned(), self.timestamp.clone().into());
        let sender = content::read_sender(&draft, &name(&self.sender));
        if content::told_sender(draft.body.kind(), &sender) != self.sender {
            kept.insert("sender".to_owned(), self.sender.clone().into());
        }
        draft.sender = Some(sender);
        if !content::tells(&draft, &self.content, &waiting) {
            kept.insert("content".to_owned(), self.content.clone().into());
        }
        draft.metadata.insert(TABLE.to_owned(), Value::Object(kept));
        if let Err(error) = draft.check() {
            // It was not said: what waited before it waits still.
            *open = waiting;
            return Err(error.to_string());
        }
        Ok(draft)
    }
}

/// The nearest text that can be the name of a sender.
fn name(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    let mut name: String = text.chars().map(plain).collect();
    name.truncate(name.floor_char_boundary(NAME_BYTES_MAX));
    if name.trim().is_empty() { "unknown".to_owned() } else { name }
}
