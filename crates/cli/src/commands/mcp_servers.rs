//! `branchwork mcp-servers …`.

use branchwork::{mcp::McpClient, tools::Tool as _};
use serde_json::{Value, json};

use crate::{args::McpServersCommand, config::Reach, exit::Failure, mcp, output, world::World};

pub(super) async fn run(world: &World, command: McpServersCommand) -> Result<(), Failure> {
    let McpServersCommand::List = command;
    let mut values = Vec::new();
    for (name, reach, found) in mcp::every(world).await {
        let transport = match reach {
            Reach::Command { .. } => "stdio",
            Reach::Url { .. } => "http",
        };
        let tools = found.as_ref().map(names).unwrap_or_default();
        let problem = found.as_ref().err().map(ToString::to_string);
        if !world.global.json {
            let what = match &problem {
                Some(problem) => output::one_line(problem),
                None => tools.join(", "),
            };
            let mark = if problem.is_some() { "bad" } else { "ok " };
            output::line(&format!("{mark}  {name}  {transport}  {what}"))?;
        }
        values.push(json!({
            "name": name, "transport": transport, "tools": tools, "problem": problem,
        }));
    }
    if world.global.json {
        output::json(&json!({ "servers": Value::Array(values) }))?;
    }
    Ok(())
}

fn names(client: &McpClient) -> Vec<String> {
    client.tools().iter().map(|tool| tool.spec().name.clone()).collect()
}
