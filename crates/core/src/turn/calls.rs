//! The calls of one answer, and what has come of each.

use std::collections::BTreeSet;

use crate::message::{Body, CallId, Draft, Outcome, ToolCall};

/// The calls of an answer, in its order.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls {
    calls: Vec<(ToolCall, Progress)>,
}

/// How far a call is.
#[derive(Debug, Clone, PartialEq)]
enum Progress {
    /// It can be run, and was not yet.
    Waiting,
    /// It was started.
    Started,
    /// It ended, or cannot be run.
    Ended(Outcome),
    /// Nobody offered anything that could be run.
    Unoffered,
}

impl Calls {
    /// The calls of `body`; those of `tools` can be run.
    pub(super) fn of(body: &Body, tools: &BTreeSet<String>) -> Self {
        let Body::ActionRequest { calls, .. } = body else { return Self::default() };
        let progress = |call: &ToolCall| {
            if tools.is_empty() {
                Progress::Unoffered
            } else if tools.contains(&call.function) {
                Progress::Waiting
            } else {
                let offered: Vec<&str> = tools.iter().map(String::as_str).collect();
                let offered = offered.join("`, `");
                let message =
                    format!("there is no tool `{}`; there are `{offered}`", call.function);
                Progress::Ended(Outcome::Failed(message))
            }
        };
        Self { calls: calls.iter().map(|call| (call.clone(), progress(call))).collect() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Whether there are calls, and tools to run them.
    pub(super) fn any_is_offered(&self) -> bool {
        self.calls.iter().any(|(_, progress)| *progress != Progress::Unoffered)
    }

    pub(super) fn count_to_run(&self) -> usize {
        self.calls.iter().filter(|(_, progress)| *progress == Progress::Waiting).count()
    }

    pub(super) fn all_ended(&self) -> bool {
        self.calls.iter().all(|(_, progress)| matches!(progress, Progress::Ended(_)))
    }

    /// The calls to run now.
    pub(super) fn start(&mut self) -> Vec<ToolCall> {
        let waiting = self.calls.iter_mut().filter(|(_, progress)| *progress == Progress::Waiting);
        let start = |(call, progress): &mut (ToolCall, Progress)| {
            *progress = Progress::Started;
            call.clone()
        };
        waiting.map(start).collect()
    }

    /// Notes what came of a call that was started; the first word counts.
    pub(super) fn end(&mut self, id: &CallId, outcome: Outcome) {
        let started = |(call, progress): &&mut (ToolCall, Progress)| {
            call.id == *id && *progress == Progress::Started
        };
        if let Some((_, progress)) = self.calls.iter_mut().find(started) {
            *progress = Progress::Ended(outcome);
        }
    }

    /// A result for each call, in their order. A call that was started and has not ended may have
    /// taken effect; one that was not is cancelled for `reason`.
    pub(super) fn results(&self, reason: &str) -> Vec<Draft> {
        let result = |(call, progress): &(ToolCall, Progress)| {
            let outcome = match progress {
                Progress::Ended(outcome) => outcome.clone(),
                Progress::Started => Outcome::Unknown,
                Progress::Waiting | Progress::Unoffered => Outcome::Cancelled(reason.to_owned()),
            };
            Draft::result(call.id.clone(), call.function.clone(), outcome)
        };
        self.calls.iter().map(result).collect()
    }
}
