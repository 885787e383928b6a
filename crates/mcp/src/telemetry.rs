//! What observers are told of requests: spans of `tracing`, by the conventions of OpenTelemetry for MCP.

use branchwork_core::telemetry::{attribute, error_type, span};
use reqwest::Url;
use rmcp::{RoleClient, service::Peer};
use tracing::{Instrument as _, Span, field::Empty, info_span};

use crate::{
    error::McpError,
    server::{McpServer, Transport},
};

/// A server, as observers know it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    server: String,
    transport: &'static str,
    /// Its host and port, when it has a URL. What else that holds may be secret.
    address: Option<(String, u16)>,
}

/// What is asked of a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    method: &'static str,
    tool: Option<&'a str>,
    resource: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// A request of no tool and no resource.
    pub(crate) const fn of(method: &'static str) -> Self {
        Self { method, tool: None, resource: None }
    }

    pub(crate) const fn tool(name: &'a str) -> Self {
        Self { tool: Some(name), ..Self::of("tools/call") }
    }

    pub(crate) const fn resource(uri: &'a str) -> Self {
        Self { resource: Some(uri), ..Self::of("resources/read") }
    }
}

impl Place {
    pub(crate) fn of(server: &McpServer) -> Self {
        let (transport, address) = match &server.transport {
            Transport::Stdio { .. } => ("pipe", None),
            Transport::Http { url, .. } => {
                ("tcp", Url::parse(url).ok().and_then(|url| address(&url)))
            }
        };
        Self { server: server.name().to_owned(), transport, address }
    }
}

fn address(url: &Url) -> Option<(String, u16)> {
    Some((url.host_str()?.to_owned(), url.port_or_known_default()?))
}

/// The span of a request. Dropped before it is told how that ended, it says that it was cancelled.
#[derive(Debug)]
pub(crate) struct RequestSpan(Span);

impl RequestSpan {
    /// Begins.
    pub(crate) fn begin(place: &Place, asked: Asked<'_>) -> Self {
        let address = place.address.as_ref();
        Self(info_span!(
            span::MCP,
            { attribute::OTEL_NAME } = name(asked),
            { attribute::OTEL_KIND } = "client",
            { attribute::MCP_METHOD_NAME } = asked.method,
            { attribute::MCP_SERVER } = place.server.as_str(),
            { attribute::NETWORK_TRANSPORT } = place.transport,
            { attribute::SERVER_ADDRESS } = address.map(|(host, _)| host.as_str()),
            { attribute::SERVER_PORT } = address.map(|(_, port)| i64::from(*port)),
            { attribute::TOOL_NAME } = asked.tool,
            { attribute::MCP_RESOURCE_URI } = asked.resource,
            { attribute::MCP_PROTOCOL_VERSION } = Empty,
            { attribute::RPC_RESPONSE_STATUS_CODE } = Empty,
            { attribute::ERROR_TYPE } = Empty,
            { attribute::OTEL_STATUS_CODE } = Empty,
        ))
    }

    /// Does `work` in it.
    pub(crate) fn within<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        work.instrument(self.0.clone())
    }

    /// Says which protocol is spoken.
    pub(crate) fn speaks(&self, peer: &Peer<RoleClient>) {
        if !self.0.is_disabled()
            && let Some(info) = peer.peer_info()
        {
            self.0.record(attribute::MCP_PROTOCOL_VERSION, info.protocol_version.as_str());
        }
    }

    /// Says that the server answered with an error of that code.
    pub(crate) fn refused(&self, code: i32) {
        let code = code.to_string();
        self.0.record(attribute::RPC_RESPONSE_STATUS_CODE, code.as_str());
        self.fail(&code);
    }

    /// Ends it: it failed for that reason, if for any.
    pub(crate) fn end(mut self, failure: Option<&str>) {
        if let Some(failure) = failure {
            self.fail(failure);
        }
        self.0 = Span::none();
    }

    fn fail(&self, kind: &str) {
        if !self.0.is_disabled() {
            self.0.record(attribute::ERROR_TYPE, kind);
            self.0.record(attribute::OTEL_STATUS_CODE, "error");
        }
    }
}

impl Drop for RequestSpan {
    fn drop(&mut self) {
        self.fail(error_type::CANCELLED);
    }
}

fn name(asked: Asked<'_>) -> String {
    match asked.tool {
        Some(tool) => format!("{} {tool}", asked.method),
        None => asked.method.to_owned(),
    }
}

/// The class of a failure; `None` of one whose code was told.
pub(crate) const fn failure(error: &McpError) -> Option<&'static str> {
    Some(match error {
        McpError::Refused { .. } => return None,
        McpError::OutOfTime { .. } => error_type::TIMEOUT,
        McpError::Lost { .. } => error_type::CONNECTION_LOST,
        McpError::NotStarted { .. } | McpError::Unreachable { .. } | McpError::Closed { .. } => {
            error_type::UNAVAILABLE
        }
        McpError::BadServer { .. } => error_type::OTHER,
    })
}
