//! `branchwork db …`: looking after the file of sessions.

use std::{path::Path, process::ExitCode};

use serde_json::json;

use crate::{
    args::DbCommand,
    exit::{Code, Failure},
    output,
    world::World,
};

pub(super) async fn run(world: &World, command: DbCommand) -> Result<ExitCode, Failure> {
    let json = world.global.json;
    match command {
        DbCommand::Verify => return verify(world).await,
        DbCommand::Stats => {
            let stats = world.existing_engine()?.stats().await?;
            let value = json!({
                "sessions": stats.sessions, "branches": stats.branches, "ops": stats.ops,
                "blobs": stats.blobs, "bytes": stats.bytes,
            });
            print(json, &value)?;
        }
        DbCommand::Backup { to } => {
            check_target(&to)?;
            world.store()?.backup(&to).await?;
            if json {
                output::json(&json!({ "path": to.display().to_string() }))?;
            }
        }
        DbCommand::Gc => {
            let report = world.existing_engine()?.gc().await?;
            let value = json!({
                "sessions": report.sessions, "branches": report.branches, "ops": report.ops,
                "blobs": report.blobs,
            });
            print(json, &value)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A copy overwrites nothing, and goes into a directory that is there.
fn check_target(to: &Path) -> Result<(), Failure> {
    let path = to.display();
    if to.symlink_metadata().is_ok() {
        let failure = Failure::new(Code::Conflict, format!("{path} exists already"));
        return Err(failure.with_hint("it is not overwritten"));
    }
    match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() && !parent.is_dir() => {
            let message = format!("{path} cannot be written: its directory does not exist");
            Err(Failure::new(Code::Failure, message))
        }
        _ => Ok(()),
    }
}

/// A flat object: as JSON, or a line a field.
fn print(json: bool, value: &serde_json::Value) -> Result<(), Failure> {
    if json {
        return Ok(output::json(value)?);
    }
    for (key, value) in value.as_object().into_iter().flatten() {
        output::line(&format!("{key}: {value}"))?;
    }
    Ok(())
}

async fn verify(world: &World) -> Result<ExitCode, Failure> {
    let report = world.existing_engine()?.verify().await?;
    let ok = report.problems.is_empty();
    if world.global.json {
        let value = json!({ "ok": ok, "ops": report.ops, "problems": report.problems });
        output::json(&value)?;
    } else {
        for problem in &report.problems {
            output::line(problem)?;
        }
        let verdict = if ok { "ok" } else { "damaged" };
        output::line(&format!("{verdict}: {} ops were read", report.ops))?;
    }
    Ok(if ok { ExitCode::SUCCESS } else { Code::Damaged.exit() })
}
