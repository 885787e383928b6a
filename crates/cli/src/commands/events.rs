//! `branchwork events`: what happened on a branch, numbered, and what comes.

use std::{process::ExitCode, time::Duration};

use branchwork::{
    Branch,
    core::message::CallId,
    events::{Event, EventKind},
    time::rfc3339,
};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::ask::{stopped, usage_value};
use crate::{
    args::EventsArgs,
    exit::{Code, Failure},
    output::{self, message_value},
    place,
    world::World,
};

/// How often the file is looked at for what other processes did.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Moves of the head that are read at once.
const PAGE: usize = 1_000;

pub(super) async fn run(world: &World, args: EventsArgs) -> Result<ExitCode, Failure> {
    let engine = world.existing_engine()?;
    let branch = place::branch(engine, args.place.as_deref()).await?.branch;
    if args.follow {
        return follow(world, &branch, args.after).await;
    }
    let mut after = args.after;
    loop {
        let page = branch.events(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(ExitCode::SUCCESS) };
        after = last.seq;
        page.iter().try_for_each(|event| print(world, event))?;
    }
}

async fn follow(world: &World, branch: &Branch, after: u64) -> Result<ExitCode, Failure> {
    let mut events = branch.follow_polling(after, LOOK_EVERY);
    let mut stop = Box::pin(stopped());
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = &mut stop => return Ok(Code::Interrupted.exit()),
        };
        match event.transpose()? {
            Some(event) => print(world, &event)?,
            None => return Ok(ExitCode::SUCCESS),
        }
    }
}

fn print(world: &World, event: &Event) -> Result<(), Failure> {
    let Event { seq, at, kind, .. } = event;
    let mut value = what(kind);
    if !world.global.json {
        let what = if value.as_object().is_some_and(serde_json::Map::is_empty) {
            String::new()
        } else {
            output::one_line(&value.to_string())
        };
        let head = world.paint.dim(&format!("{seq:>6}  {}", rfc3339(*at)));
        return Ok(output::line(format!("{head}  {}  {what}", kind.as_str()).trim_end())?);
    }
    output::set(&mut value, "event", kind.as_str());
    output::set(&mut value, "seq", *seq);
    output::set(&mut value, "at", rfc3339(*at));
    Ok(output::json(&value)?)
}

/// What an event says, beside its name.
fn what(kind: &EventKind) -> Value {
    match kind {
        EventKind::Text(text) | EventKind::Reasoning(text) => json!({ "text": text }),
        EventKind::Retried(retried) => output::retried_value(retried),
        EventKind::CallStarted { index, id, function } => {
            json!({ "index": index, "id": id, "function": function })
        }
        EventKind::CallArguments { index, text } => json!({ "index": index, "text": text }),
        EventKind::Usage(usage) => json!({ "usage": usage_value(*usage) }),
        EventKind::TurnStarted(message) | EventKind::MessageCompleted(message) => {
            json!({ "message": message_value(message) })
        }
        EventKind::TurnCompleted(message)
        | EventKind::TurnInterrupted(message)
        | EventKind::TurnFailed(message) => json!({ "message": { "id": message.id.to_string() } }),
        EventKind::CallCompleted(result) | EventKind::CallFailed(result) => json!({
            "id": result.call.as_str(),
            "function": result.function,
            "result": result.outcome.text(),
        }),
        EventKind::ApprovalAsked(calls) | EventKind::Approved(calls) => {
            json!({ "calls": calls.iter().map(CallId::as_str).collect::<Vec<_>>() })
        }
        EventKind::Changed(op) => json!({ "op": op.id.to_string() }),
        EventKind::Moved { cause, head } => {
            json!({ "cause": cause.as_str(), "head": head.map(|head| head.to_string()) })
        }
        _ => json!({}),
    }
}
