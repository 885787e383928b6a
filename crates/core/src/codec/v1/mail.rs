//! The stored mail: all of an envelope that a store does not need to know.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    super::MailStamp,
    body::StoredBody,
    config::StoredPatch,
    head::{StoredId, StoredMessage},
};
use crate::{
    clock::Timestamp,
    id::{MailId, MessageId, OpId},
    mail::{Mail, Package},
    message::Message,
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredMail<'a> {
    #[serde(borrow)]
    package: StoredPackage<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<StoredId<MailId>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredPackage<'a> {
    #[serde(borrow)]
    Messages(Vec<StoredMailed<'a>>),
    #[serde(borrow)]
    Tools(Vec<Cow<'a, str>>),
    #[serde(borrow)]
    Provider(Cow<'a, str>),
    ModelConfig(Box<StoredPatch>),
    #[serde(borrow)]
    Text(Cow<'a, str>),
    Data(Value),
    #[serde(borrow)]
    Signal(Cow<'a, str>),
}

/// A message as it stood where it was mailed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredMailed<'a> {
    id: StoredId<MessageId>,
    /// Microseconds since the epoch.
    at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edited: Option<StoredId<OpId>>,
    #[serde(borrow)]
    head: StoredMessage<'a>,
    #[serde(borrow)]
    body: StoredBody<'a>,
}

impl<'a> From<&'a Mail> for StoredMail<'a> {
    fn from(mail: &'a Mail) -> Self {
        let package = match &mail.package {
            Package::Messages(messages) => StoredPackage::Messages(
                messages.iter().map(|message| (&**message).into()).collect(),
            ),
            Package::Tools(names) => StoredPackage::Tools(
                names.iter().map(|name| Cow::Borrowed(name.as_str())).collect(),
            ),
            Package::Provider(name) => StoredPackage::Provider(name.into()),
            Package::ModelConfig(patch) => {
                StoredPackage::ModelConfig(Box::new(StoredPatch::from(&**patch)))
            }
            Package::Text(text) => StoredPackage::Text(text.into()),
            Package::Data(data) => StoredPackage::Data(data.clone()),
            Package::Signal(name) => StoredPackage::Signal(name.into()),
        };
        Self { package, reply_to: mail.reply_to.map(StoredId) }
    }
}

impl StoredMail<'_> {
    pub(super) fn into_mail(self, stamp: MailStamp) -> Mail {
        let package = match self.package {
            StoredPackage::Messages(messages) => {
                Package::Messages(messages.into_iter().map(StoredMailed::into_message).collect())
            }
            StoredPackage::Tools(names) => {
                Package::Tools(names.into_iter().map(Cow::into_owned).collect())
            }
            StoredPackage::Provider(name) => Package::Provider(name.into_owned()),
            StoredPackage::ModelConfig(patch) => Package::ModelConfig(Box::new((*patch).into())),
            StoredPackage::Text(text) => Package::Text(text.into_owned()),
            StoredPackage::Data(data) => Package::Data(data),
            StoredPackage::Signal(name) => Package::Signal(name.into_owned()),
        };
        let MailStamp { id, sender, sent, expires } = stamp;
        Mail { id, sender, package, reply_to: self.reply_to.map(|mail| mail.0), sent, expires }
    }
}

impl<'a> From<&'a Message> for StoredMailed<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            id: StoredId(message.id),
            at: message.at.as_micros(),
            edited: message.edited.map(StoredId),
            head: message.into(),
            body: (&message.body).into(),
        }
    }
}

impl StoredMailed<'_> {
    fn into_message(self) -> Arc<Message> {
        let Self { id, at, edited, head, body } = self;
        let message = head.into_message(id.0, Timestamp::from_micros(at), body.into());
        Arc::new(Message { edited: edited.map(|op| op.0), ..message })
    }
}
