//! The stored body: what a message says.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{
    graph::CallResult,
    message::{Body, CallId, FileSource, Native, Outcome, Part, ToolCall},
};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredBody<'a> {
    #[serde(borrow)]
    System(Cow<'a, str>),
    Instruction {
        #[serde(borrow)]
        parts: Vec<StoredPart<'a>>,
        /// An absent context is none; `null` is the context `null`.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        context: Option<Value>,
    },
    Response {
        #[serde(borrow)]
        parts: Vec<StoredPart<'a>>,
    },
    ActionRequest {
        #[serde(borrow)]
        parts: Vec<StoredPart<'a>>,
        #[serde(borrow)]
        calls: Vec<StoredCall<'a>>,
    },
    ActionResponse {
        #[serde(borrow)]
        call: Cow<'a, str>,
        #[serde(borrow)]
        function: Cow<'a, str>,
        #[serde(borrow)]
        outcome: StoredOutcome<'a>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredPart<'a> {
    #[serde(borrow)]
    Text(Cow<'a, str>),
    Reasoning {
        #[serde(borrow)]
        text: Cow<'a, str>,
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        detail: Option<Value>,
    },
    Image {
        #[serde(borrow)]
        url: Cow<'a, str>,
        #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
        detail: Option<Cow<'a, str>>,
    },
    File {
        #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
        name: Option<Cow<'a, str>>,
        #[serde(borrow)]
        source: StoredSource<'a>,
    },
    Audio {
        #[serde(borrow)]
        url: Cow<'a, str>,
    },
    Data(Value),
    Native {
        #[serde(borrow)]
        protocol: Cow<'a, str>,
        #[serde(borrow)]
        model: Cow<'a, str>,
        block: Value,
    },
    Call(u32),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredSource<'a> {
    #[serde(borrow)]
    Url(Cow<'a, str>),
    #[serde(borrow)]
    Id(Cow<'a, str>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredCall<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    function: Cow<'a, str>,
    #[serde(borrow)]
    arguments: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredOutcome<'a> {
    Succeeded(Value),
    #[serde(borrow)]
    Failed(Cow<'a, str>),
    #[serde(borrow)]
    Cancelled(Cow<'a, str>),
    #[serde(borrow)]
    Denied(Cow<'a, str>),
    Unknown,
}

/// Tells a field that is `null` from one that is absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl<'a> From<&'a CallResult> for StoredBody<'a> {
    fn from(result: &'a CallResult) -> Self {
        Self::ActionResponse {
            call: result.call.as_str().into(),
            function: (&result.function).into(),
            outcome: (&result.outcome).into(),
        }
    }
}

impl StoredBody<'_> {
    /// What came of a call, when it is that.
    pub(super) fn into_result(self) -> Option<CallResult> {
        match Body::from(self) {
            Body::ActionResponse { call, function, outcome } => {
                Some(CallResult { call, function, outcome })
            }
            _ => None,
        }
    }
}

impl<'a> From<&'a Body> for StoredBody<'a> {
    fn from(body: &'a Body) -> Self {
        match body {
            Body::System { text } => Self::System(text.into()),
            Body::Instruction { parts, context } => {
                Self::Instruction { parts: store_parts(parts), context: context.clone() }
            }
            Body::Response { parts } => Self::Response { parts: store_parts(parts) },
            Body::ActionRequest { parts, calls } => Self::ActionRequest {
                parts: store_parts(parts),
                calls: calls.iter().map(StoredCall::from).collect(),
            },
            Body::ActionResponse { call, function, outcome } => Self::ActionResponse {
                call: call.as_str().into(),
                function: function.into(),
                outcome: outcome.into(),
            },
        }
    }
}

impl From<StoredBody<'_>> for Body {
    fn from(body: StoredBody<'_>) -> Self {
        match body {
            StoredBody::System(text) => Self::System { text: text.into_owned() },
            StoredBody::Instruction { parts, context } => {
                Self::Instruction { parts: load_parts(parts), context }
            }
            StoredBody::Response { parts } => Self::Response { parts: load_parts(parts) },
            StoredBody::ActionRequest { parts, calls } => Self::ActionRequest {
                parts: load_parts(parts),
                calls: calls.into_iter().map(ToolCall::from).collect(),
            },
            StoredBody::ActionResponse { call, function, outcome } => Self::ActionResponse {
                call: CallId::new(call),
                function: function.into_owned(),
                outcome: outcome.into(),
            },
        }
    }
}

fn store_parts(parts: &[Part]) -> Vec<StoredPart<'_>> {
    parts.iter().map(StoredPart::from).collect()
}

fn load_parts(parts: Vec<StoredPart<'_>>) -> Vec<Part> {
    parts.into_iter().map(Part::from).collect()
}

impl<'a> From<&'a Part> for StoredPart<'a> {
    fn from(part: &'a Part) -> Self {
        match part {
            Part::Text(text) => Self::Text(text.into()),
            Part::Reasoning { text, detail } => {
                Self::Reasoning { text: text.into(), detail: detail.clone() }
            }
            Part::Image { url, detail } => {
                Self::Image { url: url.into(), detail: detail.as_deref().map(Cow::Borrowed) }
            }
            Part::File { name, source } => {
                let source = match source {
                    FileSource::Url(url) => StoredSource::Url(url.into()),
                    FileSource::Id(id) => StoredSource::Id(id.into()),
                };
                Self::File { name: name.as_deref().map(Cow::Borrowed), source }
            }
            Part::Audio { url } => Self::Audio { url: url.into() },
            Part::Data(value) => Self::Data(value.clone()),
            Part::Native(Native { protocol, model, block }) => Self::Native {
                protocol: protocol.into(),
                model: model.into(),
                block: block.clone(),
            },
            Part::Call(place) => Self::Call(*place),
        }
    }
}

impl From<StoredPart<'_>> for Part {
    fn from(part: StoredPart<'_>) -> Self {
        match part {
            StoredPart::Text(text) => Self::Text(text.into_owned()),
            StoredPart::Reasoning { text, detail } => {
                Self::Reasoning { text: text.into_owned(), detail }
            }
            StoredPart::Image { url, detail } => {
                Self::Image { url: url.into_owned(), detail: detail.map(Cow::into_owned) }
            }
            StoredPart::File { name, source } => {
                let source = match source {
                    StoredSource::Url(url) => FileSource::Url(url.into_owned()),
                    StoredSource::Id(id) => FileSource::Id(id.into_owned()),
                };
                Self::File { name: name.map(Cow::into_owned), source }
            }
            StoredPart::Audio { url } => Self::Audio { url: url.into_owned() },
            StoredPart::Data(value) => Self::Data(value),
            StoredPart::Native { protocol, model, block } => {
                Self::Native(Native::new(protocol, model, block))
            }
            StoredPart::Call(place) => Self::Call(place),
        }
    }
}

impl<'a> From<&'a ToolCall> for StoredCall<'a> {
    fn from(call: &'a ToolCall) -> Self {
        let ToolCall { id, function, arguments } = call;
        let id = id.as_str().into();
        Self { id, function: function.into(), arguments: arguments.into() }
    }
}

impl From<StoredCall<'_>> for ToolCall {
    fn from(call: StoredCall<'_>) -> Self {
        Self {
            id: CallId::new(call.id),
            function: call.function.into_owned(),
            arguments: call.arguments.into_owned(),
        }
    }
}

impl<'a> From<&'a Outcome> for StoredOutcome<'a> {
    fn from(outcome: &'a Outcome) -> Self {
        match outcome {
            Outcome::Succeeded(value) => Self::Succeeded(value.clone()),
            Outcome::Failed(message) => Self::Failed(message.into()),
            Outcome::Cancelled(reason) => Self::Cancelled(reason.into()),
            Outcome::Denied(reason) => Self::Denied(reason.into()),
            Outcome::Unknown => Self::Unknown,
        }
    }
}

impl From<StoredOutcome<'_>> for Outcome {
    fn from(outcome: StoredOutcome<'_>) -> Self {
        match outcome {
            StoredOutcome::Succeeded(value) => Self::Succeeded(value),
            StoredOutcome::Failed(message) => Self::Failed(message.into_owned()),
            StoredOutcome::Cancelled(reason) => Self::Cancelled(reason.into_owned()),
            StoredOutcome::Denied(reason) => Self::Denied(reason.into_owned()),
            StoredOutcome::Unknown => Self::Unknown,
        }
    }
}
