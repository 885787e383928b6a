//! Breakpoints of the prompt cache.

use branchwork_core::config::Config;
use serde_json::{Value, json};

use crate::wire::Pen;

/// How many breakpoints a request may have.
pub(super) const BREAKPOINTS_MAX: usize = 4;

/// Those at points where branches part; the last ones count, because they cover the most. Of the others
/// one is at the end of the system prompt, and the one that the API moves along is at the tail.
pub(in crate::anthropic) const FORKS_MAX: usize = BREAKPOINTS_MAX - 2;

/// The name of the extra parameter that says how long is cached, or that nothing is.
pub(super) const CACHE_CONTROL: &str = "cache_control";

/// What a breakpoint says, the same for all: longer ones must come before shorter ones. `None` when
/// nothing is to be cached.
///
/// # Errors
///
/// A clause, when the extra parameter is neither an object nor `null`.
pub(super) fn cache_control(config: &Config) -> Result<Option<Value>, String> {
    match config.extras.get(CACHE_CONTROL) {
        None => Ok(Some(json!({ "type": "ephemeral" }))),
        Some(Value::Null) => Ok(None),
        Some(control @ Value::Object(_)) => Ok(Some(control.clone())),
        Some(_) => {
            Err(format!("the extra parameter `{CACHE_CONTROL}` is neither an object nor null"))
        }
    }
}

/// Makes the object that was written last a breakpoint.
///
/// # Errors
///
/// As for [`cache_control`].
pub(super) fn mark_last(pen: &mut Pen, config: &Config) -> Result<(), String> {
    let Some(control) = cache_control(config)? else { return Ok(()) };
    pen.bytes.pop();
    pen.raw(",\"cache_control\":");
    pen.json(&control)?;
    pen.raw("}");
    Ok(())
}
