//! Parts, as they are written.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use super::SIGNATURE;
use crate::{
    arguments::ArgumentsObject,
    joined::{Context, Joined},
};

/// One part.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum WirePart<'a> {
    Text {
        text: WireText<'a>,
        #[serde(flatten)]
        marks: Marks<'a>,
    },
    Thought {
        text: &'a str,
        thought: bool,
        #[serde(flatten)]
        marks: Marks<'a>,
    },
    #[serde(rename_all = "camelCase")]
    Call {
        function_call: WireCall<'a>,
        #[serde(flatten)]
        marks: Marks<'a>,
    },
    #[serde(rename_all = "camelCase")]
    Result { function_response: WireResult<'a> },
    #[serde(rename_all = "camelCase")]
    Content {
        inline_data: Blob<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        media_resolution: Option<Resolution<'a>>,
    },
    #[serde(rename_all = "camelCase")]
    File {
        file_data: FileData<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        media_resolution: Option<Resolution<'a>>,
    },
    /// As it came.
    Native(&'a Map<String, Value>),
    /// As it came, but for its signature.
    Unsigned(Map<String, Value>),
}

impl<'a> WirePart<'a> {
    /// A text without marks.
    pub(super) const fn text(text: &'a str) -> Self {
        Self::Text { text: WireText::Plain(text), marks: Marks::None }
    }

    /// Whether it says something to others than the model itself.
    pub(super) const fn is_said(&self) -> bool {
        !matches!(self, Self::Thought { .. })
    }
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum WireText<'a> {
    Plain(&'a str),
    Joined(Joined<'a>),
    Context(Context<'a>),
}

/// What stands beside the content of a part.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Marks<'a> {
    None,
    Kept(&'a Map<String, Value>),
    Cut(Map<String, Value>),
    #[serde(rename_all = "camelCase")]
    PutIn {
        thought_signature: &'static str,
    },
}

impl Marks<'_> {
    /// The documented stand-in for a signature.
    pub(super) const STAND_IN: Self = Self::PutIn { thought_signature: SIGNATURE };
}

#[derive(Serialize)]
pub(super) struct WireCall<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) name: Cow<'a, str>,
    pub(super) args: ArgumentsObject<'a>,
}

#[derive(Serialize)]
pub(super) struct WireResult<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) name: Cow<'a, str>,
    pub(super) response: Response<'a>,
}

/// What came of a call, in the two fields that models are taught.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Response<'a> {
    Output(Output<'a>),
    Error(Cow<'a, str>),
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Output<'a> {
    Text(Cow<'a, str>),
    Value(&'a Value),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob<'a> {
    pub(super) mime_type: &'a str,
    pub(super) data: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mime_type: Option<&'static str>,
    pub(super) file_uri: &'a str,
}

/// How closely to look.
#[derive(Serialize)]
pub(super) struct Resolution<'a> {
    pub(super) level: Cow<'a, str>,
}
