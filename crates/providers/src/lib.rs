//! Providers: services that answer model requests, behind [`branchwork_core::provider::Provider`].
//!
//! # Layout
//!
//! | module | holds |
//! |---|---|
//! | `provider` | [`HttpProvider`]: sends what is rendered, hands on what is decoded |
//! | `options`, `presets` | how one is set up; known servers |
//! | `wire` | what a protocol is made of, as two traits |
//! | `framing`, `reading` | bytes in at any split, frames out; the one place of an answer that waits |
//! | `checks`, `joined`, `data_url`, `arguments_object` | what requests of several protocols have in common |
//! | `arguments`, `call_name`, `schema`, `cache_key`, `model_list`, `azure` | what the protocols of OpenAI share |
//! | `embed` | texts as vectors |
//! | `parser` | [`Parser`]: answers read from bytes, without a server |
//! | `errors` | what servers say went wrong, told by what to do about it |
//! | `anthropic` | the Anthropic Messages protocol |
//! | `chat` | the OpenAI Chat Completions protocol; in [`dialect`] what differs between its servers |
//! | `mask` | taking keys out of what servers answer |
//! | [`models`] | what is known of models without asking: limits, abilities, prices |
//! | [`wrap`] | providers around providers: retries, limits, timeouts, fallbacks, a breaker, a cache |
//! | `gemini`, `ollama` | the protocols of Google and of Ollama |
//! | `responses` | the OpenAI Responses protocol |
//!
//! Requests are rendered and answers decoded by pure code; only `provider` and `reading` do I/O. Nothing
//! here reads the environment, starts a task or keeps a state beyond the connections of one
//! [`HttpProvider`] and what a wrapper is there to count or keep.
//!
//! ```
//! use branchwork_core::{
//!     config::Config,
//!     provider::{ModelRequest, Provider as _},
//! };
//! use branchwork_providers::{HttpOptions, HttpProvider};
//!
//! let provider = HttpProvider::new(HttpOptions::chat("localhost:8080")?)?;
//! let mut config = Config::default();
//! config.model = Some("tiny".to_owned());
//! let rendered = provider.render(&ModelRequest::new(Vec::new(), config))?;
//! assert_eq!(rendered.url, "http://localhost:8080/v1/chat/completions");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod anthropic;
mod arguments;
mod arguments_object;
mod azure;
mod base_url;
mod cache_key;
mod call_ids;
mod call_name;
mod chat;
mod checks;
mod data_url;
mod embed;
mod errors;
mod framing;
mod gemini;
mod hash;
mod joined;
mod loose;
mod mask;
mod model_list;
pub mod models;
mod ollama;
mod options;
mod parser;
mod presets;
mod protocol;
mod provider;
mod reading;
mod responses;
mod retry_after;
mod schema;
#[cfg(test)]
mod testing;
mod wire;
pub mod wrap;

pub use branchwork_core::secret::Secret;

pub use self::{
    base_url::InvalidBaseUrl,
    chat::dialect,
    options::HttpOptions,
    parser::Parser,
    presets::{Preset, preset, presets},
    protocol::Protocol,
    provider::HttpProvider,
};
pub use dialect::Dialect;
