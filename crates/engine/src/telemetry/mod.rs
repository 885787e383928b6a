//! What observers are told: spans of `tracing`, by the conventions of OpenTelemetry for generative AI.
//!
//! The engine makes spans of turns, of calls of models and tools, of flows, mail and commits, and gives
//! them the attributes that [`names`] lists. Whoever subscribes gets them; when nobody does, a span costs
//! a look at one number. Metrics are made of spans by the subscriber, as `branchwork-otel` does. What was
//! said is told only when [asked for](Telemetry::with_content); keys never are.
//!
//! - `turn`, `chat` and `operation` are the spans; the names of all are in `branchwork_core::telemetry`.
//! - `content` puts messages in the form that the conventions have for them.
//! - `failure` names why something failed.

mod chat;
mod content;
mod failure;
mod operation;
mod turn;

use std::{fmt, sync::Arc};

use branchwork_core::message::Draft;
#[doc(inline)]
pub use branchwork_core::telemetry as names;
pub use tracing::Span;

pub(crate) use self::{
    chat::ChatSpan,
    operation::{Operation, ToolScope, workflow},
    turn::TurnSpan,
};

/// What an instruction has in its metadata when an exporter followed its turn: the W3C `traceparent` of the
/// turn's span. The first turn of a fork is linked with it. No model sees it.
pub const TRACEPARENT_KEY: &str = "branchwork.traceparent";

type TraceparentOf = dyn Fn(&Span) -> Option<String> + Send + Sync;

/// What an engine tells beside what it always tells.
///
/// ```
/// use branchwork::{Engine, telemetry::Telemetry};
///
/// let engine = Engine::builder().telemetry(Telemetry::new().with_content()).build();
/// # drop(engine);
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Telemetry {
    content: bool,
    traceparent: Option<Arc<TraceparentOf>>,
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { content, traceparent } = self;
        f.debug_struct("Telemetry")
            .field("content", content)
            .field("traceparent", &traceparent.is_some())
            .finish()
    }
}

impl Telemetry {
    /// Tells nothing more.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells what was said, too: messages, arguments and results of tools, descriptions of tools.
    pub const fn with_content(mut self) -> Self {
        self.content = true;
        self
    }

    /// Keeps what `of` says of the span of a turn with its instruction, so that later turns can be linked
    /// with it, also after a restart: the W3C `traceparent`, or `None` when nobody exports the span.
    pub fn with_traceparent(
        mut self,
        of: impl Fn(&Span) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.traceparent = Some(Arc::new(of));
        self
    }

    pub(crate) const fn has_content(&self) -> bool {
        self.content
    }

    /// Keeps with `draft`, which is said in the turn of `span`, how that is found; not where there is no
    /// room for it.
    fn mark(&self, span: &Span, draft: &mut Draft) {
        let Some(of) = &self.traceparent else { return };
        if let Some(traceparent) = of(span) {
            draft.metadata.insert(TRACEPARENT_KEY.to_owned(), traceparent.into());
            if draft.check().is_err() {
                draft.metadata.remove(TRACEPARENT_KEY);
            }
        }
    }
}

/// As the conventions want it: a whole number with a sign.
fn int(number: impl TryInto<i64>) -> Option<i64> {
    number.try_into().ok()
}
