//! The OpenAI Chat Completions protocol, against any server that speaks it.
//!
//! A call is: [`request`] renders the bytes, [`provider`] sends them, [`answer`] reads what comes,
//! [`errors`] says why it went wrong. What differs between servers is in [`dialect`].

mod answer;
mod base_url;
pub mod dialect;
mod errors;
mod models;
mod options;
mod provider;
mod request;

pub use self::{base_url::InvalidBaseUrl, options::OpenAiOptions, provider::OpenAi};
