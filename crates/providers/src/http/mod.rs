//! HTTP below the protocols: the client, its TLS, and what headers say about waiting.

mod client;
mod retry_after;
mod tls;

pub(crate) use self::{
    client::{ClientOptions, client},
    retry_after::retry_after,
};
