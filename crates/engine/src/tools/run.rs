//! Running one call: arguments checked, time kept, panics caught. It always has an outcome.

use std::panic::AssertUnwindSafe;

use branchwork_core::{
    id::MailId,
    limits::{JSON_DEPTH_MAX, TOOL_OUTPUT_BYTES_MAX},
    message::{Outcome, ToolCall, depth_within},
    telemetry::error_type,
    tool::{ToolContext, ToolError, ToolOutput},
};
use futures_util::FutureExt as _;
use jsonschema::Validator;
use serde_json::{Map, Value};

use super::registry::{Registered, Tools};
use crate::error::{Error, Result};

/// How many things that are wrong a model is told at once.
const PROBLEMS_MAX: usize = 8;

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) outcome: Outcome,
    /// The mails that it tells of.
    pub(crate) received: Vec<MailId>,
    /// The class of its failure, when it failed.
    pub(crate) failure: Option<&'static str>,
}

impl Came {
    fn failed(failure: &'static str, problem: String) -> Self {
        let (outcome, received) = (Outcome::Failed(problem), Vec::new());
        Self { outcome, received, failure: Some(failure) }
    }
}

/// Runs `call` and answers what came of it.
///
/// # Cancel safety
///
/// Dropping the future drops that of the tool.
pub(crate) async fn run(registered: Registered, call: ToolCall, context: ToolContext) -> Came {
    let arguments = match arguments(&registered, &call.arguments) {
        Ok(arguments) => arguments,
        Err(problem) => return Came::failed(error_type::INVALID_ARGUMENTS, problem),
    };
    let running = AssertUnwindSafe(registered.tool.call(arguments, context)).catch_unwind();
    let ended = match registered.tool.timeout() {
        None => Ok(running.await),
        Some(limit) => tokio::time::timeout(limit, running).await.map_err(|_elapsed| limit),
    };
    match ended {
        Ok(Ok(Ok(given))) => output(given),
        Ok(Ok(Err(error))) => Came::failed(error_type::TOOL_ERROR, error.to_string()),
        Ok(Err(panic)) => Came::failed(error_type::PANIC, panicked(&*panic).to_string()),
        Err(limit) => Came::failed(error_type::TIMEOUT, format!("it took longer than {limit:?}")),
    }
}

/// What a tool gave, when it is not too much.
fn output(ToolOutput { value, received, .. }: ToolOutput) -> Came {
    if !depth_within(&value, JSON_DEPTH_MAX) {
        let problem = format!(
            "the tool ran, and gave JSON that is nested more than {JSON_DEPTH_MAX} levels deep"
        );
        return Came::failed(error_type::OUTPUT_TOO_LARGE, problem);
    }
    let bytes = match &value {
        Value::String(text) => text.len(),
        value => value.to_string().len(),
    };
    if bytes <= TOOL_OUTPUT_BYTES_MAX {
        return Came { outcome: Outcome::Succeeded(value), received, failure: None };
    }
    let problem =
        format!("the tool ran, and gave {bytes} bytes, {TOOL_OUTPUT_BYTES_MAX} are allowed");
    Came::failed(error_type::OUTPUT_TOO_LARGE, problem)
}

/// Checks `arguments` against the schema of the tool `function`, if it is one of `tools`.
pub(crate) fn check_arguments(tools: &Tools, function: &str, arguments: &Value) -> Result<()> {
    let problem = match tools.registered(function) {
        Some(registered) => misfit(&registered.arguments, arguments),
        None if arguments.is_object() => None,
        None => Some("they must be a JSON object".to_owned()),
    };
    problem
        .map_or(Ok(()), |problem| Err(Error::BadArguments { tool: function.to_owned(), problem }))
}

/// The arguments, when they fit the schema; else what is wrong with them, for the model.
pub(super) fn arguments(registered: &Registered, text: &str) -> Result<Value, String> {
    // A model that calls a tool without arguments often sends none at all.
    let arguments = if text.trim().is_empty() {
        Value::Object(Map::new())
    } else {
        serde_json::from_str(text)
            .map_err(|error| format!("the arguments are not JSON: {error}"))?
    };
    match misfit(&registered.arguments, &arguments) {
        None => Ok(arguments),
        Some(problems) => Err(format!("the arguments do not fit the schema: {problems}")),
    }
}

/// What of `value` does not fit the schema, for the model; `None` when all of it does.
pub(crate) fn misfit(schema: &Validator, value: &Value) -> Option<String> {
    let problems = schema.iter_errors(value).take(PROBLEMS_MAX);
    let problems: Vec<String> = problems
        .map(|error| match error.instance_path().as_str() {
            "" => error.to_string(),
            path => format!("{path}: {error}"),
        })
        .collect();
    (!problems.is_empty()).then(|| problems.join("; "))
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> ToolError {
    let said = panic.downcast_ref::<&str>().copied();
    let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    ToolError::new(format!("it panicked: {}", said.unwrap_or("for no reason it gave")))
}
