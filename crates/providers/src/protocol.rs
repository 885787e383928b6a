//! The protocols that are spoken.

use std::fmt;

use crate::{
    chat::{
        Chat,
        dialect::{Dialect, KeyHeader},
    },
    embed::EmbedForm,
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
}

impl Protocol {
    /// Every protocol, the one of most servers first.
    pub const ALL: [Self; 2] = [Self::Chat(Dialect::COMMON), Self::Responses(KeyHeader::Bearer)];

    /// The protocol of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.as_str() == name)
    }

    /// The name, as configuration files and the command line spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat(_) => "chat",
            Self::Responses(_) => "responses",
        }
    }

    /// The same with the key in that header, where the protocol leaves a choice.
    pub(crate) const fn with_key_header(self, key_header: KeyHeader) -> Self {
        match self {
            Self::Chat(dialect) => Self::Chat(Dialect { key_header, ..dialect }),
            Self::Responses(_) => Self::Responses(key_header),
        }
    }

    /// How its servers are asked for embeddings; `None` when they have none.
    pub(crate) const fn embeddings(self) -> Option<EmbedForm> {
        match self {
            Self::Chat(_) | Self::Responses(_) => Some(EmbedForm::OpenAi),
        }
    }

    /// How it is spoken.
    pub(crate) fn wire(self) -> Box<dyn Wire> {
        match self {
            Self::Chat(dialect) => Box::new(Chat { dialect }),
            Self::Responses(key_header) => Box::new(Responses { key_header }),
        }
    }

    /// What the path of a base URL is when none is given, and the endings that belong to an endpoint
    /// and not to the base.
    pub(crate) const fn paths(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Chat(_) => ("/v1", &["/chat/completions"]),
            Self::Responses(_) => ("/v1", &["/responses"]),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
