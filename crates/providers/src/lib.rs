//! Providers: services that answer model requests, behind [`branchwork_core::provider::Provider`].
//!
//! # Layout
//!
//! | module | holds |
//! |---|---|
//! | `provider` | [`HttpProvider`]: sends what is rendered, hands on what is decoded |
//! | `options`, `base_url`, `presets` | how one is set up; what people type as an address; known servers |
//! | `protocol`, `wire` | which protocols there are; what one is made of, as two traits |
//! | `prefix` | conversations that were rendered lately, so that longer ones are not rendered anew |
//! | `transport` | the network, or a recording in its place |
//! | `recording` | what goes over the wire, kept without keys: [`FileRecorder`], [`Cassette`] |
//! | `anthropic` | the Anthropic Messages protocol |
//! | `chat` | the OpenAI Chat Completions protocol; in [`dialect`] what differs between its servers |
//! | `gemini`, `ollama` | the protocols of Google and of Ollama |
//! | `responses` | the OpenAI Responses protocol |
//! | `checks`, `rules` | what is checked of requests; the names of what they say otherwise than the history |
//! | `joined`, `data_url`, `arguments`, `schema` | what requests of several protocols have in common |
//! | `call_ids`, `call_name`, `call_fields`, `cache_key`, `hash` | names of calls and of caches, always the same for the same request; what else is kept of a call |
//! | `fuzzing` | by a feature of its own, what the fuzz targets reach beside all this |
//! | `framing`, `reading` | bytes in at any split, frames out; the one place of an answer that waits |
//! | `loose`, `tally`, `model_list` | what answers of several protocols have in common |
//! | `parser` | [`Parser`]: answers read from bytes, without a server |
//! | `embed` | texts as vectors |
//! | `errors`, `retry_after` | what servers say went wrong, told by what to do about it; how long they ask to wait |
//! | `telemetry` | what observers are told of calls for vectors |
//! | `mask` | taking keys out of what servers answer |
//! | `azure` | what differs between OpenAI and Azure |
//! | [`models`] | what is known of models without asking: limits, abilities, prices |
//! | [`wrap`] | providers around providers: retries, limits, timeouts, fallbacks, a breaker, a cache |
//!
//! Requests are rendered and answers decoded by pure code; only `provider`, `reading`, `transport` and
//! [`FileRecorder`] do I/O. Nothing here reads the environment, starts a task or keeps a state beyond the
//! connections of one [`HttpProvider`], the conversations that it rendered lately, and what a wrapper is there to
//! count or keep.
//!
//! ```
//! use branchwork_core::{
//!     config::Config,
//!     message::{Body, Draft},
//!     provider::{ModelRequest, Provider as _},
//! };
//! use branchwork_providers::{HttpOptions, HttpProvider};
//!
//! let asked = Draft::new(Body::instruction("Where is Rome?")).preview();
//! let provider = HttpProvider::new(HttpOptions::chat("localhost:8080")?)?;
//! let mut config = Config::default();
//! config.model = Some("tiny".to_owned());
//! let rendered = provider.render(&ModelRequest::new(vec![asked.into()], config))?;
//! assert_eq!(rendered.url, "http://localhost:8080/v1/chat/completions");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod anthropic;
mod arguments;
mod azure;
mod base_url;
mod cache_key;
mod call_fields;
mod call_ids;
mod call_name;
mod chat;
mod checks;
mod data_url;
mod embed;
mod errors;
mod framing;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
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
mod prefix;
mod presets;
mod protocol;
mod provider;
mod reading;
mod recording;
mod responses;
mod retry_after;
mod rules;
mod schema;
mod tally;
mod telemetry;
#[cfg(test)]
mod testing;
mod transport;
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
    recording::{Cassette, CassetteError, Ended, Exchange, FileRecorder, Piece, Recorder},
};
pub use dialect::Dialect;

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_of_modules_has_each_of_them_once() {
        let text = include_str!("lib.rs");
        let cells =
            text.lines().filter_map(|line| line.strip_prefix("//! | ")?.split(" | ").next());
        let told =
            cells.flat_map(|cell| cell.split(", ")).map(|name| name.trim_matches(['[', ']', '`']));
        let mut told: Vec<_> = told.filter(|name| *name != "module").collect();
        told.sort_unstable();
        let module = |line: &'static str| {
            line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?.strip_suffix(';')
        };
        let modules: Vec<_> = text.lines().filter_map(module).collect();
        let modules: Vec<_> = modules.into_iter().filter(|name| *name != "testing").collect();
        assert_eq!(told, modules);
    }
}
