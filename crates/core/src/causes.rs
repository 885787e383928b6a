//! What an error and its causes say.

use std::error::Error;

/// The message of `error` with those of its causes, each once.
pub fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let said = source.to_string();
        if !message.contains(&said) {
            message = format!("{message}: {said}");
        }
        cause = source.source();
    }
    message
}
