//! `branchwork version` and `branchwork completions`.

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::json;

use crate::{args::Cli, exit::Failure, output, world::World};

pub(super) fn run(world: &World) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    if world.global.json {
        output::json(&json!({ "version": version }))?;
    } else {
        output::line(&format!("branchwork {version}"))?;
    }
    Ok(())
}

pub(super) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "branchwork", &mut script);
    Ok(output::piece(&String::from_utf8_lossy(&script))?)
}
