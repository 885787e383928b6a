//! What a branch says of itself.

use std::sync::Arc;

use branchwork_core::{
    config::Config,
    graph::{Counts, View},
    message::{Message, Role},
};

/// What a branch says of itself, for people and programs that look on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Description {
    /// How many messages it has, by what.
    pub counts: Counts,
    /// The names of its tools, in order.
    pub tools: Vec<String>,
    /// Its configuration.
    pub config: Config,
    /// Its first messages.
    pub preview: Vec<Arc<Message>>,
}

impl Description {
    pub(super) fn of(view: &View, tools: Vec<String>, preview: usize) -> Self {
        Self {
            counts: view.counts(),
            tools,
            config: view.config().clone(),
            preview: view.messages().take(preview).map(Arc::clone).collect(),
        }
    }
}

/// A message in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// Whose voice it is in.
    pub role: Role,
    /// What it says: see [`Body::text`](branchwork_core::message::Body::text).
    pub content: String,
}

/// Whether plain messages say who they are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Senders {
    /// No.
    #[default]
    Hidden,
    /// Before the text: `Sender alice: …`. It is added when messages are read, and never stored.
    Shown,
}

impl ChatMessage {
    pub(super) fn of(message: &Message, senders: Senders) -> Self {
        let text = message.text();
        let content = match senders {
            Senders::Hidden => text,
            Senders::Shown => format!("Sender {}: {text}", message.sender),
        };
        Self { role: message.role(), content }
    }
}
