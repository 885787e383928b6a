//! `branchwork sessions …`.

use branchwork::{Engine, Session, core::store::SessionRecord, time::rfc3339};
use serde_json::{Value, json};

use super::confirm;
use crate::{
    args::SessionsCommand,
    exit::Failure,
    output::{self, branch_value},
    place,
    world::World,
};

pub(super) async fn run(world: &World, command: SessionsCommand) -> Result<(), Failure> {
    match command {
        SessionsCommand::List { all } => list(world, all).await,
        SessionsCommand::Show { session } => show(world, &session).await,
        SessionsCommand::Rename { session, name } => {
            let session = find(world, &session).await?;
            session.rename(Some(name)).await?;
            report(world, &session).await
        }
        SessionsCommand::Archive { session } => {
            let session = find(world, &session).await?;
            session.archive().await?;
            report(world, &session).await
        }
        SessionsCommand::Unarchive { session } => {
            let session = find(world, &session).await?;
            session.unarchive().await?;
            report(world, &session).await
        }
        SessionsCommand::Delete { session, yes } => delete(world, &session, yes).await,
        SessionsCommand::Search(args) => super::search::run(world, args).await,
    }
}

async fn find(world: &World, session: &str) -> Result<Session, Failure> {
    place::session(world.existing_engine()?, Some(session)).await
}

fn value(session: &SessionRecord) -> Value {
    json!({
        "id": session.id.to_string(),
        "name": session.name,
        "branches": session.branches,
        "messages": session.messages,
        "created": rfc3339(session.created),
        "updated": rfc3339(session.updated),
        "archived": session.archived.map(rfc3339),
    })
}

pub(super) async fn list(world: &World, all: bool) -> Result<(), Failure> {
    // No file has no sessions: that is no failure of a list.
    let scratch = Engine::in_memory();
    let engine = if world.db()?.exists() { world.existing_engine()? } else { &scratch };
    let sessions = engine.sessions().await?;
    let shown = sessions.iter().filter(|session| all || session.archived.is_none());
    if world.global.json {
        let sessions: Vec<Value> = shown.map(value).collect();
        return Ok(output::json(&json!({ "sessions": sessions }))?);
    }
    for session in shown {
        let name = session.name.as_deref().unwrap_or("(unnamed)");
        let (branches, messages) = (session.branches, session.messages);
        let archived = if session.archived.is_some() { "  archived" } else { "" };
        let counts = format!("{branches} branches, {messages} messages{archived}");
        let id = world.paint.dim(&session.id.to_string());
        let name = world.paint.bold(name);
        output::line(&format!("{name}  {counts}  {}  {id}", rfc3339(session.updated)))?;
    }
    Ok(())
}

async fn show(world: &World, session: &str) -> Result<(), Failure> {
    let session = find(world, session).await?;
    let record = session.record().await?;
    let branches = session.branches().await?;
    if world.global.json {
        let mut value = value(&record);
        if let Value::Object(fields) = &mut value {
            let default = record.default_branch;
            let rows = branches.iter().map(|branch| branch_value(branch, default)).collect();
            fields.insert("branches".to_owned(), rows);
        }
        return Ok(output::json(&value)?);
    }
    output::line(&format!("id: {}", record.id))?;
    output::line(&format!("name: {}", record.name.as_deref().unwrap_or("(unnamed)")))?;
    output::line(&format!("created: {}", rfc3339(record.created)))?;
    output::line(&format!("updated: {}", rfc3339(record.updated)))?;
    output::line(&format!("messages: {}", record.messages))?;
    for branch in branches {
        let mark = if branch.id == record.default_branch { "*" } else { " " };
        output::line(&format!("{mark} {}: {} messages", branch.name, branch.messages))?;
    }
    Ok(())
}

async fn report(world: &World, session: &Session) -> Result<(), Failure> {
    let record = session.record().await?;
    if world.global.json {
        output::json(&value(&record))?;
    }
    Ok(())
}

async fn delete(world: &World, session: &str, yes: bool) -> Result<(), Failure> {
    let session = find(world, session).await?;
    let record = session.record().await?;
    let name = record.name.unwrap_or_else(|| record.id.to_string());
    let (branches, messages) = (record.branches, record.messages);
    confirm(&format!("deleting `{name}`, {branches} branches, {messages} messages,"), yes)?;
    session.delete().await?;
    if world.global.json {
        output::json(&json!({ "deleted": record.id.to_string() }))?;
    }
    Ok(())
}
