//! Spans, and what happens in them.

/// A kind of span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanKind {
    /// Its name in `tracing`, and what its metrics are found by.
    pub name: &'static str,
    /// Its name for OpenTelemetry, with attributes in braces.
    pub title: &'static str,
    /// `client` when it waits for another program, else `internal`.
    pub role: &'static str,
    /// The level of `tracing`.
    pub level: &'static str,
    /// What it is of.
    pub is: &'static str,
}

/// Spans, by name.
pub type Spans = &'static [&'static str];

/// The names of spans in `tracing`.
pub mod span {
    /// See [`SPANS`](super::SPANS).
    pub const CHAT: &str = "chat";
    /// See [`SPANS`](super::SPANS).
    pub const EMBEDDINGS: &str = "embeddings";
    /// See [`SPANS`](super::SPANS).
    pub const INVOKE_AGENT: &str = "invoke_agent";
    /// See [`SPANS`](super::SPANS).
    pub const EXECUTE_TOOL: &str = "execute_tool";
    /// See [`SPANS`](super::SPANS).
    pub const INVOKE_WORKFLOW: &str = "invoke_workflow";
    /// See [`SPANS`](super::SPANS).
    pub const MCP: &str = "mcp";
    /// See [`SPANS`](super::SPANS).
    pub const STEP: &str = "branchwork.step";
    /// See [`SPANS`](super::SPANS).
    pub const SEND_MAIL: &str = "branchwork.send_mail";
    /// See [`SPANS`](super::SPANS).
    pub const RECEIVE_MAIL: &str = "branchwork.receive_mail";
    /// See [`SPANS`](super::SPANS).
    pub const COMMIT: &str = "branchwork.commit";
}

/// What happens in a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventKind {
    /// Its name.
    pub name: &'static str,
    /// The spans that it happens in.
    pub spans: Spans,
    /// The level of `tracing`.
    pub level: &'static str,
    /// What happened.
    pub is: &'static str,
}

/// The names of events.
pub mod event {
    /// See [`EVENTS`](super::EVENTS).
    pub const CHUNK: &str = "branchwork.chunk";
    /// See [`EVENTS`](super::EVENTS).
    pub const RETRY: &str = "branchwork.retry";
}

/// Every kind of event.
pub const EVENTS: &[EventKind] = &[
    EventKind {
        name: event::CHUNK,
        spans: &[span::CHAT],
        level: "trace",
        is: "another piece of an answer came; it says nothing of that",
    },
    EventKind {
        name: event::RETRY,
        spans: &[span::CHAT],
        level: "info",
        is: "the call failed and is made anew, by the same provider or another one",
    },
];

/// Every kind of span.
pub const SPANS: &[SpanKind] = &[
    SpanKind {
        name: span::CHAT,
        title: "chat {gen_ai.request.model}",
        role: "client",
        level: "info",
        is: "a call of a model, from the request to the end of its answer; calls that failed and were made anew are in it",
    },
    SpanKind {
        name: span::EMBEDDINGS,
        title: "embeddings {gen_ai.request.model}",
        role: "client",
        level: "info",
        is: "a call of a model that makes vectors of texts",
    },
    SpanKind {
        name: span::INVOKE_AGENT,
        title: "invoke_agent {gen_ai.agent.name}",
        role: "internal",
        level: "info",
        is: "a turn on a branch, from the wish to the durable end; its model calls and tool calls are in it",
    },
    SpanKind {
        name: span::EXECUTE_TOOL,
        title: "execute_tool {gen_ai.tool.name}",
        role: "internal",
        level: "info",
        is: "a call of a tool",
    },
    SpanKind {
        name: span::INVOKE_WORKFLOW,
        title: "invoke_workflow {gen_ai.workflow.name}",
        role: "internal",
        level: "info",
        is: "a flow: `fan_out`, `best_of`, `react`, `compact`, or one of the program's own, from its begin to when its handle is dropped",
    },
    SpanKind {
        name: span::MCP,
        title: "{mcp.method.name} {gen_ai.tool.name}",
        role: "client",
        level: "info",
        is: "a request to an MCP server",
    },
    SpanKind {
        name: span::STEP,
        title: "branchwork.step {branchwork.flow.step}",
        role: "internal",
        level: "info",
        is: "a named step of a flow of the program's own",
    },
    SpanKind {
        name: span::SEND_MAIL,
        title: "branchwork.send_mail",
        role: "internal",
        level: "info",
        is: "a mail to other branches",
    },
    SpanKind {
        name: span::RECEIVE_MAIL,
        title: "branchwork.receive_mail",
        role: "internal",
        level: "info",
        is: "taking mail in",
    },
    SpanKind {
        name: span::COMMIT,
        title: "branchwork.commit",
        role: "internal",
        level: "debug",
        is: "a part of a step that is made durable",
    },
];
