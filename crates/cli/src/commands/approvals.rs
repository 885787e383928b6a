//! `branchwork approvals`: calls of tools that wait until a person approves or denies them.

use branchwork::{
    Branch, Session,
    core::message::{Body, CallId, Message, Role, ToolCall},
};
use serde_json::{Value, json};

use crate::{
    args::{ApprovalsCommand, CallsArgs},
    exit::{Code, Failure},
    output, place,
    world::World,
};

pub(super) async fn run(world: &World, command: ApprovalsCommand) -> Result<(), Failure> {
    match command {
        ApprovalsCommand::List { place } => list(world, place.as_deref()).await,
        ApprovalsCommand::Show { place, call } => show(world, &place, &call).await,
        ApprovalsCommand::Approve { calls, arguments } => approve(world, calls, arguments).await,
        ApprovalsCommand::Deny { calls, reason } => {
            let (branch, calls) = chosen(world, &calls).await?;
            for call in &calls {
                branch.deny(&call.id, reason.as_str()).await?;
            }
            tell(world, &branch, "denied", &calls).await
        }
    }
}

async fn list(world: &World, text: Option<&str>) -> Result<(), Failure> {
    let engine = world.existing_engine()?;
    let mut waiting = Vec::new();
    match text {
        None => {
            for session in engine.sessions().await? {
                let session = engine.open_session(&session.id.to_string()).await?;
                waiting.extend(waiting_in(&session).await?);
            }
        }
        Some(text) if text.contains('@') => {
            let branch = place::branch(engine, Some(text)).await?.branch;
            let calls = branch.waiting_calls().await?;
            waiting.extend(calls.into_iter().map(|call| (text.to_owned(), call)));
        }
        Some(text) => waiting.extend(waiting_in(&place::session(engine, Some(text)).await?).await?),
    }
    if world.global.json {
        let calls = waiting.iter().map(|(place, call)| {
            let mut value = call_value(call);
            output::set(&mut value, "place", place.as_str());
            value
        });
        return Ok(output::json(&json!({ "waiting": calls.collect::<Vec<_>>() }))?);
    }
    for (place, call) in waiting {
        let place = world.paint.dim(&format!("{place}  {}", name(&call)));
        let arguments = output::one_line(&call.arguments);
        output::line(&format!("{place}  {} {arguments}", output::one_line(&call.function)))?;
    }
    Ok(())
}

/// The calls that wait in a session, each with the branch it waits on.
async fn waiting_in(session: &Session) -> Result<Vec<(String, ToolCall)>, Failure> {
    let name = session.record().await?.name.unwrap_or_else(|| session.id().to_string());
    let mut all = Vec::new();
    for on in session.waiting_calls().await? {
        let place = format!("{name}@{}", on.branch.name);
        all.extend(on.found.into_iter().map(|call| (place.clone(), call)));
    }
    Ok(all)
}

async fn show(world: &World, text: &str, call: &str) -> Result<(), Failure> {
    let branch = place::branch(world.existing_engine()?, Some(text)).await?.branch;
    let call = find(&branch.waiting_calls().await?, call)?;
    let view = branch.view().await?;
    let asked = view.messages().rev().find(|message| message.role() == Role::User);
    let asked = asked.map(|message| message.text());
    let said = view.messages().rev().find(|message| makes(message, &call.id));
    let said = said.map(|message| message.text());
    if world.global.json {
        let mut value = call_value(&call);
        output::set(&mut value, "asked", asked);
        output::set(&mut value, "said", said);
        return Ok(output::json(&value)?);
    }
    output::line(&format!("call       {}", name(&call)))?;
    output::line(&format!("tool       {}", output::one_line(&call.function)))?;
    output::line(&format!("arguments  {}", output::one_line(&call.arguments)))?;
    for (name, text) in [("asked", asked), ("said", said.filter(|said| !said.is_empty()))] {
        if let Some(text) = text {
            output::line(&format!("{name:9}  {}", output::one_line(&text)))?;
        }
    }
    Ok(())
}

fn makes(message: &Message, call: &CallId) -> bool {
    let Body::ActionRequest { calls, .. } = &message.body else { return false };
    calls.iter().any(|made| made.id == *call)
}

async fn approve(world: &World, args: CallsArgs, arguments: Option<String>) -> Result<(), Failure> {
    let arguments = arguments.map(|text| read_arguments(&text)).transpose()?;
    if arguments.is_some() && args.calls.len() > 1 {
        return Err(Failure::usage("--arguments are for one call, and several are named"));
    }
    let (branch, calls) = chosen(world, &args).await?;
    for call in &calls {
        match &arguments {
            Some(arguments) => branch.approve_with(&call.id, arguments.clone()).await?,
            None => branch.approve(&call.id).await?,
        };
    }
    tell(world, &branch, "approved", &calls).await
}

fn read_arguments(text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text)
        .map_err(|error| Failure::usage(format!("--arguments are not JSON: {error}")))
}

/// The branch and the calls that are named, all of which wait.
async fn chosen(world: &World, args: &CallsArgs) -> Result<(Branch, Vec<ToolCall>), Failure> {
    let branch = place::branch(world.existing_engine()?, Some(&args.place)).await?.branch;
    let waiting = branch.waiting_calls().await?;
    if args.all {
        if waiting.is_empty() {
            return Err(Failure::new(Code::NotFound, "no call waits on this branch"));
        }
        return Ok((branch, waiting));
    }
    // Each once, in the order in which they are named.
    let mut named = Vec::new();
    for call in &args.calls {
        if !named.contains(&call) {
            named.push(call);
        }
    }
    let calls = named.into_iter().map(|call| find(&waiting, call));
    let calls = calls.collect::<Result<Vec<_>, _>>()?;
    Ok((branch, calls))
}

fn find(waiting: &[ToolCall], call: &str) -> Result<ToolCall, Failure> {
    let found = waiting.iter().find(|waiting| waiting.id.as_str() == call);
    found.cloned().ok_or_else(|| {
        let message = format!("no call `{}` waits on this branch", output::one_line(call));
        Failure::new(Code::NotFound, message)
            .with_hint("`branchwork approvals list` shows what waits")
    })
}

/// Says what was answered, and what still waits.
async fn tell(
    world: &World,
    branch: &Branch,
    answer: &str,
    calls: &[ToolCall],
) -> Result<(), Failure> {
    let waiting = branch.waiting_calls().await?;
    if world.global.json {
        let ids = |calls: &[ToolCall]| -> Vec<String> {
            calls.iter().map(|call| call.id.to_string()).collect()
        };
        let mut value = json!({ "waiting": ids(&waiting) });
        output::set(&mut value, answer, ids(calls));
        return Ok(output::json(&value)?);
    }
    for call in calls {
        output::line(&format!("{answer} {} ({})", output::one_line(&call.function), name(call)))?;
    }
    match waiting.len() {
        0 => output::complain(
            "all calls are answered; `branchwork resume` goes on, with the same --tool",
        ),
        count => output::complain(&format!("{count} more wait on this branch")),
    }
    Ok(())
}

/// A call as a terminal shows it.
fn name(call: &ToolCall) -> String {
    output::one_line(call.id.as_str())
}

fn call_value(call: &ToolCall) -> Value {
    // What a model wrote is JSON most of the time.
    let arguments = serde_json::from_str::<Value>(&call.arguments);
    let arguments = arguments.unwrap_or_else(|_not_json| call.arguments.as_str().into());
    json!({ "call": call.id.to_string(), "function": call.function, "arguments": arguments })
}
