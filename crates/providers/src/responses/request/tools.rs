//! The tools on offer, and whether they may be called.

use branchwork_core::provider::{ModelRequest, ToolChoice, ToolSpec};
use serde::Serialize;
use serde_json::Value;

use crate::{
    checks,
    schema::{Arguments, can_be_strict},
};

/// The tools of a request: our functions, then those that the server runs.
pub(super) struct Tools<'a> {
    pub(super) functions: &'a [ToolSpec],
    /// In the words of the protocol.
    pub(super) hosted: &'a [Value],
}

impl<'a> Tools<'a> {
    /// Reads what is on offer.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as a clause.
    pub(super) fn of(request: &'a ModelRequest) -> Result<Self, String> {
        let hosted = checks::list("tools", request.config.extras.get("tools"))?;
        checks::tool_choice(request, hosted)?;
        Ok(Self { functions: &request.tools, hosted })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.functions.is_empty() && self.hosted.is_empty()
    }

    /// All of them.
    pub(super) fn list(&self) -> Vec<Tool<'a>> {
        let functions = self.functions.iter().map(|tool| Tool::Ours(Function::from(tool)));
        functions.chain(self.hosted.iter().map(Tool::Hosted)).collect()
    }
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Tool<'a> {
    Ours(Function<'a>),
    Hosted(&'a Value),
}

/// `strict` is always said: left out, it means that the server tries.
#[derive(Serialize)]
pub(super) struct Function<'a> {
    r#type: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    parameters: Arguments<'a>,
    strict: bool,
}

impl<'a> From<&'a ToolSpec> for Function<'a> {
    fn from(tool: &'a ToolSpec) -> Self {
        let parameters = Arguments::from(tool);
        let strict = can_be_strict(&tool.parameters);
        let (name, description) = (&*tool.name, &*tool.description);
        Self { r#type: "function", name, description, parameters, strict }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Choice<'a> {
    Mode(&'static str),
    Function { r#type: &'static str, name: &'a str },
}

/// `None` for what servers do by themselves.
pub(super) fn choice(choice: &ToolChoice) -> Option<Choice<'_>> {
    match choice {
        ToolChoice::None => Some(Choice::Mode("none")),
        ToolChoice::Required => Some(Choice::Mode("required")),
        ToolChoice::Named(name) => Some(Choice::Function { r#type: "function", name }),
        _ => None,
    }
}
