//! Tools that give what they gave when it was logged.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use branchwork_core::{
    message::Outcome,
    tool::{Policy, Tool, ToolContext, ToolEffect, ToolError, ToolOutput, ToolSource, ToolSpec},
};
use serde_json::Value;

use super::prompter::Prompter;

/// The tools of the turn that is had again. None of them runs: what came of a call is known.
#[derive(Debug)]
pub(super) struct ReplayTools(pub(super) Arc<Prompter>);

impl ToolSource for ReplayTools {
    fn name(&self) -> &'static str {
        "replay"
    }

    fn tools(&self) -> (u64, Vec<Arc<dyn Tool>>) {
        let (revision, specs) = self.0.tools();
        let tool = |spec| Arc::new(ReplayTool { spec, prompter: Arc::clone(&self.0) }) as _;
        (revision, specs.into_iter().map(tool).collect())
    }

    fn revision(&self) -> u64 {
        self.0.revision()
    }
}

#[derive(Debug)]
struct ReplayTool {
    spec: ToolSpec,
    prompter: Arc<Prompter>,
}

#[async_trait]
impl Tool for ReplayTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn timeout(&self) -> Option<Duration> {
        None
    }

    fn effect(&self) -> ToolEffect {
        ToolEffect::Pure
    }

    fn policy(&self, _arguments: &Value) -> Policy {
        // The turn says it: that also sees the call.
        Policy::Allow
    }

    fn is_serial(&self) -> bool {
        false
    }

    async fn call(&self, _arguments: Value, context: ToolContext) -> Result<ToolOutput, ToolError> {
        match self.prompter.outcome(&context.call) {
            Some(Outcome::Succeeded(value)) => Ok(value.into()),
            Some(Outcome::Failed(message)) => Err(ToolError::new(message)),
            Some(Outcome::Unknown) => {
                // The turn was stopped while it ran, and is stopped again.
                self.prompter.pause();
                std::future::pending().await
            }
            _ => Err(ToolError::new("nothing came of this call when it was logged")),
        }
    }
}
