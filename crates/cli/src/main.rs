//! The `branchwork` command line.
//!
//! | module | holds |
//! |---|---|
//! | `args` | the definitions of commands and options |
//! | `commands` | what they do, one file each |
//! | `repl` | `branchwork chat` |
//! | `output` | printing: data to stdout, everything else to stderr |
//! | `exit` | errors, and the exit code each has |
//! | `env`, `paths`, `config` | the only readers of the environment and of configuration files |
//! | `keys` | keys of providers: where they are looked for, and kept |
//! | `provider` | which server and model are asked |
//! | `calls` | what is put around providers: retries, limits, timeouts, fallbacks |
//! | `budget` | what calls of models may use together |
//! | `mcp` | MCP servers, and which of their tools are offered |
//! | `recording` | what goes over the wire, into a file |
//! | `place` | finding what a reference names |
//! | `input` | standard input |
//! | `telemetry` | what is told of a run, on standard error and to a collector |
//! | `world` | what every command is given |
//! | `reference` | the text of `docs/reference/cli.md` |

mod args;
mod budget;
mod calls;
mod commands;
mod config;
mod env;
mod exit;
mod input;
mod keys;
mod mcp;
mod output;
mod paths;
mod place;
mod provider;
mod recording;
mod reference;
mod repl;
mod telemetry;
mod world;

use std::process::ExitCode;

use clap::Parser as _;

use self::{args::Cli, exit::Failure, world::World};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::refuse(&error),
    };
    let json = cli.global.json;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => Err(Failure::from(error)),
    };
    match result {
        Ok(code) => code,
        Err(failure) => exit::report(&failure, json),
    }
}

async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let Cli { global, ask, command } = cli;
    let world = World::new(global)?;
    let result = match command {
        None => commands::ask::run(&world, ask).await,
        Some(command) => {
            ask.check_unused()?;
            commands::run(&world, command).await
        }
    };
    // Turns that were stopped are written to their end, whatever else went wrong.
    world.close().await?;
    result
}
