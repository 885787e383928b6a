//! One tool of a server.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use branchwork_core::tool::{
    Policy, Tool, ToolContext, ToolEffect, ToolError, ToolOutput, ToolSpec,
};
use rmcp::model;
use serde_json::{Map, Value};

use crate::{client::McpClient, output::output};

/// One tool of a server. It keeps the server, and keeps its time itself.
#[derive(Clone)]
pub struct McpTool {
    client: McpClient,
    /// What the server calls it.
    remote: String,
    spec: ToolSpec,
    effect: ToolEffect,
}

impl fmt::Debug for McpTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("McpTool");
        debug.field("name", &self.spec.name).field("effect", &self.effect).finish_non_exhaustive()
    }
}

impl McpTool {
    pub(crate) fn new(client: McpClient, name: String, tool: &model::Tool) -> Self {
        let description = tool.description.as_deref().or(tool.title.as_deref()).unwrap_or_default();
        let spec = ToolSpec {
            name,
            description: description.to_owned(),
            parameters: parameters(&tool.input_schema),
        };
        Self { client, remote: tool.name.clone().into_owned(), spec, effect: effect(tool) }
    }

    /// The server that has it.
    pub const fn client(&self) -> &McpClient {
        &self.client
    }

    /// What the server calls it.
    pub fn remote_name(&self) -> &str {
        &self.remote
    }
}

#[async_trait]
impl Tool for McpTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn timeout(&self) -> Option<Duration> {
        // The client keeps the time: it tells the server that nobody waits any more.
        None
    }

    fn effect(&self) -> ToolEffect {
        self.effect
    }

    fn policy(&self, _arguments: &Value) -> Policy {
        self.client.server().policy.clone()
    }

    fn is_serial(&self) -> bool {
        false
    }

    async fn call(&self, arguments: Value, _context: ToolContext) -> Result<ToolOutput, ToolError> {
        let Value::Object(arguments) = arguments else {
            return Err(ToolError::new("the arguments are no object"));
        };
        let result = self.client.call(&self.remote, arguments).await;
        Ok(output(result.map_err(ToolError::because)?, self.client.secrets())?.into())
    }
}

/// What a call does to the world, as far as the server says.
fn effect(tool: &model::Tool) -> ToolEffect {
    let hints = tool.annotations.as_ref();
    let says =
        |hint: fn(&model::ToolAnnotations) -> Option<bool>| hints.and_then(hint) == Some(true);
    if says(|hints| hints.read_only_hint) {
        ToolEffect::Pure
    } else if says(|hints| hints.idempotent_hint) {
        ToolEffect::Idempotent
    } else {
        ToolEffect::AtMostOnce
    }
}

/// The schema of the arguments, as all providers want it: an object, with its properties.
fn parameters(schema: &Map<String, Value>) -> Value {
    let mut schema = schema.clone();
    schema.entry("type").or_insert_with(|| "object".into());
    schema.entry("properties").or_insert_with(|| Map::new().into());
    Value::Object(schema)
}

#[cfg(test)]
mod tests {
    use rmcp::model::ToolAnnotations;

    use super::*;

    #[test]
    fn hints_say_whether_a_call_may_run_again() {
        let tool = || model::Tool::new("a", "b", Map::new());
        let with = |hints| effect(&tool().with_annotations(hints));
        assert_eq!(effect(&tool()), ToolEffect::AtMostOnce);
        assert_eq!(with(ToolAnnotations::new().read_only(true)), ToolEffect::Pure);
        assert_eq!(with(ToolAnnotations::new().idempotent(true)), ToolEffect::Idempotent);
        assert_eq!(with(ToolAnnotations::new().read_only(false)), ToolEffect::AtMostOnce);
        let schema = serde_json::json!({ "type": "object", "properties": {} });
        assert_eq!(parameters(&Map::new()), schema);
    }
}
