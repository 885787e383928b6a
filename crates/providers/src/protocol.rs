//! The protocols that are spoken.

use std::{borrow::Cow, fmt};

use crate::{
    anthropic::Anthropic,
    chat::{
        Chat,
        dialect::{Dialect, KeyHeader},
    },
    embed::EmbedForm,
    gemini::Gemini,
    ollama::{self, Ollama},
    responses::Responses,
    wire::Wire,
};

/// A protocol in which servers are asked.
///
/// ```
/// use branchwork_providers::Protocol;
///
/// assert_eq!(Protocol::from_name("chat"), Some(Protocol::Chat(Default::default())));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// OpenAI Chat Completions, which nearly every server speaks, in the dialect of this one.
    Chat(Dialect),
    /// OpenAI Responses, with the key in this header.
    ///
    /// Nothing is kept on the server: what it wants back is kept in the history, and every request holds
    /// all of it. `stop`, `seed` and penalties are not part of this protocol and are refused. Of the
    /// extras, `reasoning` (`{"summary": "auto"}`) and `text` are joined with what settings say,
    /// `tools` are those that the server runs, and `include` takes the place of what is asked for by
    /// itself, so that `[]` asks for nothing.
    Responses(KeyHeader),
    /// Anthropic Messages.
    Anthropic,
    /// Gemini's `generateContent`.
    Gemini,
    /// Ollama's own `/api/chat`.
    Ollama,
}

impl Protocol {
    /// Every protocol, the one of most servers first.
    pub const ALL: [Self; 5] = [
        Self::Chat(Dialect::COMMON),
        Self::Responses(KeyHeader::Bearer),
        Self::Anthropic,
        Self::Gemini,
        Self::Ollama,
    ];

    /// The protocol of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.as_str() == name)
    }

    /// The name, as configuration files and the command line spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat(_) => "chat",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
            Self::Responses(_) => "responses",
        }
    }

    /// Whether it is one of `OpenAI`, which Azure speaks, too.
    pub(crate) const fn is_of_openai(self) -> bool {
        matches!(self, Self::Chat(_) | Self::Responses(_))
    }

    /// The same with the key in that header, where the protocol leaves a choice.
    pub(crate) const fn with_key_header(self, key_header: KeyHeader) -> Self {
        match self {
            Self::Chat(dialect) => Self::Chat(Dialect { key_header, ..dialect }),
            Self::Responses(_) => Self::Responses(key_header),
            other => other,
        }
    }

    /// How its servers are asked for embeddings; `None` where they have none, or ask for them in a form that
    /// is not spoken here, as Gemini does.
    pub(crate) const fn embeddings(self) -> Option<EmbedForm> {
        match self {
            Self::Chat(_) | Self::Responses(_) => Some(EmbedForm::OpenAi),
            Self::Anthropic | Self::Gemini => None,
            Self::Ollama => Some(EmbedForm::Ollama),
        }
    }

    /// How it is spoken.
    pub(crate) fn wire(self) -> Box<dyn Wire> {
        match self {
            Self::Chat(dialect) => Box::new(Chat { dialect }),
            Self::Responses(key_header) => Box::new(Responses { key_header }),
            Self::Anthropic => Box::new(Anthropic),
            Self::Gemini => Box::new(Gemini),
            Self::Ollama => Box::new(Ollama),
        }
    }

    /// What people type as base URL, with what this protocol adds to an address that lacks it.
    pub(crate) fn completed(self, typed: &str) -> Cow<'_, str> {
        match self {
            Self::Ollama => ollama::completed(typed),
            Self::Chat(_) | Self::Responses(_) | Self::Anthropic | Self::Gemini => {
                Cow::Borrowed(typed)
            }
        }
    }

    /// What the path of a base URL is when none is given, and the endings that belong to an endpoint
    /// and not to the base. With an ending that ends with a slash goes all that follows it.
    pub(crate) const fn paths(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Chat(_) => ("/v1", &["/chat/completions"]),
            Self::Responses(_) => ("/v1", &["/responses"]),
            // The version is a part of the path of the endpoint, as in the SDKs of Anthropic.
            Self::Anthropic => ("", &["/v1/messages", "/v1"]),
            Self::Gemini => ("/v1beta", &["/models/", "/models", "/openai"]),
            Self::Ollama => ("", &["/api/chat", "/api/generate", "/api/tags", "/api", "/v1"]),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
