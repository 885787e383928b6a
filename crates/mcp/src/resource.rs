//! What a server offers to be read.

use rmcp::model;

/// Something that a server offers to be read, by its URI.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resource {
    /// What it is read by.
    pub uri: String,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// The kind of its content.
    pub mime_type: Option<String>,
    /// Bytes of its content.
    pub bytes: Option<u64>,
}

/// One part of what a resource holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceContent {
    /// What it is read by: that of the resource, or of something in it.
    pub uri: String,
    /// Its kind.
    pub mime_type: Option<String>,
    /// What it holds.
    pub body: ResourceBody,
}

/// What a part of a resource holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceBody {
    /// Text.
    Text(String),
    /// Bytes, in base64.
    Base64(String),
}

impl From<model::Resource> for Resource {
    fn from(resource: model::Resource) -> Self {
        let model::Resource { uri, name, description, mime_type, size, .. } = resource;
        Self { uri, name, description, mime_type, bytes: size }
    }
}

impl ResourceContent {
    /// Of a part of a kind that is not known, nothing.
    pub(crate) fn of(content: model::ResourceContents) -> Option<Self> {
        Some(match content {
            model::ResourceContents::TextResourceContents { uri, mime_type, text, .. } => {
                Self { uri, mime_type, body: ResourceBody::Text(text) }
            }
            model::ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                Self { uri, mime_type, body: ResourceBody::Base64(blob) }
            }
            _ => return None,
        })
    }
}
