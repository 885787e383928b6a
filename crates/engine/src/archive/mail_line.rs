//! The line of a mail. What an envelope is, is the codec's business: its JSON is copied.

use std::sync::Arc;

use branchwork_core::{
    clock::Timestamp,
    codec::{self, CodecError, MailStamp},
    id::BranchId,
    mail::{Delivery, Mail, MailChange, MailPlace, MailState},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::line::{cause_of, parse};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MailLine<'a> {
    id: String,
    sender: String,
    sent: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<i64>,
    #[serde(borrow)]
    envelope: &'a RawValue,
    /// In the order of their numbers.
    deliveries: Vec<DeliveryLine>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeliveryLine {
    to: String,
    state: String,
    since: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delivered: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
}

/// Where one mail is on its way to one recipient.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stage {
    pub(super) recipient: BranchId,
    pub(super) state: MailState,
    pub(super) since: Timestamp,
    pub(super) delivered: Option<Timestamp>,
}

impl From<Delivery> for Stage {
    fn from(delivery: Delivery) -> Self {
        let Delivery { recipient, state, since, delivered, .. } = delivery;
        Self { recipient, state, since, delivered }
    }
}

impl Stage {
    /// Where a mail was before it was taken in.
    pub(super) fn untaken(self) -> Self {
        let (state, since) = match self.delivered {
            Some(delivered) => (MailState::Inbox, delivered),
            // Only what had been over for its recipient is taken in without having come.
            None => (MailState::Expired, self.since),
        };
        Self { state, since, ..self }
    }
}

/// The envelope of `mail`, as the codec writes it.
pub(super) fn envelope(mail: &Mail) -> Result<Box<RawValue>, CodecError> {
    let unfit = |source| CodecError::Malformed { part: "mail", version: codec::VERSION, source };
    let json = String::from_utf8(codec::encode_mail(mail)?).map_err(|error| unfit(error.into()))?;
    RawValue::from_string(json).map_err(|error| unfit(error.into()))
}

impl<'a> MailLine<'a> {
    /// The line of `mail`, which is on its way in `stages`.
    pub(super) fn of(mail: &Mail, envelope: &'a RawValue, stages: &[Stage]) -> Self {
        Self {
            id: mail.id.to_string(),
            sender: mail.sender.to_string(),
            sent: mail.sent.as_micros(),
            expires: mail.expires.map(Timestamp::as_micros),
            envelope,
            deliveries: stages.iter().map(DeliveryLine::from).collect(),
        }
    }

    /// The mail, as the codec of `version` reads it, and where it is; an error says what is wrong.
    pub(super) fn read(&self, version: u32) -> Result<(Arc<Mail>, Vec<Stage>), String> {
        let stamp = MailStamp {
            id: parse("mail", &self.id)?,
            sender: parse("branch", &self.sender)?,
            sent: Timestamp::from_micros(self.sent),
            expires: self.expires.map(Timestamp::from_micros),
        };
        let mail = codec::decode_mail(version, stamp, self.envelope.get().as_bytes());
        let unreadable = |error: CodecError| {
            format!("holds a mail that cannot be read: {error}: {}", cause_of(&error))
        };
        let mail = Arc::new(mail.map_err(unreadable)?);
        let stages: Vec<Stage> =
            self.deliveries.iter().map(DeliveryLine::read).collect::<Result<_, _>>()?;
        sending(&mail, &stages)
            .check()
            .map_err(|error| format!("tells of what is none: {error}"))?;
        Ok((mail, stages))
    }
}

/// What puts a mail into the outbox of its sender.
pub(super) fn sending(mail: &Arc<Mail>, stages: &[Stage]) -> MailChange {
    // Nothing that is on the way is to be taken along: it has a line of its own.
    let recipients = stages.iter().map(|stage| stage.recipient).collect();
    MailChange::Send { mail: Arc::clone(mail), recipients, at_once: false }
}

impl From<&Stage> for DeliveryLine {
    fn from(stage: &Stage) -> Self {
        Self {
            to: stage.recipient.to_string(),
            state: stage.state.place().as_str().to_owned(),
            since: stage.since.as_micros(),
            delivered: stage.delivered.map(Timestamp::as_micros),
            reason: stage.state.reason().map(str::to_owned),
            receipt: stage.state.receipt().map(|receipt| receipt.to_string()),
        }
    }
}

impl DeliveryLine {
    fn read(&self) -> Result<Stage, String> {
        let delivered = self.delivered.map(Timestamp::from_micros);
        let since = Timestamp::from_micros(self.since);
        Ok(Stage { recipient: parse("branch", &self.to)?, state: self.state()?, since, delivered })
    }

    fn state(&self) -> Result<MailState, String> {
        let reason = self.reason.clone();
        let receipt = self.receipt.as_deref().map(|receipt| parse("op", receipt)).transpose()?;
        let place = MailPlace::from_name(&self.state);
        match (place, self.delivered, reason, receipt) {
            (Some(MailPlace::Outbox), None, None, None) => Ok(MailState::Outbox),
            (Some(MailPlace::Transit), None, None, None) => Ok(MailState::Transit),
            (Some(MailPlace::Inbox), Some(_), None, None) => Ok(MailState::Inbox),
            (Some(MailPlace::Applied), _, None, Some(receipt)) => {
                Ok(MailState::Applied { receipt })
            }
            (Some(MailPlace::Refused), Some(_), Some(reason), None) => {
                Ok(MailState::Refused { reason })
            }
            (Some(MailPlace::Expired), _, None, None) => Ok(MailState::Expired),
            (Some(MailPlace::DeadLetter), _, Some(reason), None) => {
                Ok(MailState::DeadLetter { reason })
            }
            _ => Err(format!(
                "tells of a delivery that is `{}`, and not what is known of it",
                self.state
            )),
        }
    }
}
