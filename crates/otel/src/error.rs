//! Why telemetry is not sent.

use std::error::Error as StdError;

/// Why telemetry is not sent. No text of it holds a header.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OtelError {
    /// The endpoint, or a variable of the environment, cannot be used: correct it.
    #[error("the export of telemetry cannot be set up")]
    BadSetup {
        /// What is wrong.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Something could not be sent. It is lost.
    #[error("telemetry could not be sent: {problem}")]
    NotSent {
        /// What went wrong last.
        problem: String,
    },
}
