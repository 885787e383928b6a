//! `branchwork replay`: a branch is had again from its log, offline, and compared.

use std::{collections::BTreeSet, process::ExitCode, sync::Arc};

use branchwork::{
    Session,
    providers::HttpProvider,
    replay::{Difference, Drift, Place as Where, Replayed},
};
use serde_json::{Value, json};

use crate::{
    args::ReplayArgs,
    exit::{Code, Failure},
    output,
    place::{self, Place},
    provider,
    world::World,
};

pub(super) async fn run(world: &World, args: ReplayArgs) -> Result<ExitCode, Failure> {
    let engine = world.existing_engine()?;
    let Place { session, branch, .. } = place::branch(engine, args.place.as_deref()).await?;
    let from = match &args.from {
        Some(from) => Some(branch.message(from).await?.id),
        None => None,
    };
    register(world, &session).await?;
    let replay = if args.drift { branch.replay().with_drift() } else { branch.replay() };
    let replayed = match from {
        Some(from) => replay.from(from).await?,
        None => replay.await?,
    };
    if world.global.json {
        let name = branch.record().await?.name;
        output::json(&value(&session, &name, &replayed))?;
    } else {
        print(world, &replayed)?;
    }
    let differs = !replayed.drifts.is_empty();
    Ok(if differs { Code::Differs.exit() } else { ExitCode::SUCCESS })
}

/// Makes the providers known in whose words requests were put: without keys, as nothing is sent.
async fn register(world: &World, session: &Session) -> Result<(), Failure> {
    let calls = session.calls().await?;
    let names: BTreeSet<_> = calls.iter().map(|call| &call.call.request.provider).collect();
    for name in names {
        if let Some(options) = provider::wording(&world.config, name) {
            session.engine().register(name, Arc::new(HttpProvider::new(options)?));
        } else {
            world.note(&format!(
                "the provider `{name}` is not known here: what it was asked is compared by what it says"
            ));
        }
    }
    Ok(())
}

fn print(world: &World, replayed: &Replayed) -> Result<(), Failure> {
    for drift in &replayed.drifts {
        output::line(&world.paint.removed(&output::one_line(&drift.to_string())))?;
        for (logged, now) in excerpts(drift) {
            output::line(&format!("  logged: {}", output::one_line(logged)))?;
            output::line(&format!("  now:    {}", output::one_line(now)))?;
        }
    }
    for copied in &replayed.copied {
        output::line(&format!("the turn of {} was copied: {}", copied.first, copied.why))?;
    }
    let Replayed { turns, calls, messages, drifts, .. } = replayed;
    let had = [(turns, "turn"), (calls, "call"), (messages, "message")];
    let had = had.map(|(count, what)| counted(*count, what)).join(", ");
    let end = match drifts.len() {
        0 => "all as logged".to_owned(),
        1 => "one thing differs".to_owned(),
        count => format!("{count} things differ"),
    };
    Ok(output::line(&format!("{had}: {end}"))?)
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The texts of `drift` from where they differ: as they were logged, and as they are now.
fn excerpts(drift: &Drift) -> Vec<(&str, &str)> {
    match drift {
        Drift::Said { place, .. } => excerpt(place).into_iter().collect(),
        Drift::Asked { differences, .. } => {
            differences.iter().filter_map(message_excerpt).collect()
        }
        _ => Vec::new(),
    }
}

fn message_excerpt(difference: &Difference) -> Option<(&str, &str)> {
    match difference {
        Difference::Message { place, .. } => excerpt(place),
        _ => None,
    }
}

fn excerpt(place: &Where) -> Option<(&str, &str)> {
    match place {
        Where::Text { logged, now, .. } => Some((logged, now)),
        _ => None,
    }
}

fn value(session: &Session, branch: &str, replayed: &Replayed) -> Value {
    let copied = replayed
        .copied
        .iter()
        .map(|copied| json!({ "message": copied.first.to_string(), "why": copied.why }));
    json!({
        "session": session.id().to_string(),
        "branch": branch,
        "turns": replayed.turns,
        "calls": replayed.calls,
        "messages": replayed.messages,
        "copied": copied.collect::<Vec<_>>(),
        "drifts": replayed.drifts.iter().map(drift_value).collect::<Vec<_>>(),
    })
}

fn drift_value(drift: &Drift) -> Value {
    let mut value = json!({
        "kind": drift.kind(),
        "message": drift.message().map(|message| message.to_string()),
        "text": drift.to_string(),
    });
    match drift {
        Drift::Asked { differences, .. } => {
            let differences: Vec<_> = differences.iter().map(difference_value).collect();
            output::set(&mut value, "differences", differences);
        }
        Drift::Said { place, .. } => output::set(&mut value, "place", place_value(place)),
        _ => {}
    }
    value
}

fn difference_value(difference: &Difference) -> Value {
    let text = difference.to_string();
    match difference {
        Difference::Setting(change) => json!({
            "text": text, "setting": change.name, "before": change.before, "after": change.after,
        }),
        Difference::Tools { added, removed, changed } => json!({
            "text": text, "added": added, "removed": removed, "changed": changed,
        }),
        Difference::Message { index, place } => json!({
            "text": text, "index": index, "place": place_value(place),
        }),
        Difference::Choices { logged, asked } => json!({
            "text": text, "logged": logged, "asked": asked,
        }),
        Difference::Messages { logged, asked } => json!({
            "text": text, "logged": logged, "asked": asked,
        }),
        Difference::Words { known } => json!({ "text": text, "known": known }),
        _ => json!({ "text": text }),
    }
}

fn place_value(place: &Where) -> Value {
    match place {
        Where::Text { byte, logged, now } => json!({ "byte": byte, "logged": logged, "now": now }),
        other => json!(other.to_string()),
    }
}
