//! `branchwork doctor`: what is set up, and what is not.

use std::process::ExitCode;

use branchwork::{core::provider::Provider as _, providers::HttpProvider};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    env,
    exit::{Code, Failure},
    output, paths, provider,
    world::World,
};

/// One thing that was looked at.
struct Check {
    what: String,
    ok: bool,
    found: String,
}

pub(super) async fn run(world: &World) -> Result<ExitCode, Failure> {
    let mut checks = vec![config(), store(world).await?];
    checks.extend(configured(world).await);
    checks.extend(local().await);
    let ok = checks.iter().all(|check| check.ok);
    if world.global.json {
        let value =
            |check: &Check| json!({ "check": check.what, "ok": check.ok, "found": check.found });
        let checks: Vec<Value> = checks.iter().map(value).collect();
        output::json(&json!({ "ok": ok, "checks": checks }))?;
    } else {
        for check in &checks {
            let mark = if check.ok { "ok " } else { "bad" };
            output::line(&format!("{mark}  {}: {}", check.what, check.found))?;
        }
    }
    Ok(if ok { ExitCode::SUCCESS } else { Code::Failure.exit() })
}

/// The configuration file was read before any command; it is sound when there is one.
fn config() -> Check {
    let what = "configuration".to_owned();
    match paths::config_file() {
        Ok(path) if path.exists() => Check { what, ok: true, found: path.display().to_string() },
        Ok(path) => {
            let found = format!("{} is not there; the defaults hold", path.display());
            Check { what, ok: true, found }
        }
        Err(failure) => Check { what, ok: false, found: failure.to_string() },
    }
}

async fn store(world: &World) -> Result<Check, Failure> {
    let (what, path) = ("store".to_owned(), world.db()?);
    if !path.exists() {
        let found = format!("{} is not there; it is made when needed", path.display());
        return Ok(Check { what, ok: true, found });
    }
    let report = match world.existing_engine() {
        Ok(engine) => engine.verify().await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    Ok(match report {
        Ok(report) if report.problems.is_empty() => {
            Check { what, ok: true, found: format!("{}, {} ops", path.display(), report.ops) }
        }
        Ok(report) => {
            let found = format!("{}: {} problems", path.display(), report.problems.len());
            Check { what, ok: false, found }
        }
        Err(failure) => Check { what, ok: false, found: failure.to_string() },
    })
}

/// The providers that the configuration file or a key in the environment names.
async fn configured(world: &World) -> Vec<Check> {
    let with_key = branchwork::providers::presets()
        .iter()
        .filter(|preset| !preset.is_local && env::text(preset.key_variable).is_some())
        .map(|preset| preset.name.to_owned());
    let names: std::collections::BTreeSet<String> =
        world.config.providers.keys().cloned().chain(with_key).collect();
    join_all(names.into_iter().map(async |name| {
        let what = format!("provider {name}");
        let options = match provider::options(&world.config, &name) {
            Ok(options) => options,
            Err(failure) => return Check { what, ok: false, found: failure.to_string() },
        };
        let url = options.base_url().to_owned();
        let models = match HttpProvider::new(options) {
            Ok(provider) => provider.models().await,
            Err(error) => Err(error),
        };
        match models {
            Ok(models) => {
                Check { what, ok: true, found: format!("{url}, {} models", models.len()) }
            }
            Err(error) => {
                let failure = Failure::from(error);
                Check { what, ok: false, found: format!("{url}: {failure}") }
            }
        }
    }))
    .await
}

/// Servers on this machine: it is no fault when there is none.
async fn local() -> Vec<Check> {
    join_all(provider::local_presets().map(async |preset| {
        let found = match provider::probe(preset).await {
            Some((_, _, model)) => format!("{} serves {model}", preset.base_url),
            None => format!("{} does not answer", preset.base_url),
        };
        Check { what: format!("local {}", preset.name), ok: true, found }
    }))
    .await
}
