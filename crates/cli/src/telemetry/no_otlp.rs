//! Sending spans and metrics, where it is not built with that.

use branchwork::telemetry::Telemetry;
use tracing_subscriber::{Layer, Registry};

use super::ENDPOINTS;
use crate::env;

/// There is none.
#[derive(Debug)]
pub(super) enum Export {}

impl Export {
    /// Notes that what the environment wants is not done.
    pub(super) fn begin(notes: &mut Vec<String>) -> Option<Self> {
        if let Some(name) = ENDPOINTS.iter().find(|name| env::text(name).is_some()) {
            notes.push(format!(
                "{name} is set, and this branchwork was built without `otlp`: nothing is sent"
            ));
        }
        None
    }

    pub(super) fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        match *self {}
    }

    pub(super) fn telemetry(&self) -> Telemetry {
        match *self {}
    }

    pub(super) fn close(self) -> Option<String> {
        match self {}
    }
}
