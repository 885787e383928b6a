//! The trait.

use std::{collections::BTreeSet, fmt, sync::Arc};

use async_trait::async_trait;
use branchwork_core::{
    config::{Config, ConfigPatch},
    filter::{Filter, Keyword},
    graph::{Counts, View},
    id::{MessageId, OpId},
    message::{Body, BodyKind, Draft, Message, Role},
};
use serde_json::Value;

use super::{ChatMessage, Description, Senders, markdown::markdown};
use crate::{
    branch::Appended,
    error::{Error, Result},
    tools::Tools,
};

/// The metadata under which a message that was copied from another branch keeps its identifier.
pub const ORIGIN: &str = "origin";

/// A change to messages that are there.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Revision {
    /// Lets a message say something else from here on.
    Edit {
        /// The message.
        message: MessageId,
        /// What it says; of the same kind.
        body: Body,
    },
    /// Takes a message out, with its whole turn group.
    Remove {
        /// The message.
        message: MessageId,
    },
    /// Lets the first system message say something else; without one, a new one comes before all
    /// other messages.
    System {
        /// What it says.
        text: String,
    },
}

/// What [`BaseBranch::clear`] leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clear {
    /// The system messages.
    #[default]
    KeepSystem,
    /// Nothing.
    All,
}

/// What [`BaseBranch::extend`] did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extended {
    /// The messages that were appended, in order.
    pub added: Vec<MessageId>,
    /// How many were there already.
    pub skipped: usize,
}

/// What every branch can do: the local [`Branch`](crate::Branch), and whatever stands for one.
/// Object-safe.
///
/// Readers take a snapshot first, so that what they answer is of one moment. Every change is ops
/// behind the head: [`Branch::undo`](crate::Branch::undo) takes each call back, and none loses the
/// past.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
/// use branchwork::{BaseBranch, Engine, core::message::{Body, Draft}};
///
/// let main = Engine::in_memory().session("trip").system("Be brief.").create().await?.default_branch();
/// main.append(Draft::new(Body::instruction("Warm?")).with_sender("ada")).await?;
/// main.append(Draft::new(Body::response("Rome."))).await?;
/// assert_eq!(main.first_system().await?.unwrap().text(), "Be brief.");
/// assert_eq!(main.last_response().await?.unwrap().text(), "Rome.");
/// assert_eq!(main.counts().await?.by_sender["ada"], 1);
/// # Ok(()) }
/// ```
#[async_trait]
pub trait BaseBranch: fmt::Debug + Send + Sync {
    /// The conversation as it now stands.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]; so for every call.
    async fn view(&self) -> Result<View>;

    /// Appends messages in one commit and as one step: all of them or none.
    ///
    /// # Errors
    ///
    /// As for [`Branch::append`](crate::Branch::append).
    async fn append_all(&self, drafts: Vec<Draft>) -> Result<Appended>;

    /// Changes messages that are there, in one commit and as one step: all of them or none.
    ///
    /// # Errors
    ///
    /// As for [`Branch::edit`](crate::Branch::edit) and [`Branch::remove`](crate::Branch::remove).
    async fn revise(&self, revisions: Vec<Revision>) -> Result<OpId>;

    /// Changes the configuration from here on.
    ///
    /// # Errors
    ///
    /// As for [`Branch::configure`](crate::Branch::configure).
    async fn configure(&self, patch: ConfigPatch) -> Result<OpId>;

    /// Takes the last `count` messages off; 0 takes nothing off.
    ///
    /// # Errors
    ///
    /// As for [`Branch::rollback`](crate::Branch::rollback).
    async fn rollback(&self, count: usize) -> Result<Option<OpId>>;

    /// The tools that are registered on it. A snapshot.
    fn tools(&self) -> Tools;

    /// Appends one message.
    ///
    /// # Errors
    ///
    /// As for [`append_all`](Self::append_all).
    async fn append(&self, draft: Draft) -> Result<Appended> {
        self.append_all(vec![draft]).await
    }

    /// The configuration at its head.
    async fn config(&self) -> Result<Config> {
        Ok(self.view().await?.config().clone())
    }

    /// A message, as it stands.
    async fn get(&self, id: MessageId) -> Result<Option<Arc<Message>>> {
        Ok(self.view().await?.message(id).map(Arc::clone))
    }

    /// The messages that `filter` selects, oldest first.
    async fn messages(&self, filter: &Filter) -> Result<Vec<Arc<Message>>> {
        Ok(self.view().await?.select(filter).map(Arc::clone).collect())
    }

    /// The last message.
    async fn last_message(&self) -> Result<Option<Arc<Message>>> {
        Ok(self.view().await?.last().map(Arc::clone))
    }

    /// The first system message.
    async fn first_system(&self) -> Result<Option<Arc<Message>>> {
        Ok(first_system(&self.view().await?))
    }

    /// The last thing a model said, calls included.
    async fn last_response(&self) -> Result<Option<Arc<Message>>> {
        let filter = Filter::new().with_role(Role::Assistant);
        Ok(self.view().await?.select(&filter).next_back().map(Arc::clone))
    }

    /// Whether the last message is the result of a tool.
    async fn ends_with_result(&self) -> Result<bool> {
        let last = self.last_message().await?;
        Ok(last.is_some_and(|last| matches!(last.body, Body::ActionResponse { .. })))
    }

    /// Everything models and tools said: answers, calls and results.
    async fn responses(&self) -> Result<Vec<Arc<Message>>> {
        let filter = Filter::new().with_role(Role::Assistant).with_role(Role::Tool);
        self.messages(&filter).await
    }

    /// The answers of models that call nothing.
    async fn assistant_responses(&self) -> Result<Vec<Arc<Message>>> {
        self.messages(&Filter::new().with_kind(BodyKind::Response)).await
    }

    /// The answers of models that call tools.
    async fn action_requests(&self) -> Result<Vec<Arc<Message>>> {
        self.messages(&Filter::new().with_kind(BodyKind::ActionRequest)).await
    }

    /// The results of tools.
    async fn action_responses(&self) -> Result<Vec<Arc<Message>>> {
        self.messages(&Filter::new().with_kind(BodyKind::ActionResponse)).await
    }

    /// How many messages there are, by role, kind and sender.
    async fn counts(&self) -> Result<Counts> {
        Ok(self.view().await?.counts())
    }

    /// What it says of itself, with its first `preview` messages.
    async fn describe(&self, preview: usize) -> Result<Description> {
        let tools = self.tools().names().map(str::to_owned).collect();
        Ok(Description::of(&self.view().await?, tools, preview))
    }

    /// The messages in plain words, oldest first.
    async fn chat_messages(&self, senders: Senders) -> Result<Vec<ChatMessage>> {
        let view = self.view().await?;
        Ok(view.messages().map(|message| ChatMessage::of(message, senders)).collect())
    }

    /// The conversation as Markdown: a heading for each message, then all that it says, calls and
    /// results with their arguments and outputs. For people: it is not read back.
    async fn markdown(&self) -> Result<String> {
        Ok(markdown(self.view().await?.messages().map(Arc::as_ref)))
    }

    /// Lets the first system message say `text`; without one, a new one comes before all other
    /// messages.
    ///
    /// # Errors
    ///
    /// As for [`revise`](Self::revise).
    async fn set_system(&self, text: &str) -> Result<OpId> {
        self.revise(vec![Revision::System { text: text.to_owned() }]).await
    }

    /// Lets the first system message say `text`.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none; else as for [`revise`](Self::revise).
    async fn replace_system(&self, text: &str) -> Result<OpId> {
        let system = self.first_system().await?;
        let system = system.ok_or_else(|| Error::not_found("message", &Role::System))?;
        let revision =
            Revision::Edit { message: system.id, body: Body::System { text: text.to_owned() } };
        self.revise(vec![revision]).await
    }

    /// Puts `replacement` wherever `keyword` is said: in texts, and in the leaves of values. Calls
    /// and results stay: they are a record. Answers how many places there were.
    ///
    /// # Errors
    ///
    /// As for [`revise`](Self::revise).
    async fn replace_keyword(&self, keyword: &Keyword, replacement: &str) -> Result<usize> {
        let (mut revisions, mut places) = (Vec::new(), 0);
        for message in self.view().await?.messages() {
            let mut here = 0;
            let body = message.body.map_texts(&mut |text| {
                let (text, count) = keyword.replace(text, replacement);
                here += count;
                text
            });
            if let Some(body) = body.filter(|_| here > 0) {
                revisions.push(Revision::Edit { message: message.id, body });
                places += here;
            }
        }
        if !revisions.is_empty() {
            self.revise(revisions).await?;
        }
        Ok(places)
    }

    /// Appends copies of `messages` that this branch does not have yet: by their identifier, or by
    /// the one they were copied from, which the copy keeps as [`ORIGIN`] in its metadata.
    ///
    /// # Errors
    ///
    /// As for [`append_all`](Self::append_all): a result whose call is not copied with it cannot
    /// follow.
    async fn extend(&self, messages: &[Arc<Message>]) -> Result<Extended> {
        let view = self.view().await?;
        let known: BTreeSet<String> = view.messages().flat_map(|message| names(message)).collect();
        let is_new = |message: &&Arc<Message>| {
            let mut names = names(message);
            !names.any(|name| known.contains(&name))
        };
        let drafts: Vec<Draft> = messages.iter().filter(is_new).map(|new| copy(new)).collect();
        let skipped = messages.len() - drafts.len();
        let added =
            if drafts.is_empty() { Vec::new() } else { self.append_all(drafts).await?.messages };
        Ok(Extended { added, skipped })
    }

    /// Takes all messages out, or all but the system messages. They stay in the history.
    ///
    /// # Errors
    ///
    /// As for [`revise`](Self::revise).
    async fn clear(&self, clear: Clear) -> Result<()> {
        let view = self.view().await?;
        let goes = |message: &&Arc<Message>| clear == Clear::All || message.role() != Role::System;
        // A group goes with its first message.
        let firsts = view.groups().filter_map(|group| group.into_iter().next());
        let remove = |message: &Arc<Message>| Revision::Remove { message: message.id };
        let revisions: Vec<_> = firsts.filter(goes).map(remove).collect();
        if !revisions.is_empty() {
            self.revise(revisions).await?;
        }
        Ok(())
    }
}

fn first_system(view: &View) -> Option<Arc<Message>> {
    view.messages().find(|message| message.role() == Role::System).map(Arc::clone)
}

/// What a message is known by: its identifier, and that of the one it was copied from.
fn names(message: &Message) -> impl Iterator<Item = String> + use<> {
    let origin = message.metadata.get(ORIGIN).and_then(Value::as_str).map(str::to_owned);
    std::iter::once(message.id.to_string()).chain(origin)
}

fn copy(message: &Message) -> Draft {
    let mut metadata = message.metadata.clone();
    metadata.entry(ORIGIN).or_insert_with(|| message.id.to_string().into());
    let draft = Draft::new(message.body.clone())
        .with_sender(&message.sender)
        .with_metadata(metadata)
        .with_status(message.status);
    match &message.recipient {
        Some(recipient) => draft.with_recipient(recipient),
        None => draft,
    }
}
