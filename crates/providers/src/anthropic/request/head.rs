//! What comes before the messages.

use branchwork_core::{message::Body, provider::ModelRequest};
use serde::Serialize;

use super::{
    cache::{BREAKPOINTS_MAX, CACHE_CONTROL, FORKS_MAX, cache_control, mark_last},
    settings::Settings,
    tools::{self, Tool, server_tools},
};
use crate::{checks, wire::Pen};

/// The body of `request` up to its first message.
///
/// # Errors
///
/// What is wrong with the request, as a clause.
pub(in crate::anthropic) fn head(request: &ModelRequest) -> Result<Vec<u8>, String> {
    let model = checks::model(&request.config)?;
    let settings = Settings::of(&request.config)?;
    tools::check(request, settings.thinks_with_budget)?;
    let mut pen = Pen::behind(b"{\"model\":".to_vec());
    pen.json(&model)?;
    for (name, value) in &settings.parameters {
        field(&mut pen, name, value)?;
    }
    field(&mut pen, "stream", &request.stream)?;
    if let Some(control) = cache_control(&request.config)? {
        field(&mut pen, CACHE_CONTROL, &control)?;
    }
    let has_system = system_texts(request).next().is_some();
    let has_breakpoint = has_free_breakpoint(request)?;
    write_tools(&mut pen, request, has_breakpoint && !has_system)?;
    write_system(&mut pen, request, has_breakpoint)?;
    pen.raw(",\"messages\":[");
    Ok(pen.bytes)
}

fn field(pen: &mut Pen, name: &str, value: &impl Serialize) -> Result<(), String> {
    pen.raw(",");
    pen.json(&name)?;
    pen.raw(":");
    pen.json(value)
}

/// The tools that the server runs may bring breakpoints of their own; then ours is theirs.
fn has_free_breakpoint(request: &ModelRequest) -> Result<bool, String> {
    let tools = server_tools(request)?;
    let theirs = tools.iter().filter(|tool| tool.get(CACHE_CONTROL).is_some()).count();
    let free = BREAKPOINTS_MAX - FORKS_MAX - 1;
    if theirs > free {
        return Err(format!(
            "the extra parameter `tools` has {theirs} breakpoints of the cache, and {free} is free"
        ));
    }
    Ok(theirs == 0)
}

/// Ours first: they are the same for more requests.
fn write_tools(pen: &mut Pen, request: &ModelRequest, has_breakpoint: bool) -> Result<(), String> {
    let server_tools = server_tools(request)?;
    if request.tools.is_empty() && server_tools.is_empty() {
        return Ok(());
    }
    pen.raw(",\"tools\":");
    let mut comma = "[";
    for tool in &request.tools {
        pen.raw(comma);
        pen.json(&Tool::from(tool))?;
        comma = ",";
    }
    if has_breakpoint && !request.tools.is_empty() {
        mark_last(pen, &request.config)?;
    }
    for tool in server_tools {
        pen.raw(comma);
        pen.json(tool)?;
        comma = ",";
    }
    pen.raw("]");
    let choice = tools::choice(&request.tool_choice);
    choice.map_or(Ok(()), |choice| field(pen, "tool_choice", &choice))
}

#[derive(Serialize)]
struct System<'a> {
    r#type: &'static str,
    text: &'a str,
}

/// The system prompt, a block a message. The end of it is a breakpoint, which covers the tools too.
fn write_system(pen: &mut Pen, request: &ModelRequest, has_breakpoint: bool) -> Result<(), String> {
    let mut comma = ",\"system\":[";
    for text in system_texts(request) {
        pen.raw(comma);
        pen.json(&System { r#type: "text", text })?;
        comma = ",";
    }
    if comma == "," {
        if has_breakpoint {
            mark_last(pen, &request.config)?;
        }
        pen.raw("]");
    }
    Ok(())
}

/// Blank ones are refused by the API, and say nothing.
fn system_texts(request: &ModelRequest) -> impl Iterator<Item = &str> {
    request.messages.iter().filter_map(|message| match &message.body {
        Body::System { text } if !text.trim().is_empty() => Some(text.as_str()),
        _ => None,
    })
}
