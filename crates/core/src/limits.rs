//! The bounds of what is kept and sent, in one place: a name, a unit, a reason.
//!
//! Reaching one is a typed error, never silence.

/// Bytes of text in one message, all parts together.
///
/// Above what any model reads today, below what makes a store or a terminal unusable.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes of one message's metadata, as JSON.
pub const METADATA_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a name: of a session, a branch, a sender or a recipient.
pub const NAME_BYTES_MAX: usize = 200;

/// Ops in one commit. Larger appends are split by the caller, so that others get their turn.
pub const COMMIT_OPS_MAX: usize = 10_000;

/// Ops read from a store in one call, so that memory and the wait of others stay bounded.
pub const READ_OPS_MAX: u32 = 2_048;

/// Bytes of text in one mail: it is kept as it was sent, and again where it is taken in.
pub const MAIL_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Messages in one mail: they are taken in by one commit, with what else is in it.
pub const MAIL_MESSAGES_MAX: usize = 2_000;

/// Deliveries that one commit changes: a head that goes back takes all the receipts on its way with it.
pub const COMMIT_MAIL_MAX: usize = 100_000;

/// Deliveries read from a store in one call.
pub const READ_MAIL_MAX: usize = 2_048;

/// Levels of nesting in JSON that comes from outside.
///
/// `serde_json` itself stops at 128; contexts and metadata are stored below a few levels of ours.
pub const JSON_DEPTH_MAX: usize = 96;

/// How often a turn asks the model unless it says otherwise: enough for most work with tools, and an end
/// to a model that goes round in circles.
pub const TURN_ROUNDS_DEFAULT: u32 = 16;

/// Tool calls in one answer of a model.
pub const CALLS_PER_ANSWER_MAX: usize = 128;

/// Bytes of what one call of a tool gives. A larger output is a failure that says so: nobody could use
/// it, and everybody would carry it.
pub const TOOL_OUTPUT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of what one call of a tool gave that a model is shown. The rest stays in the history, and the
/// model is told how much that is.
pub const TOOL_OUTPUT_SHOWN_BYTES_MAX: usize = 256 * 1024;

/// Bytes of what one named step of a flow gives, as JSON: every reader of its branch carries it.
pub const STEP_RESULT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Tool calls of one answer that run at the same time.
pub const CALLS_PARALLEL_MAX: usize = 16;

/// Matches of one search.
pub const SEARCH_HITS_MAX: usize = 1_000;

/// Bytes of one server-sent event or one line of a stream.
pub const STREAM_EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of a response body that is not a stream.
pub const RESPONSE_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Bytes a regular expression may take when it is compiled, so that none takes all memory.
pub const PATTERN_BYTES_MAX: usize = 4 * 1024 * 1024;
