//! The stored head: all of an op but what its message says.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{body::StoredBody, config::StoredPatch};
use crate::{
    clock::Timestamp,
    graph::{Approval, Merge, MergeMode, Op, OpKind, Step},
    id::{BranchId, MailId, MessageId, OpId},
    message::{Body, Message, Origin, Status},
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredHead<'a> {
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) step: StoredStep,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) author: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) kind: StoredKind<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredKind<'a> {
    #[serde(borrow)]
    Message(StoredMessage<'a>),
    #[serde(borrow)]
    Lead(StoredMessage<'a>),
    Edit {
        target: StoredId<MessageId>,
        #[serde(borrow)]
        body: StoredBody<'a>,
    },
    Remove {
        targets: Vec<StoredId<MessageId>>,
    },
    Configure(Box<StoredPatch>),
    Fold {
        targets: Vec<StoredId<MessageId>>,
        #[serde(borrow)]
        summary: Cow<'a, str>,
    },
    Unfold {
        target: StoredId<MessageId>,
    },
    /// What it says is a body, as that of the message which will tell it.
    Noted {},
    Approval {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calls: Vec<String>,
        stage: StoredApproval,
    },
    /// What the step gave is the body, as it is.
    Done {
        #[serde(borrow)]
        flow: Cow<'a, str>,
        #[serde(borrow)]
        step: Cow<'a, str>,
    },
    Merge(Box<StoredMerge>),
    Receive {
        mail: StoredId<MailId>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredMerge {
    from: StoredId<BranchId>,
    head: StoredId<OpId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<StoredId<OpId>>,
    mode: StoredMergeMode,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    told: Vec<StoredId<MessageId>>,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum StoredMergeMode {
    Append,
    Interleave,
    Summary,
    Pick,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredOrigin {
    Merged {
        message: StoredId<MessageId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mail: Option<StoredId<MailId>>,
    },
    Mailed {
        mail: StoredId<MailId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<StoredId<MessageId>>,
    },
    Folded {
        by: StoredId<OpId>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredMessage<'a> {
    #[serde(borrow)]
    pub(super) sender: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) recipient: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) metadata: Map<String, Value>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) status: StoredStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<Box<StoredOrigin>>,
}

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredStep {
    #[default]
    Alone,
    Opens,
    Continues,
    Closes,
    Birth,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredApproval {
    Asked,
    Given,
    Used,
}

#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredStatus {
    #[default]
    Complete,
    Interrupted,
    Failed,
}

/// An identifier in its text form.
pub(super) struct StoredId<T>(pub(super) T);

impl<T: fmt::Display> Serialize for StoredId<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for StoredId<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl<'a> From<&'a Message> for StoredMessage<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            sender: Cow::Borrowed(&message.sender),
            recipient: message.recipient.as_deref().map(Cow::Borrowed),
            metadata: message.metadata.clone(),
            status: message.status.into(),
            origin: message.origin.as_deref().map(|origin| Box::new(origin.into())),
        }
    }
}

impl StoredMessage<'_> {
    /// The message that says `body`.
    pub(super) fn into_message(self, id: MessageId, at: Timestamp, body: Body) -> Message {
        Message {
            id,
            at,
            sender: self.sender.into_owned(),
            recipient: self.recipient.map(Cow::into_owned),
            body,
            metadata: self.metadata,
            status: self.status.into(),
            edited: None,
            origin: self.origin.map(|origin| Box::new((*origin).into())),
        }
    }
}

impl From<&Origin> for StoredOrigin {
    fn from(origin: &Origin) -> Self {
        match *origin {
            Origin::Merged { message, mail } => {
                Self::Merged { message: StoredId(message), mail: mail.map(StoredId) }
            }
            Origin::Folded { by } => Self::Folded { by: StoredId(by) },
            Origin::Mailed { mail, message } => {
                Self::Mailed { mail: StoredId(mail), message: message.map(StoredId) }
            }
        }
    }
}

impl From<StoredOrigin> for Origin {
    fn from(origin: StoredOrigin) -> Self {
        match origin {
            StoredOrigin::Merged { message, mail } => {
                Self::Merged { message: message.0, mail: mail.map(|mail| mail.0) }
            }
            StoredOrigin::Folded { by } => Self::Folded { by: by.0 },
            StoredOrigin::Mailed { mail, message } => {
                Self::Mailed { mail: mail.0, message: message.map(|message| message.0) }
            }
        }
    }
}

impl From<&Merge> for StoredMerge {
    fn from(merge: &Merge) -> Self {
        Self {
            from: StoredId(merge.from),
            head: StoredId(merge.head),
            base: merge.base.map(StoredId),
            mode: merge.mode.into(),
            told: merge.told.iter().copied().map(StoredId).collect(),
        }
    }
}

impl From<StoredMerge> for Merge {
    fn from(merge: StoredMerge) -> Self {
        Self {
            from: merge.from.0,
            head: merge.head.0,
            base: merge.base.map(|base| base.0),
            mode: merge.mode.into(),
            told: merge.told.into_iter().map(|message| message.0).collect(),
        }
    }
}

impl<'a> From<&'a Op> for StoredHead<'a> {
    fn from(op: &'a Op) -> Self {
        let kind = match &op.kind {
            OpKind::Message(message) => StoredKind::Message(StoredMessage::from(&**message)),
            OpKind::Lead(message) => StoredKind::Lead(StoredMessage::from(&**message)),
            OpKind::Edit { target, body } => {
                StoredKind::Edit { target: StoredId(*target), body: body.into() }
            }
            OpKind::Remove { targets } => StoredKind::Remove {
                targets: targets.iter().map(|target| StoredId(*target)).collect(),
            },
            OpKind::Fold { targets, summary } => StoredKind::Fold {
                targets: targets.iter().map(|target| StoredId(*target)).collect(),
                summary: summary.into(),
            },
            OpKind::Unfold { target } => StoredKind::Unfold { target: StoredId(*target) },
            OpKind::Noted(_) => StoredKind::Noted {},
            OpKind::Approval { calls, stage } => StoredKind::Approval {
                calls: calls.iter().map(|call| call.as_str().to_owned()).collect(),
                stage: (*stage).into(),
            },
            OpKind::Done(result) => {
                StoredKind::Done { flow: (&result.flow).into(), step: (&result.step).into() }
            }
            OpKind::Merge(merge) => StoredKind::Merge(Box::new((&**merge).into())),
            OpKind::Receive { mail } => StoredKind::Receive { mail: StoredId(*mail) },
            OpKind::Configure(patch) => {
                StoredKind::Configure(Box::new(StoredPatch::from(&**patch)))
            }
        };
        StoredHead { step: op.step.into(), author: op.author.as_deref().map(Cow::Borrowed), kind }
    }
}

macro_rules! same_variants {
    ($stored:ident, $domain:ident, $($variant:ident),*) => {
        impl From<$domain> for $stored {
            fn from(value: $domain) -> Self {
                match value {
                    $($domain::$variant => Self::$variant),*
                }
            }
        }

        impl From<$stored> for $domain {
            fn from(value: $stored) -> Self {
                match value {
                    $($stored::$variant => Self::$variant),*
                }
            }
        }
    };
}

same_variants!(StoredStep, Step, Alone, Opens, Continues, Closes, Birth);
same_variants!(StoredApproval, Approval, Asked, Given, Used);
same_variants!(StoredMergeMode, MergeMode, Append, Interleave, Summary, Pick);
same_variants!(StoredStatus, Status, Complete, Interrupted, Failed);
