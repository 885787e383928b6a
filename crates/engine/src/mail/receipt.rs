//! What is known of a mail that was taken in.

use std::sync::Arc;

use branchwork_core::{
    clock::Timestamp,
    id::{MailId, MessageId, OpId},
    mail::Package,
    message::{Message, Role},
};

use crate::{branch::Branch, error::Result};

/// What is known of a mail that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The op that says so.
    pub op: OpId,
    /// When.
    pub at: Timestamp,
    /// The messages that it brought and that stand.
    pub messages: Vec<MessageId>,
    /// The first call of a model that saw it, by its answer; `None` when there was none since, and for a
    /// signal.
    pub seen_in: Option<MessageId>,
}

impl Branch {
    /// What is known of a mail that this branch took in; `None` when it did not, or that was undone.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) when no such mail was for this branch.
    pub async fn receipt(&self, mail: MailId) -> Result<Option<Receipt>> {
        let delivery = self.delivery(mail).await?;
        let Some(op) = delivery.state.receipt() else { return Ok(None) };
        let view = self.view().await?;
        let depth = view.lineage().depth_of(op);
        let is_after = |message: &&Arc<Message>| view.lineage().depth_of(message.id.op()) > depth;
        let mut after: Vec<_> = view.messages().rev().take_while(is_after).collect();
        after.reverse();
        let came_with = |message: &Message| {
            message.origin.as_ref().and_then(|origin| origin.mail()) == Some(mail)
        };
        let brought = after.iter().filter(|message| came_with(message));
        let messages = brought.map(|message| message.id).collect();
        let seen_in = match delivery.mail.package {
            Package::Signal(_) => None,
            _ => self.first_called(&after).await?,
        };
        Ok(Some(Receipt { op, at: delivery.since, messages, seen_in }))
    }

    /// The first of `messages` that a model said.
    async fn first_called(&self, messages: &[&Arc<Message>]) -> Result<Option<MessageId>> {
        for message in messages.iter().filter(|message| message.role() == Role::Assistant) {
            if self.call_of(message.id).await?.is_some() {
                return Ok(Some(message.id));
            }
        }
        Ok(None)
    }
}
