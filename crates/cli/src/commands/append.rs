//! `branchwork append`: messages without a model.

use std::{
    io::{BufRead, BufReader, Read as _},
    path::Path,
};

use branchwork::{
    Appended, Branch, Engine, Error,
    core::{
        limits::MESSAGE_BYTES_MAX,
        message::{Body, CallId, Draft, Outcome, Role},
    },
    reference::PlaceReference,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    args::AppendArgs,
    exit::{Code, Failure},
    input, output,
    place::{self, Place},
    world::World,
};

/// Messages in one commit.
const BATCH: usize = 100;
/// Bytes of lines after which a commit ends.
const BATCH_BYTES: usize = 4 << 20;
/// How often a lost race is tried again.
const RACES_MAX: usize = 64;

/// A line of `--jsonl`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    role: String,
    sender: Option<String>,
    content: String,
    #[serde(default)]
    metadata: Map<String, Value>,
}

pub(super) async fn run(world: &World, args: AppendArgs) -> Result<(), Failure> {
    if let Some(path) = &args.jsonl {
        return many(world, &args, path).await;
    }
    let text = input::text_or_stdin(args.text.clone().unwrap_or_default())?;
    if text.trim().is_empty() {
        return Err(Failure::usage("the message is empty"));
    }
    let role = role(args.role.as_deref().unwrap_or_default())?;
    let draft = draft(role, text, args.call.as_deref())?;
    let draft = match &args.sender {
        Some(sender) => draft.with_sender(sender),
        None => draft,
    };
    draft.check().map_err(Error::from)?;
    let place = open(world, &args).await?;
    let appended = append(&place.branch, vec![draft]).await?;
    report(world, &place, &appended).await
}

/// The branch to append to; made with its session when that is asked for.
async fn open(world: &World, args: &AppendArgs) -> Result<Place, Failure> {
    if !args.create {
        return place::branch(world.existing_engine()?, Some(&args.place)).await;
    }
    let engine = world.engine()?;
    create_missing(engine, &args.place).await?;
    place::branch(engine, Some(&args.place)).await
}

async fn create_missing(engine: &Engine, place: &str) -> Result<(), Failure> {
    let PlaceReference { session, branch, .. } = PlaceReference::parse(place)?;
    let Some(name) = session else { return Ok(()) };
    match engine.open_session(&name).await {
        Err(Error::NotFound { .. }) => {}
        found => return found.map(drop).map_err(Failure::from),
    }
    if branch.is_some_and(|branch| branch != "main") {
        let message = format!("there is no session `{name}`, and a new one has only `main`");
        return Err(Failure::new(Code::NotFound, message));
    }
    match engine.session(&name).create().await {
        // Another process made it since.
        Err(Error::Conflict(_)) => Ok(()),
        made => made.map(drop).map_err(Failure::from),
    }
}

fn role(name: &str) -> Result<Role, Failure> {
    Role::from_name(name).ok_or_else(|| {
        Failure::usage(format!("there is no role `{name}`"))
            .with_hint("there are system, user, assistant, tool")
    })
}

fn draft(role: Role, text: String, call: Option<&str>) -> Result<Draft, Failure> {
    if call.is_some() && role != Role::Tool {
        return Err(Failure::usage("--call goes with --role tool"));
    }
    Ok(match role {
        Role::System => Draft::new(Body::System { text }),
        Role::User => Draft::new(Body::instruction(text)),
        Role::Assistant => Draft::new(Body::response(text)),
        Role::Tool => {
            let call = call.ok_or_else(|| {
                Failure::usage("a message of role tool answers a tool call")
                    .with_hint("name the call with --call; `log --json` shows the calls")
            })?;
            Draft::result(CallId::new(call), "tool", Outcome::Succeeded(Value::String(text)))
        }
    })
}

/// Appends behind whatever is there: a lost race is tried again.
async fn append(branch: &Branch, drafts: Vec<Draft>) -> Result<Appended, Failure> {
    let mut races = 0;
    loop {
        match branch.append_all(drafts.clone()).await {
            Err(error) if error.is_head_moved() && races < RACES_MAX => races += 1,
            result => return Ok(result?),
        }
    }
}

async fn report(world: &World, place: &Place, appended: &Appended) -> Result<(), Failure> {
    let message = appended.messages.last().map(ToString::to_string);
    if !world.global.json {
        return Ok(output::line(&message.unwrap_or_default())?);
    }
    let branch = place.branch.record().await?;
    output::json(&json!({
        "session": place.session.id().to_string(),
        "branch": branch.name,
        "message": message,
        "head": appended.head.to_string(),
    }))?;
    Ok(())
}

/// Appends the lines of a file, a batch a commit. What was committed before a bad line stays.
async fn many(world: &World, args: &AppendArgs, path: &Path) -> Result<(), Failure> {
    let mut lines = Lines::new(BufReader::new(input::open(path)?));
    // Read before anything is made: a file of no use leaves no session behind.
    let mut batch = lines.batch()?;
    if batch.is_empty() {
        return Err(Failure::usage("there is nothing to append"));
    }
    let place = open(world, args).await?;
    let (mut count, mut last) = (0, None);
    let failure = loop {
        match append(&place.branch, batch).await {
            Ok(appended) => {
                count += appended.messages.len();
                last = Some(appended);
            }
            Err(failure) => break Some(failure),
        }
        batch = match lines.batch() {
            Ok(next) if next.is_empty() => break None,
            Ok(next) => next,
            Err(failure) => break Some(failure),
        };
    };
    if let Some(failure) = failure {
        let message = format!("{failure}; {count} messages were appended before");
        return Err(failure.with_message(message));
    }
    if let (true, Some(appended)) = (world.global.json, last) {
        let branch = place.branch.record().await?;
        output::json(&json!({
            "session": place.session.id().to_string(),
            "branch": branch.name,
            "message": appended.messages.last().map(ToString::to_string),
            "head": appended.head.to_string(),
            "appended": count,
        }))?;
        return Ok(());
    }
    Ok(output::line(&format!("{count} messages"))?)
}

/// The lines of a file, counted, one at a time.
struct Lines<R> {
    reader: R,
    number: usize,
}

impl<R: BufRead> Lines<R> {
    const fn new(reader: R) -> Self {
        Self { reader, number: 0 }
    }

    /// The next messages, all or nothing: a batch with a bad line in it is not begun.
    fn batch(&mut self) -> Result<Vec<Draft>, Failure> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            let Some((draft, length)) = self.next()? else { break };
            batch.push(draft);
            bytes += length;
        }
        Ok(batch)
    }

    /// The next message, and the bytes of its line.
    fn next(&mut self) -> Result<Option<(Draft, usize)>, Failure> {
        loop {
            // Escapes can make a line longer than the text it holds, at most sixfold.
            let limit = u64::try_from(MESSAGE_BYTES_MAX).unwrap_or(u64::MAX).saturating_mul(6);
            let mut line = Vec::new();
            let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if !line.trim_ascii().is_empty() {
                return self.parse(&line).map(|draft| Some((draft, line.len())));
            }
        }
    }

    fn parse(&self, line: &[u8]) -> Result<Draft, Failure> {
        let bad = |problem: String| Failure::usage(format!("line {}: {problem}", self.number));
        let Line { role: name, sender, content, metadata } =
            serde_json::from_slice(line).map_err(|error| bad(error.to_string()))?;
        let role = role(&name).map_err(|failure| bad(failure.to_string()))?;
        let draft = draft(role, content, None).map_err(|failure| bad(failure.to_string()))?;
        let draft = draft.with_metadata(metadata);
        let draft = match sender {
            Some(sender) => draft.with_sender(sender),
            None => draft,
        };
        draft.check().map_err(|error| {
            let failure = Failure::from(Error::from(error));
            let message = format!("line {}: {failure}", self.number);
            failure.with_message(message)
        })?;
        Ok(draft)
    }
}
