//! Metrics: each is a histogram, and made of spans.

use super::{Spans, attribute, span};

/// A histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its unit, as UCUM writes it.
    pub unit: &'static str,
    /// The upper bounds of its buckets.
    pub boundaries: &'static [f64],
    /// The spans that it is made of.
    pub spans: Spans,
    /// What of them it measures.
    pub measures: Measures,
    /// The attributes of the span that its values have: those that vary little.
    pub attributes: &'static [&'static str],
    /// What it is.
    pub is: &'static str,
}

/// What of a span a metric measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measures {
    /// How long they took.
    Duration,
    /// The tokens that were read and written: a value for each.
    Tokens,
    /// The seconds until the first piece of an answer came.
    FirstChunk,
    /// The seconds between pieces of an answer.
    EachChunk,
}

/// What tells tokens that were read from those that were written, of [`metric::TOKEN_USAGE`]: `input` or
/// `output`.
pub const TOKEN_TYPE: &str = "gen_ai.token.type";

/// The names of metrics.
pub mod metric {
    /// See [`METRICS`](super::METRICS).
    pub const TOKEN_USAGE: &str = "gen_ai.client.token.usage";
    /// See [`METRICS`](super::METRICS).
    pub const OPERATION_DURATION: &str = "gen_ai.client.operation.duration";
    /// See [`METRICS`](super::METRICS).
    pub const TIME_TO_FIRST_CHUNK: &str = "gen_ai.client.operation.time_to_first_chunk";
    /// See [`METRICS`](super::METRICS).
    pub const TIME_PER_OUTPUT_CHUNK: &str = "gen_ai.client.operation.time_per_output_chunk";
    /// See [`METRICS`](super::METRICS).
    pub const EXECUTE_TOOL_DURATION: &str = "gen_ai.execute_tool.duration";
    /// See [`METRICS`](super::METRICS).
    pub const INVOKE_AGENT_DURATION: &str = "gen_ai.invoke_agent.duration";
    /// See [`METRICS`](super::METRICS).
    pub const WORKFLOW_DURATION: &str = "gen_ai.workflow.duration";
    /// See [`METRICS`](super::METRICS).
    pub const MCP_OPERATION_DURATION: &str = "mcp.client.operation.duration";
}

/// Seconds of one operation.
const SECONDS: &[f64] =
    &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

/// Seconds of a turn.
const SECONDS_OF_TURN: &[f64] =
    &[0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6];

/// Seconds of a flow.
const SECONDS_OF_FLOW: &[f64] =
    &[1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 7_200.0];

/// Seconds of a request to an MCP server.
const SECONDS_OF_MCP: &[f64] =
    &[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// Tokens: powers of 4.
const TOKENS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// Calls of models.
const MODELS: Spans = &[span::CHAT, span::EMBEDDINGS];

/// Who was asked.
const ASKED: &[&str] = &[
    attribute::OPERATION_NAME,
    attribute::PROVIDER_NAME,
    attribute::REQUEST_MODEL,
    attribute::RESPONSE_MODEL,
    attribute::SERVER_ADDRESS,
    attribute::SERVER_PORT,
];

/// Who was asked, and how that failed.
const ASKED_AND_CAME: &[&str] = &[
    attribute::OPERATION_NAME,
    attribute::PROVIDER_NAME,
    attribute::REQUEST_MODEL,
    attribute::RESPONSE_MODEL,
    attribute::SERVER_ADDRESS,
    attribute::SERVER_PORT,
    attribute::ERROR_TYPE,
];

/// Every metric.
pub const METRICS: &[Metric] = &[
    Metric {
        name: metric::TOKEN_USAGE,
        unit: "{token}",
        boundaries: TOKENS,
        spans: MODELS,
        measures: Measures::Tokens,
        attributes: ASKED,
        is: "tokens that a call of a model read and wrote, where the provider counted them",
    },
    Metric {
        name: metric::OPERATION_DURATION,
        unit: "s",
        boundaries: SECONDS,
        spans: MODELS,
        measures: Measures::Duration,
        attributes: ASKED_AND_CAME,
        is: "how long a call of a model took",
    },
    Metric {
        name: metric::TIME_TO_FIRST_CHUNK,
        unit: "s",
        boundaries: SECONDS,
        spans: &[span::CHAT],
        measures: Measures::FirstChunk,
        attributes: ASKED,
        is: "how long it took until the first piece of a streamed answer came",
    },
    Metric {
        name: metric::TIME_PER_OUTPUT_CHUNK,
        unit: "s",
        boundaries: SECONDS,
        spans: &[span::CHAT],
        measures: Measures::EachChunk,
        attributes: ASKED,
        is: "how long after the one before it each further piece of a streamed answer came",
    },
    Metric {
        name: metric::EXECUTE_TOOL_DURATION,
        unit: "s",
        boundaries: SECONDS,
        spans: &[span::EXECUTE_TOOL],
        measures: Measures::Duration,
        attributes: &[attribute::TOOL_NAME, attribute::TOOL_TYPE, attribute::ERROR_TYPE],
        is: "how long a call of a tool took",
    },
    Metric {
        name: metric::INVOKE_AGENT_DURATION,
        unit: "s",
        boundaries: SECONDS_OF_TURN,
        spans: &[span::INVOKE_AGENT],
        measures: Measures::Duration,
        attributes: &[attribute::PROVIDER_NAME, attribute::REQUEST_MODEL, attribute::ERROR_TYPE],
        is: "how long a turn took",
    },
    Metric {
        name: metric::WORKFLOW_DURATION,
        unit: "s",
        boundaries: SECONDS_OF_FLOW,
        spans: &[span::INVOKE_WORKFLOW],
        measures: Measures::Duration,
        attributes: &[attribute::WORKFLOW_NAME, attribute::ERROR_TYPE],
        is: "how long a flow took",
    },
    Metric {
        name: metric::MCP_OPERATION_DURATION,
        unit: "s",
        boundaries: SECONDS_OF_MCP,
        spans: &[span::MCP],
        measures: Measures::Duration,
        attributes: &[
            attribute::MCP_METHOD_NAME,
            attribute::TOOL_NAME,
            attribute::MCP_PROTOCOL_VERSION,
            attribute::NETWORK_TRANSPORT,
            attribute::RPC_RESPONSE_STATUS_CODE,
            attribute::SERVER_ADDRESS,
            attribute::SERVER_PORT,
            attribute::ERROR_TYPE,
        ],
        is: "how long a request to an MCP server took",
    },
];
