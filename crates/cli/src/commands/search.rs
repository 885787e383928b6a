//! `branchwork search`: messages by their text.

use std::collections::BTreeMap;

use branchwork::{
    BranchNames, Engine,
    core::{
        id::SessionId,
        message::Role,
        store::{Hit, Search},
    },
    time::rfc3339,
};
use serde_json::{Value, json};

use crate::{args::SearchArgs, exit::Failure, output, place, world::World};

pub(super) async fn run(world: &World, args: SearchArgs) -> Result<(), Failure> {
    if args.query.trim().is_empty() {
        return Err(Failure::usage("the text to search for is empty"));
    }
    let engine = world.existing_engine()?;
    let mut search = Search::new(args.query).with_limit(args.limit);
    if let Some(session) = &args.session {
        search = search.in_session(place::session(engine, Some(session)).await?.id());
    }
    if let Some(role) = &args.role {
        search = search.with_role(role_of(role)?);
    }
    let hits = engine.search(&search).await?;
    if world.global.json {
        let hits: Vec<Value> = hits.iter().map(value).collect();
        return Ok(output::json(&json!({ "hits": hits }))?);
    }
    let names = Names::of(engine, &hits).await?;
    for hit in hits {
        let place = world.paint.dim(&format!("{}  {}", names.place(&hit), hit.message));
        output::line(&format!("{place}  {}: {}", hit.role, hit.snippet))?;
    }
    Ok(())
}

fn role_of(name: &str) -> Result<Role, Failure> {
    Role::from_name(name).ok_or_else(|| {
        let message = format!("there is no role `{}`", output::one_line(name));
        Failure::usage(message).with_hint("it is one of system, user, assistant, tool")
    })
}

fn value(hit: &Hit) -> Value {
    json!({
        "session": hit.session.to_string(), "branch": hit.branch.to_string(),
        "message": hit.message.to_string(), "role": hit.role.as_str(),
        "at": rfc3339(hit.at), "snippet": hit.snippet,
    })
}

/// What people call the sessions of hits, and their branches.
struct Names(BTreeMap<SessionId, (String, BranchNames)>);

impl Names {
    async fn of(engine: &Engine, hits: &[Hit]) -> Result<Self, Failure> {
        let mut names = BTreeMap::new();
        for hit in hits {
            if names.contains_key(&hit.session) {
                continue;
            }
            let session = engine.open_session(&hit.session.to_string()).await?;
            let name = session.record().await?.name.unwrap_or_else(|| hit.session.to_string());
            names.insert(hit.session, (name, session.branch_names().await?));
        }
        Ok(Self(names))
    }

    /// `session@branch`.
    fn place(&self, hit: &Hit) -> String {
        match self.0.get(&hit.session) {
            Some((session, branches)) => format!("{session}@{}", branches.name(hit.branch)),
            None => format!("{}@{}", hit.session, hit.branch),
        }
    }
}
