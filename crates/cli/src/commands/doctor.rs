//! `branchwork doctor`: what is set up, and what is not.

use std::{collections::BTreeSet, process::ExitCode};

use branchwork::{
    core::provider::Provider as _,
    providers::{HttpOptions, HttpProvider, presets},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    config::Config,
    exit::{Code, Failure},
    keys::{self, Found, KeysFile, Place, keyring},
    output, paths, provider,
    world::World,
};

/// One thing that was looked at.
struct Check {
    what: String,
    ok: bool,
    found: String,
    /// Where the key of a provider comes from.
    key: Option<Place>,
}

impl Check {
    fn new(what: impl Into<String>, ok: bool, found: impl Into<String>) -> Self {
        Self { what: what.into(), ok, found: found.into(), key: None }
    }
}

pub(super) async fn run(world: &World) -> Result<ExitCode, Failure> {
    let mut checks = vec![config(), store(world).await?];
    checks.extend(kept_keys());
    checks.extend(configured(world).await);
    checks.extend(local().await);
    let ok = checks.iter().all(|check| check.ok);
    if world.global.json {
        let value = |check: &Check| {
            let Check { what, ok, found, key } = check;
            let key = key.as_ref().map(|key| json!({ "place": key.kind(), "at": key.at() }));
            json!({ "check": what, "ok": ok, "found": found, "key": key })
        };
        let checks: Vec<Value> = checks.iter().map(value).collect();
        output::json(&json!({ "ok": ok, "checks": checks }))?;
    } else {
        for check in &checks {
            let mark = if check.ok { "ok " } else { "bad" };
            let key = check.key.as_ref().map(|key| format!("; the key is that of {key}"));
            let key = key.unwrap_or_default();
            output::line(&format!("{mark}  {}: {}{key}", check.what, check.found))?;
        }
    }
    Ok(if ok { ExitCode::SUCCESS } else { Code::Failure.exit() })
}

/// The configuration file was read before any command; it is sound when there is one.
fn config() -> Check {
    match paths::config_file() {
        Ok(path) if path.exists() => Check::new("configuration", true, path.display().to_string()),
        Ok(path) => {
            let found = format!("{} is not there; the defaults hold", path.display());
            Check::new("configuration", true, found)
        }
        Err(failure) => Check::new("configuration", false, failure.to_string()),
    }
}

/// What keys are kept in: whether it can be read, and by nobody else.
fn kept_keys() -> Vec<Check> {
    let file = match (KeysFile::read(), keys::file()) {
        (Ok(file), Ok(path)) if file.is_there() => {
            Check::new("keys", true, format!("{}, {} keys", path.display(), file.names().count()))
        }
        (Ok(_), Ok(path)) => Check::new("keys", true, format!("{} is not there", path.display())),
        (Err(failure), _) | (_, Err(failure)) => Check::new("keys", false, failure.to_string()),
    };
    let keyring = keyring::IS_BUILT.then(|| match keyring::get("") {
        Ok(_) => Check::new("keyring", true, "it can be used"),
        // Other places are enough.
        Err(failure) => Check::new("keyring", true, failure.to_string()),
    });
    [file].into_iter().chain(keyring).collect()
}

async fn store(world: &World) -> Result<Check, Failure> {
    let path = world.db()?;
    if !path.exists() {
        let found = format!("{} is not there; it is made when needed", path.display());
        return Ok(Check::new("store", true, found));
    }
    let report = match world.existing_engine() {
        Ok(engine) => engine.verify().await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    Ok(match report {
        Ok(report) if report.problems.is_empty() => {
            Check::new("store", true, format!("{}, {} ops", path.display(), report.ops))
        }
        Ok(report) => {
            let found = format!("{}: {} problems", path.display(), report.problems.len());
            Check::new("store", false, found)
        }
        Err(failure) => Check::new("store", false, failure.to_string()),
    })
}

/// The providers that the configuration file names, and those that have a key. Each key is looked for
/// once.
async fn configured(world: &World) -> Vec<Check> {
    let Config { providers, .. } = &world.config;
    let hosted = presets().iter().filter(|preset| !preset.is_local).map(|preset| preset.name);
    let names: BTreeSet<&str> = providers.keys().map(String::as_str).chain(hosted).collect();
    let found = names.into_iter().map(|name| (name, keys::find(&world.config, name)));
    let is_used = |(name, found): &(&str, Result<Option<Found>, Failure>)| {
        providers.contains_key(*name) || matches!(found, Ok(Some(_)))
    };
    let checks = found.filter(is_used).map(async |(name, found)| {
        let what = format!("provider {name}");
        let set_up = found.and_then(|found| {
            let (key, place) = found.map(|Found { key, place }| (key, place)).unzip();
            Ok((provider::options_with(&world.config, name, key)?, place))
        });
        match set_up {
            Ok((options, key)) => Check { key, ..reached(what, options).await },
            Err(failure) => Check::new(what, false, failure.to_string()),
        }
    });
    join_all(checks).await
}

/// Whether the provider says what it serves.
async fn reached(what: String, options: HttpOptions) -> Check {
    let url = options.base_url().to_owned();
    let models = match HttpProvider::new(options) {
        Ok(provider) => provider.models().await,
        Err(error) => Err(error),
    };
    match models {
        Ok(models) => Check::new(what, true, format!("{url}, {} models", models.len())),
        Err(error) => Check::new(what, false, format!("{url}: {}", Failure::from(error))),
    }
}

/// Servers on this machine: it is no fault when there is none.
async fn local() -> Vec<Check> {
    join_all(provider::local_presets().map(async |preset| {
        let found = match provider::probe(preset).await {
            Some((_, model)) => format!("{} serves {model}", preset.base_url),
            None => format!("{} does not answer", preset.base_url),
        };
        Check::new(format!("local {}", preset.name), true, found)
    }))
    .await
}
