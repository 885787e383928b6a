//! Showing an answer as it comes, and what is left of it when it is stopped.

use std::{fs::OpenOptions, io::Write as _, path::Path, process::ExitCode};

use branchwork::{Branch, ChatStream, Reply, Result as Answered, TurnEvent, core::provider::Usage};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::{
    args::AskArgs,
    exit::{Code, Failure},
    output,
    world::World,
};

/// Reads the stream to its end, or until Ctrl-C.
pub(in crate::commands) async fn show(
    world: &World,
    args: &AskArgs,
    branch: &Branch,
    mut stream: ChatStream,
) -> Result<ExitCode, Failure> {
    let mut printer = Printer::new(world, args, branch).await?;
    let mut stop = Box::pin(stopped());
    loop {
        let event = tokio::select! {
            event = stream.next() => event,
            () = &mut stop => break,
        };
        match event {
            Some(Ok(TurnEvent::Completed(reply))) => {
                printer.complete(&reply)?;
                return Ok(ExitCode::SUCCESS);
            }
            Some(Ok(event)) => printer.event(&event)?,
            Some(Err(error)) => return Err(printer.fail(error)),
            None => return Ok(ExitCode::SUCCESS),
        }
    }
    let part = stream.interrupt().await;
    printer.interrupt(part)?;
    Ok(Code::Interrupted.exit())
}

/// Returns when a person or the system wants the program to stop.
pub(crate) async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_no_signal) => drop(interrupt.await),
    }
}

/// Prints an answer in the way that the options say.
struct Printer<'a> {
    world: &'a World,
    args: &'a AskArgs,
    session: String,
    branch: String,
    /// Whether text stands on the line that is being written.
    in_line: bool,
}

impl<'a> Printer<'a> {
    async fn new(world: &'a World, args: &'a AskArgs, branch: &Branch) -> Result<Self, Failure> {
        let session = branch.session_id().to_string();
        let branch = branch.record().await?.name;
        Ok(Self { world, args, session, branch, in_line: false })
    }

    /// Whether pieces of text are printed as they come.
    const fn is_live(&self) -> bool {
        !self.world.global.json
            && !self.args.stream_json
            && !self.args.no_stream
            && self.args.output.is_none()
    }

    fn event(&mut self, event: &TurnEvent) -> Result<(), Failure> {
        if self.args.stream_json {
            if let Some(value) = event_value(event) {
                self.json_line(value)?;
            }
        } else if self.is_live() {
            match event {
                TurnEvent::Text(text) => {
                    output::piece(text)?;
                    self.in_line = !text.ends_with('\n');
                }
                TurnEvent::Called(_) => self.end_line()?,
                _ => {}
            }
        }
        if !self.world.global.json && !self.args.stream_json {
            self.world.notes(&output::call_lines(event));
        }
        Ok(())
    }

    fn complete(&mut self, reply: &Reply) -> Result<(), Failure> {
        if self.args.stream_json {
            let mut value = self.value(reply);
            output::set(&mut value, "event", json!("completed"));
            return Ok(output::json(&value)?);
        }
        if let Some(path) = &self.args.output {
            write_new(path, &reply.text)?;
        }
        if self.world.global.json {
            return Ok(output::json(&self.value(reply))?);
        }
        if self.args.output.is_some() {
            return Ok(());
        }
        if !self.is_live() {
            output::piece(&reply.text)?;
            self.in_line = !reply.text.ends_with('\n');
        }
        self.end_line()
    }

    /// What had come stands on the line; the reason goes below it, elsewhere.
    fn fail(&mut self, error: branchwork::Error) -> Failure {
        drop(self.end_line());
        let failure = Failure::from(error);
        if self.args.stream_json {
            let value = json!({ "event": "error", "message": failure.to_string() });
            drop(self.json_line(value));
        }
        failure
    }

    fn interrupt(&mut self, part: Answered<Option<Reply>>) -> Result<(), Failure> {
        drop(self.end_line());
        let kept = match part? {
            Some(reply) if self.world.global.json || self.args.stream_json => {
                let mut value = self.value(&reply);
                output::set(&mut value, "event", json!("interrupted"));
                output::json(&value)?;
                return Ok(());
            }
            Some(reply) => !reply.text.is_empty(),
            None => false,
        };
        let what = if kept { "interrupted; the part is kept" } else { "interrupted" };
        self.world.note(what);
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), Failure> {
        if self.in_line && !self.args.raw {
            output::piece("\n")?;
        }
        self.in_line = false;
        Ok(())
    }

    fn json_line(&self, mut value: Value) -> Result<(), Failure> {
        output::set(&mut value, "session", json!(self.session));
        output::set(&mut value, "branch", json!(self.branch));
        Ok(output::json(&value)?)
    }

    fn value(&self, reply: &Reply) -> Value {
        answer_value(&self.session, &self.branch, reply)
    }
}

/// An answer as `--json` prints it.
pub(crate) fn answer_value(session: &str, branch: &str, reply: &Reply) -> Value {
    json!({
        "session": session,
        "branch": branch,
        "message": reply.message.id.to_string(),
        "head": reply.head.to_string(),
        "text": reply.text,
        "status": reply.message.status.as_str(),
        "finish": reply.finish.as_ref().map(|finish| finish.as_str().to_owned()),
        "model": reply.model,
        "usage": reply.usage.map(usage_value),
    })
}

/// What was used, as `--json` prints it.
pub(crate) fn usage_value(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    })
}

/// An event as `--stream-json` prints it, without session and branch.
fn event_value(event: &TurnEvent) -> Option<Value> {
    Some(match event {
        TurnEvent::Started { instruction } => {
            json!({ "event": "started", "instruction": instruction.to_string() })
        }
        TurnEvent::Text(text) => json!({ "event": "text", "text": text }),
        TurnEvent::Reasoning(text) => json!({ "event": "reasoning", "text": text }),
        TurnEvent::Retried(retried) => {
            let mut value = output::retried_value(retried);
            output::set(&mut value, "event", "retried");
            value
        }
        TurnEvent::CallStarted { index, id, function } => {
            json!({ "event": "call_started", "index": index, "id": id, "function": function })
        }
        TurnEvent::CallArguments { index, text } => {
            json!({ "event": "call_arguments", "index": index, "text": text })
        }
        TurnEvent::Called(message) => {
            json!({ "event": "called", "calls": output::calls_value(message) })
        }
        TurnEvent::CallCompleted { id, function, outcome } => json!({
            "event": "call_completed", "id": id, "function": function, "result": outcome.text(),
        }),
        TurnEvent::Usage(usage) => json!({ "event": "usage", "usage": usage_value(*usage) }),
        _ => return None,
    })
}

/// Writes a file that must not exist yet.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let written =
        OpenOptions::new().write(true).create_new(true).open(path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
    written.map_err(|error| {
        let message = format!("{} cannot be written: {error}", path.display());
        Failure::new(Code::Failure, message).with_hint("the answer is kept in the session")
    })
}
