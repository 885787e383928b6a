//! The one HTTP client of branchwork: its TLS, and what it never does with a key.
//!
//! Providers and MCP servers are asked with it, so that all of them trust the same certificates.

mod client;
mod loopback;
mod tls;

pub use self::{
    client::{ClientOptions, client},
    loopback::is_loopback,
};
