//! `branchwork config-branch`: the configuration of a branch. Each change can be undone.

use branchwork::{
    Error,
    core::config::{ConfigPatch, SettingError, is_text},
};
use serde_json::{Map, Value, json};

use super::info::plain;
use crate::{
    args::ConfigBranchCommand,
    exit::{Code, Failure},
    output,
    place::{self, Place},
    world::World,
};

pub(super) async fn run(world: &World, command: ConfigBranchCommand) -> Result<(), Failure> {
    let engine = world.existing_engine()?;
    match command {
        ConfigBranchCommand::Get { place, key: None } => {
            let place = place::branch(engine, Some(&place)).await?;
            let config = place.branch.view().await?.config().settings();
            if world.global.json {
                return report(&place, json!({ "config": config })).await;
            }
            print(&config)
        }
        ConfigBranchCommand::Get { place, key: Some(key) } => {
            let place = place::branch(engine, Some(&place)).await?;
            let value = place.branch.view().await?.config().setting(&key).map_err(Error::from)?;
            let value = value.ok_or_else(|| {
                Failure::new(Code::NotFound, format!("`{key}` is not set on this branch"))
            })?;
            if world.global.json {
                return report(&place, json!({ "key": key, "value": value })).await;
            }
            Ok(output::line(&plain(&value))?)
        }
        ConfigBranchCommand::Set { place, key, value } => {
            let value = parse(&key, value)?;
            set(world, &place, &key, value).await
        }
        ConfigBranchCommand::Unset { place, key } => set(world, &place, &key, Value::Null).await,
    }
}

/// Prints settings, one a line.
pub(super) fn print(settings: &Map<String, Value>) -> Result<(), Failure> {
    for (name, value) in settings {
        output::line(&format!("{name} = {}", plain(value)))?;
    }
    Ok(())
}

async fn set(world: &World, place: &str, key: &str, value: Value) -> Result<(), Failure> {
    let patch = ConfigPatch::default().with_setting(key, value.clone()).map_err(Error::from)?;
    let place = place::branch(world.existing_engine()?, Some(place)).await?;
    place.branch.configure(patch).await?;
    if world.global.json {
        return report(&place, json!({ "key": key, "value": value })).await;
    }
    Ok(())
}

/// The value that a person wrote: a text as it is, anything else as JSON.
pub(super) fn parse(key: &str, value: String) -> Result<Value, Failure> {
    if is_text(key) {
        return Ok(Value::String(value));
    }
    // The name is checked first: what kind of value it wants is not known before.
    ConfigPatch::default().with_setting(key, Value::Null).map_err(Error::from)?;
    match serde_json::from_str(&value) {
        Ok(parsed) => Ok(parsed),
        // A provider's own parameter may be a text.
        Err(_no_json) if key.starts_with("extras.") => Ok(Value::String(value)),
        Err(error) => Err(Failure::usage(format!("the value of `{key}` is not JSON: {error}"))
            .with_hint("a list of texts is written [\"one\", \"two\"]")),
    }
}

async fn report(place: &Place, mut value: Value) -> Result<(), Failure> {
    let record = place.branch.record().await?;
    output::set(&mut value, "session", place.session.id().to_string());
    output::set(&mut value, "branch", record.name);
    output::set(&mut value, "head", record.head.map(|head| head.to_string()));
    Ok(output::json(&value)?)
}

/// What would be right, when something is nearly so.
pub(crate) fn hint(error: &SettingError) -> String {
    match error {
        SettingError::Unknown { nearest: Some(nearest), .. } => {
            format!("did you mean `{nearest}`?")
        }
        _ => "`extras.NAME` sets what only the provider knows".to_owned(),
    }
}
