//! Attributes of spans.

use super::{Spans, event, span};

/// An attribute of spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// The spans and events that may have it.
    pub spans: Spans,
    /// Whether it holds what was said, so that it is told only when that is asked for.
    pub is_content: bool,
    /// What it says.
    pub is: &'static str,
}

/// Names each attribute, and lists it with what its comment says.
macro_rules! attributes {
    ($($(#[doc = $is:literal])+ $name:ident = $text:literal:
        [$($span:ident)* $(; $($event:ident)+)?] $($content:ident)?;)+) => {
        /// The names of attributes.
        pub mod attribute {
            $($(#[doc = $is])+ pub const $name: &str = $text;)+
        }

        /// Every attribute.
        pub const ATTRIBUTES: &[Attribute] = &[$(Attribute {
            name: attribute::$name,
            spans: &[$(span::$span,)* $($(event::$event,)+)?],
            is_content: attributes!(@ $($content)?),
            is: concat!($($is),+),
        }),+];
    };
    (@ content) => { true };
    (@) => { false };
}

attributes! {
    /// `chat`, `embeddings`, `invoke_agent`, `execute_tool` or `invoke_workflow`.
    OPERATION_NAME = "gen_ai.operation.name": [CHAT EMBEDDINGS INVOKE_AGENT EXECUTE_TOOL INVOKE_WORKFLOW];
    /// The provider, by the name that the conventions have for it, else by the name it is registered
    /// under; `_OTHER` when that is none, or a URL.
    PROVIDER_NAME = "gen_ai.provider.name": [CHAT EMBEDDINGS INVOKE_AGENT];
    /// The model that is asked.
    REQUEST_MODEL = "gen_ai.request.model": [CHAT EMBEDDINGS INVOKE_AGENT];
    /// The session.
    CONVERSATION_ID = "gen_ai.conversation.id": [CHAT INVOKE_AGENT EXECUTE_TOOL INVOKE_WORKFLOW SEND_MAIL RECEIVE_MAIL COMMIT];
    /// The branch, as `branchwork.branch.id`.
    AGENT_ID = "gen_ai.agent.id": [INVOKE_AGENT];
    /// The name of the branch.
    AGENT_NAME = "gen_ai.agent.name": [INVOKE_AGENT];
    /// `json` when the answer shall fit a schema.
    OUTPUT_TYPE = "gen_ai.output.type": [CHAT];
    /// How many answers are asked for, when that is not one.
    REQUEST_CHOICE_COUNT = "gen_ai.request.choice.count": [CHAT];
    /// Whether the answer shall come as it is made.
    REQUEST_STREAM = "gen_ai.request.stream": [CHAT];
    /// A setting of the call.
    REQUEST_TEMPERATURE = "gen_ai.request.temperature": [CHAT];
    /// A setting of the call.
    REQUEST_TOP_P = "gen_ai.request.top_p": [CHAT];
    /// A setting of the call.
    REQUEST_TOP_K = "gen_ai.request.top_k": [CHAT];
    /// A setting of the call.
    REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens": [CHAT];
    /// A setting of the call.
    REQUEST_FREQUENCY_PENALTY = "gen_ai.request.frequency_penalty": [CHAT];
    /// A setting of the call.
    REQUEST_PRESENCE_PENALTY = "gen_ai.request.presence_penalty": [CHAT];
    /// A setting of the call: an array of strings, as JSON in `tracing`.
    REQUEST_STOP_SEQUENCES = "gen_ai.request.stop_sequences": [CHAT];
    /// A setting of the call.
    REQUEST_SEED = "gen_ai.request.seed": [CHAT];
    /// How much the model should think.
    REQUEST_REASONING_LEVEL = "gen_ai.request.reasoning.level": [CHAT];
    /// The host of the server; of a chain of providers, that of the first.
    SERVER_ADDRESS = "server.address": [CHAT EMBEDDINGS MCP];
    /// The port of the server.
    SERVER_PORT = "server.port": [CHAT EMBEDDINGS MCP];
    /// The identifier that the server gave the answer.
    RESPONSE_ID = "gen_ai.response.id": [CHAT];
    /// The model that answered, as the server names it.
    RESPONSE_MODEL = "gen_ai.response.model": [CHAT EMBEDDINGS];
    /// Why the model stopped: an array with a string for each answer, as JSON in `tracing`.
    RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons": [CHAT INVOKE_AGENT];
    /// Seconds until the first piece of a streamed answer came.
    RESPONSE_TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk": [CHAT];
    /// Tokens that were read, cached ones included; of a turn, by all its calls.
    USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens": [CHAT EMBEDDINGS INVOKE_AGENT];
    /// Tokens that were written, thoughts included.
    USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens": [CHAT INVOKE_AGENT];
    /// Tokens that were read from the provider's cache.
    USAGE_CACHE_READ_INPUT_TOKENS = "gen_ai.usage.cache_read.input_tokens": [CHAT INVOKE_AGENT];
    /// Tokens that were read and put in the provider's cache.
    USAGE_CACHE_WRITE_INPUT_TOKENS = "gen_ai.usage.cache_write.input_tokens": [CHAT INVOKE_AGENT];
    /// Tokens of thoughts.
    USAGE_REASONING_OUTPUT_TOKENS = "gen_ai.usage.reasoning.output_tokens": [CHAT INVOKE_AGENT];
    /// How long the vectors shall be, when that is said.
    EMBEDDINGS_DIMENSION_COUNT = "gen_ai.embeddings.dimension.count": [EMBEDDINGS];
    /// The name of the tool.
    TOOL_NAME = "gen_ai.tool.name": [EXECUTE_TOOL MCP];
    /// Always `function`.
    TOOL_TYPE = "gen_ai.tool.type": [EXECUTE_TOOL];
    /// What pairs the call with its result.
    TOOL_CALL_ID = "gen_ai.tool.call.id": [EXECUTE_TOOL];
    /// What the model is told the tool does.
    TOOL_DESCRIPTION = "gen_ai.tool.description": [EXECUTE_TOOL];
    /// The name of the flow.
    WORKFLOW_NAME = "gen_ai.workflow.name": [INVOKE_WORKFLOW];
    /// The request, as the protocol names it.
    MCP_METHOD_NAME = "mcp.method.name": [MCP];
    /// The version of the protocol that is spoken.
    MCP_PROTOCOL_VERSION = "mcp.protocol.version": [MCP];
    /// What is read.
    MCP_RESOURCE_URI = "mcp.resource.uri": [MCP];
    /// `pipe` for a child process, `tcp` for a URL.
    NETWORK_TRANSPORT = "network.transport": [MCP];
    /// The code of the error that the server answered with.
    RPC_RESPONSE_STATUS_CODE = "rpc.response.status_code": [MCP];
    /// Why it failed: see below. With it, the status of the span is an error.
    ERROR_TYPE = "error.type": [CHAT EMBEDDINGS INVOKE_AGENT EXECUTE_TOOL INVOKE_WORKFLOW MCP STEP SEND_MAIL RECEIVE_MAIL COMMIT; RETRY];
    /// The branch.
    BRANCH_ID = "branchwork.branch.id": [CHAT INVOKE_AGENT EXECUTE_TOOL INVOKE_WORKFLOW STEP SEND_MAIL RECEIVE_MAIL COMMIT];
    /// How often the call failed and was made anew.
    RETRIES = "branchwork.retries": [CHAT; RETRY];
    /// Seconds that were waited before it was made anew.
    RETRY_WAIT = "branchwork.retry.wait": [; RETRY];
    /// What the call cost in US dollars, when its price is known.
    COST_USD = "branchwork.cost_usd": [CHAT];
    /// `chat`, `retry` or `resume`.
    TURN_KIND = "branchwork.turn.kind": [INVOKE_AGENT];
    /// How often the model was asked.
    TURN_ROUNDS = "branchwork.turn.rounds": [INVOKE_AGENT];
    /// The limit that ended the turn, when one did.
    TURN_LIMIT = "branchwork.turn.limit": [INVOKE_AGENT];
    /// Whether it waits now: for approval of its calls, or for a larger budget.
    TURN_PARKED = "branchwork.turn.parked": [INVOKE_AGENT];
    /// The turn that this one goes on from, as a W3C `traceparent`; the exporter makes a span link of it.
    TURN_LINK = "branchwork.turn.link": [INVOKE_AGENT];
    /// The op that it goes on from: where the head of the branch was.
    PARENT_NODE_ID = "branchwork.parent_node.id": [INVOKE_AGENT];
    /// The op that it ends with: where the head of the branch is then.
    NODE_ID = "branchwork.node.id": [INVOKE_AGENT];
    /// The name of the step.
    FLOW_STEP = "branchwork.flow.step": [STEP];
    /// The mail.
    MAIL_ID = "branchwork.mail.id": [SEND_MAIL];
    /// How many mails were taken in.
    MAIL_TAKEN = "branchwork.mail.taken": [RECEIVE_MAIL];
    /// How many mails were looked at and left.
    MAIL_LEFT = "branchwork.mail.left": [RECEIVE_MAIL];
    /// How many ops are written.
    COMMIT_OPS = "branchwork.commit.ops": [COMMIT];
    /// The name of the MCP server.
    MCP_SERVER = "branchwork.mcp.server": [MCP];
    /// What the model was shown, without system messages, as JSON.
    INPUT_MESSAGES = "gen_ai.input.messages": [CHAT] content;
    /// What the model answered, all of its answers, as JSON.
    OUTPUT_MESSAGES = "gen_ai.output.messages": [CHAT] content;
    /// The system messages, as JSON.
    SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions": [CHAT] content;
    /// The tools on offer, as JSON.
    TOOL_DEFINITIONS = "gen_ai.tool.definitions": [CHAT] content;
    /// What the tool was called with, as JSON.
    TOOL_CALL_ARGUMENTS = "gen_ai.tool.call.arguments": [EXECUTE_TOOL] content;
    /// What the tool gave, as JSON.
    TOOL_CALL_RESULT = "gen_ai.tool.call.result": [EXECUTE_TOOL] content;
    /// The name for OpenTelemetry, which is that of the span there.
    OTEL_NAME = "otel.name": [CHAT EMBEDDINGS INVOKE_AGENT EXECUTE_TOOL INVOKE_WORKFLOW MCP STEP];
    /// The kind for OpenTelemetry: `client`; without it, internal.
    OTEL_KIND = "otel.kind": [CHAT EMBEDDINGS MCP];
    /// The status for OpenTelemetry: `error`; without it, unset.
    OTEL_STATUS_CODE = "otel.status_code": [CHAT EMBEDDINGS INVOKE_AGENT EXECUTE_TOOL INVOKE_WORKFLOW MCP STEP SEND_MAIL RECEIVE_MAIL COMMIT];
    /// What went wrong, without anything that was said.
    OTEL_STATUS_DESCRIPTION = "otel.status_description": [CHAT EMBEDDINGS INVOKE_AGENT];
}
