//! What observers are told: the names of spans, of events, of their attributes and of metrics, each spelled here and
//! nowhere else.
//!
//! Most are those of the OpenTelemetry conventions for generative AI and for MCP as of September 2026,
//! which still change. What those have no name for is named `branchwork.*`. The page
//! `docs/reference/telemetry.md` is made of these lists, and a test compares it. Beside the names stand the few
//! values that are made by rule: what a provider is called, which server a URL is of.

mod attributes;
mod error_types;
mod metrics;
mod provider;
mod server;
mod spans;

pub use self::{
    attributes::{ATTRIBUTES, Attribute, attribute},
    error_types::{ERROR_TYPES, error_type},
    metrics::{METRICS, Measures, Metric, TOKEN_TYPE, metric},
    provider::provider_name,
    server::server,
    spans::{EVENTS, EventKind, SPANS, SpanKind, Spans, event, span},
};
