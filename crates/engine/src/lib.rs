//! Durable, branching LLM conversations: fork at any message, go back, lose nothing.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::sync::Arc;
//! # use branchwork_testkit::{Script, ScriptedProvider};
//! use branchwork::Engine;
//!
//! let engine = Engine::in_memory(); // or Engine::open("chats.db")?
//! # let provider = Arc::new(ScriptedProvider::answering(|_| Script::text("Day one.")));
//! engine.register("local", provider);
//! let session = engine.session("trip").model("local:tiny").create().await?;
//! let main = session.default_branch();
//! let reply = main.chat("Plan a day in Rome").await?;
//! let rainy = main.fork("rainy").at(reply.message.id).await?;
//! let (sun, rain) = tokio::try_join!(main.chat("It is sunny"), rainy.chat("It rains"))?;
//! assert_eq!(main.view().await?.len(), 4);
//! main.undo().await?;
//! assert_eq!(main.view().await?.len(), 2);
//! # drop((sun, rain));
//! # Ok(()) }
//! ```
//!
//! # Layout
//!
//! | module | holds |
//! |---|---|
//! | [`Engine`] | the entry: a store, providers, a clock, a source of identifiers |
//! | [`Session`], [`Branch`] | cheap handles, `Clone + Send + Sync` |
//! | [`archive`] | a whole session as lines of JSON, lossless |
//! | [`base`] | [`BaseBranch`]: what every branch can do |
//! | [`chat`] | asking a model: awaited, or as a stream of events; one machine for both |
//! | [`diff`] | what two branches have and did since they were one |
//! | [`events`] | what happens on a branch, numbered: for readers that come late and come back |
//! | [`flows`] | procedures of several turns: fan-out, tournaments, reasoning and acting, your own |
//! | [`mail`] | what branches send each other: messages, tools, configuration, text, data, signals |
//! | [`merge`] | bringing one branch into another |
//! | [`tools`] | functions of the host program that a model may call |
//! | `mcp` | by feature: tools of MCP servers |
//! | [`replay`] | what was logged, had again offline |
//! | [`telemetry`] | what observers are told: spans, and what is in them |
//! | [`table`] | messages and model calls as CSV, JSON, JSON Lines and, by feature, Parquet |
//! | [`time`] | times as people and files write them |
//! | [`usage`] | the call log: what was asked, what came of it, what it used |
//! | [`reference`](mod@reference) | how people name sessions, branches, messages and places |
//! | [`core`] | the words all of it is made of |
//!
//! The engine runs inside a tokio runtime. It spawns nothing unless a turn is dropped half-way, or a tool
//! blocks.

pub mod archive;
pub mod base;
mod branch;
pub mod budget;
pub mod chat;
pub mod diff;
mod engine;
mod error;
pub mod events;
pub mod flows;
pub mod mail;
pub mod merge;
mod open;
pub mod reference;
pub mod replay;
mod runtime;
mod session;
pub mod table;
pub mod telemetry;
pub mod time;
pub mod tools;
pub mod usage;

#[doc(inline)]
pub use branchwork_core as core;
pub use branchwork_macros::tool;
#[cfg(feature = "mcp")]
#[doc(inline)]
pub use branchwork_mcp as mcp;
#[cfg(feature = "providers")]
#[doc(inline)]
pub use branchwork_providers as providers;
#[cfg(feature = "sqlite")]
#[doc(inline)]
pub use branchwork_store_sqlite as sqlite;

pub use self::{
    base::BaseBranch,
    branch::{Appended, Branch, Fork, Overview},
    chat::{Chat, ChatStream, Reply, TurnEvent},
    diff::Diff,
    engine::{Engine, EngineBuilder},
    error::{Error, Result},
    merge::{CherryPick, Merge, MergePlan, Merged},
    runtime::{RandomIds, SystemClock},
    session::{BranchNames, InBranch, NewBranch, Session, SessionBuilder},
};

/// The example of the README, compiled.
#[cfg(all(doctest, feature = "providers", feature = "sqlite"))]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The blocks of the guide and of the page on models, compiled and run.
#[cfg(all(doctest, feature = "providers", feature = "sqlite"))]
mod guide {
    #[doc = include_str!("../../../docs/guide/base-branch.md")]
    struct BaseBranch;
    #[doc = include_str!("../../../docs/guide/branch.md")]
    struct Branch;
    #[doc = include_str!("../../../docs/guide/tools.md")]
    struct Tools;
    #[doc = include_str!("../../../docs/guide/flows.md")]
    struct Flows;
    #[doc = include_str!("../../../docs/guide/mail.md")]
    struct Mail;
    #[doc = include_str!("../../../docs/guide/resilience.md")]
    struct Resilience;
    #[doc = include_str!("../../../docs/guide/session.md")]
    struct Session;
    #[doc = include_str!("../../../docs/guide/merging.md")]
    struct Merging;
    #[doc = include_str!("../../../docs/guide/providers.md")]
    struct Providers;
    #[doc = include_str!("../../../docs/guide/replay.md")]
    struct Replay;
    #[doc = include_str!("../../../docs/guide/coming-from-lionagi.md")]
    struct ComingFromLionAgi;
    #[doc = include_str!("../../../docs/reference/models.md")]
    struct Models;
}
