//! Providers: services that answer model requests, behind [`branchwork_core::provider::Provider`].
//!
//! # Layout
//!
//! | module | holds |
//! |---|---|
//! | `http` | the HTTP client, its TLS and its waits |
//! | `sse` | the framer of server-sent events: bytes in at any split, events out |
//! | `openai` | [`OpenAi`]: the OpenAI Chat Completions protocol against any server |
//! | `mask` | taking keys out of what servers answer |
//! | [`dialect`] | what differs between the servers that speak it, as data |
//!
//! Requests are rendered and answers decoded by pure code; only `http` and two small files of
//! `openai` do I/O. Nothing here reads the environment, starts a task or keeps a state beyond the
//! connections of one [`OpenAi`].
//!
//! ```
//! use branchwork_core::{
//!     config::Config,
//!     provider::{ModelRequest, Provider as _},
//! };
//! use branchwork_providers::{OpenAi, OpenAiOptions};
//!
//! let provider = OpenAi::new(OpenAiOptions::new("localhost:8080")?)?;
//! let mut config = Config::default();
//! config.model = Some("tiny".to_owned());
//! let rendered = provider.render(&ModelRequest::new(Vec::new(), config))?;
//! assert_eq!(rendered.url, "http://localhost:8080/v1/chat/completions");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod mask;
mod openai;
mod retry_after;
mod sse;

pub use branchwork_core::secret::Secret;

pub use self::openai::{InvalidBaseUrl, OpenAi, OpenAiOptions, dialect};
pub use dialect::{Dialect, Preset, preset, presets};
