//! `branchwork config-session`: what new branches of a session begin with.

use branchwork::{
    Error, Session,
    core::config::{ConfigPatch, Defaults},
};
use serde_json::{Map, Value, json};

use super::{
    config_branch::{parse, print},
    info::plain,
};
use crate::{
    args::ConfigSessionCommand,
    exit::{Code, Failure},
    output, place,
    world::World,
};

/// The key of the system message, beside the settings.
const SYSTEM: &str = "system";

pub(super) async fn run(world: &World, command: ConfigSessionCommand) -> Result<(), Failure> {
    let engine = world.existing_engine()?;
    match command {
        ConfigSessionCommand::Get { session, key } => {
            let session = place::session(engine, Some(&session)).await?;
            let defaults = session.defaults().await?;
            match key {
                None => show(world, &session, &settings(&defaults)),
                Some(key) => show_one(world, &session, &defaults, &key),
            }
        }
        ConfigSessionCommand::Set { session, key, value } => {
            let value = if key == SYSTEM { Value::String(value) } else { parse(&key, value)? };
            set(world, &session, &key, value).await
        }
        ConfigSessionCommand::Unset { session, key } => {
            set(world, &session, &key, Value::Null).await
        }
    }
}

fn settings(defaults: &Defaults) -> Map<String, Value> {
    let mut settings = defaults.config.settings();
    if let Some(system) = &defaults.system {
        settings.insert(SYSTEM.to_owned(), json!(system));
    }
    settings
}

fn show(world: &World, session: &Session, settings: &Map<String, Value>) -> Result<(), Failure> {
    if world.global.json {
        return report(session, json!({ "config": settings }));
    }
    print(settings)
}

fn show_one(
    world: &World,
    session: &Session,
    defaults: &Defaults,
    key: &str,
) -> Result<(), Failure> {
    let value = match key {
        SYSTEM => defaults.system.as_ref().map(|system| json!(system)),
        key => defaults.config.setting(key).map_err(Error::from)?,
    };
    let value = value.ok_or_else(|| {
        Failure::new(Code::NotFound, format!("`{key}` is not set for this session"))
    })?;
    if world.global.json {
        return report(session, json!({ "key": key, "value": value }));
    }
    Ok(output::line(&plain(&value))?)
}

async fn set(world: &World, session: &str, key: &str, value: Value) -> Result<(), Failure> {
    let session = place::session(world.existing_engine()?, Some(session)).await?;
    let mut defaults = session.defaults().await?;
    if key == SYSTEM {
        defaults.system = value.as_str().map(str::to_owned);
    } else {
        let patch = ConfigPatch::default().with_setting(key, value.clone());
        defaults.config.apply(&patch.map_err(Error::from)?);
    }
    session.set_defaults(defaults).await?;
    if world.global.json {
        return report(&session, json!({ "key": key, "value": value }));
    }
    Ok(())
}

fn report(session: &Session, mut value: Value) -> Result<(), Failure> {
    output::set(&mut value, "session", session.id().to_string());
    Ok(output::json(&value)?)
}
