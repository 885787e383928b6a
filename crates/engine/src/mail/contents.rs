//! What is sent.

use std::sync::Arc;

use branchwork_core::{
    config::ConfigPatch,
    graph::View,
    id::MessageId,
    mail::{Category, Package, PackageError},
    message::Message,
};
use serde_json::Value;

use crate::{branch::Branch, error::Result};

/// What is sent: a package, or a selection of the sender's messages.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Contents {
    /// This.
    Package(Package),
    /// These messages of the sender as they stand when it is sent, in the order of the conversation; of a
    /// turn group, all of it.
    Selection(Vec<MessageId>),
}

impl Contents {
    /// The package, when `sender` sends it.
    ///
    /// # Errors
    ///
    /// As [`Branch::send`] says.
    pub(super) async fn pack(self, sender: &Branch) -> Result<Package> {
        let package = match self {
            Self::Package(package) => package,
            Self::Selection(ids) => Package::Messages(select(&sender.view().await?, &ids)?),
        };
        package.check()?;
        match &package {
            Package::Tools(names) => {
                let tools = sender.tools();
                names.iter().try_for_each(|name| tools.check_has(name))?;
            }
            Package::Provider(name) => drop(sender.engine().provider(name)?),
            _ => {}
        }
        Ok(package)
    }
}

/// The messages of those identifiers with the rest of their turn groups, in the order of the conversation.
fn select(view: &View, ids: &[MessageId]) -> Result<Vec<Arc<Message>>> {
    if ids.is_empty() {
        let (category, what) = (Category::Messages, "message");
        return Err(PackageError::Empty { category, what }.into());
    }
    let mut found = Vec::new();
    for id in ids {
        found.extend(view.group_of(*id)?);
    }
    // What leads the conversation may have come late.
    let lead = view.messages().next().map(|lead| lead.id);
    found.sort_by_key(|message| {
        (Some(message.id) != lead, view.lineage().depth_of(message.id.op()))
    });
    found.dedup_by_key(|message| message.id);
    Ok(found)
}

impl From<MessageId> for Contents {
    /// That message.
    fn from(message: MessageId) -> Self {
        Self::Selection(vec![message])
    }
}

impl From<Vec<MessageId>> for Contents {
    /// Those messages.
    fn from(messages: Vec<MessageId>) -> Self {
        Self::Selection(messages)
    }
}

impl From<Package> for Contents {
    fn from(package: Package) -> Self {
        Self::Package(package)
    }
}

impl From<&str> for Contents {
    /// A text.
    fn from(text: &str) -> Self {
        Self::Package(text.into())
    }
}

impl From<String> for Contents {
    /// A text.
    fn from(text: String) -> Self {
        Self::Package(text.into())
    }
}

impl From<Value> for Contents {
    /// Data.
    fn from(data: Value) -> Self {
        Self::Package(data.into())
    }
}

impl From<ConfigPatch> for Contents {
    /// A change of the configuration.
    fn from(patch: ConfigPatch) -> Self {
        Self::Package(patch.into())
    }
}
