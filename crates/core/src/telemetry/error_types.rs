//! Values of `error.type`.

/// Names each value, and lists it with what its comment says.
macro_rules! error_types {
    ($($(#[doc = $is:literal])+ $name:ident = $text:literal;)+) => {
        /// The values of `error.type`.
        pub mod error_type {
            $($(#[doc = $is])+ pub const $name: &str = $text;)+
        }

        /// Every value of `error.type`, and what it says; an MCP server's own error has its code instead.
        pub const ERROR_TYPES: &[(&str, &str)] = &[$((error_type::$name, concat!($($is),+))),+];
    };
}

error_types! {
    /// whoever waited went away, or somebody stopped it
    CANCELLED = "cancelled";
    /// it took longer than it may
    TIMEOUT = "timeout";
    /// the provider refused the credentials
    AUTH = "auth";
    /// the provider refused the request
    INVALID_REQUEST = "invalid_request";
    /// the conversation is longer than the model can read, or than it may be
    TOO_LONG = "too_long";
    /// the provider limits the rate of calls
    RATE_LIMITED = "rate_limited";
    /// the provider, or the MCP server, cannot be reached
    UNAVAILABLE = "unavailable";
    /// the answer was cut off
    TRUNCATED = "truncated";
    /// the provider sent what its protocol does not allow
    MALFORMED = "malformed";
    /// the model said nothing that a reader could use
    EMPTY_ANSWER = "empty_answer";
    /// a budget is used up
    OVER_BUDGET = "over_budget";
    /// no model or no provider is set up
    NOT_SET_UP = "not_set_up";
    /// the store failed
    STORE = "store";
    /// somebody else was first
    CONFLICT = "conflict";
    /// there is nothing of that name
    NOT_FOUND = "not_found";
    /// a tool failed, or an MCP server says that it did
    TOOL_ERROR = "tool_error";
    /// a tool panicked
    PANIC = "panic";
    /// a tool was called with what it does not take
    INVALID_ARGUMENTS = "invalid_arguments";
    /// a tool gave more than is kept
    OUTPUT_TOO_LARGE = "output_too_large";
    /// the connection with an MCP server broke
    CONNECTION_LOST = "connection_lost";
    /// anything else
    OTHER = "_OTHER";
}
