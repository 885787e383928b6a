//! The calls of one answer, and what has come of each.

use std::collections::BTreeSet;

use super::CallState;
use crate::{
    graph::CallResult,
    message::{Body, CallId, Draft, Outcome, ToolCall},
    tool::{JudgesCalls, Policy},
};

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
    /// It may run when a person approves of it.
    Held,
    /// It was started.
    Started,
    /// It ended, or cannot be run.
    Ended(Outcome),
    /// It ended, and its result is written.
    Told,
}

impl Calls {
    /// The calls of `body`; those of `tools` can be run, when `judge` lets them. Without any, none is
    /// started.
    pub(super) fn of(
        body: &Body,
        tools: &BTreeSet<String>,
        judge: Option<&dyn JudgesCalls>,
    ) -> Self {
        let Body::ActionRequest { calls, .. } = body else { return Self::default() };
        let progress = |call: &ToolCall| {
            if tools.is_empty() {
                Progress::Waiting
            } else if tools.contains(&call.function) {
                match judge.map_or(Policy::Allow, |judge| judge.judge(call)) {
                    Policy::Allow => Progress::Waiting,
                    Policy::Ask => Progress::Held,
                    Policy::Deny(reason) => Progress::Ended(Outcome::Denied(reason)),
                }
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

    /// The calls of `body`, none of which runs.
    pub(super) fn cancelled(body: &Body, reason: &str) -> Self {
        let Body::ActionRequest { calls, .. } = body else { return Self::default() };
        let cancelled = |call: &ToolCall| {
            (call.clone(), Progress::Ended(Outcome::Cancelled(reason.to_owned())))
        };
        Self { calls: calls.iter().map(cancelled).collect() }
    }

    /// The calls of a turn that was cut off.
    pub(super) fn of_cut_off(calls: Vec<(ToolCall, CallState)>) -> Self {
        let progress = |state| match state {
            CallState::Told => Progress::Told,
            CallState::Ended(outcome) => Progress::Ended(outcome),
            CallState::Runs => Progress::Waiting,
            CallState::Unknown => Progress::Ended(Outcome::Unknown),
        };
        Self { calls: calls.into_iter().map(|(call, state)| (call, progress(state))).collect() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub(super) fn count_to_run(&self) -> usize {
        let may_run = |progress: &Progress| matches!(progress, Progress::Waiting | Progress::Held);
        self.calls.iter().filter(|(_, progress)| may_run(progress)).count()
    }

    /// The calls that a person must approve.
    pub(super) fn held(&self) -> Vec<CallId> {
        let held = self.calls.iter().filter(|(_, progress)| *progress == Progress::Held);
        held.map(|(call, _)| call.id.clone()).collect()
    }

    /// What is known already of calls that do not run.
    pub(super) fn ended(&self) -> Vec<CallResult> {
        self.calls.iter().filter_map(result_of).collect()
    }

    /// Whether a call has no result that is written.
    pub(super) fn any_is_untold(&self) -> bool {
        self.calls.iter().any(|(_, progress)| *progress != Progress::Told)
    }

    pub(super) fn all_ended(&self) -> bool {
        let has_ended =
            |progress: &Progress| matches!(progress, Progress::Ended(_) | Progress::Told);
        self.calls.iter().all(|(_, progress)| has_ended(progress))
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

    /// Notes what came of a call that was started, and answers whether that was news: the first word
    /// counts.
    pub(super) fn end(&mut self, id: &CallId, outcome: Outcome) -> bool {
        let started = |(call, progress): &&mut (ToolCall, Progress)| {
            call.id == *id && *progress == Progress::Started
        };
        let Some((_, progress)) = self.calls.iter_mut().find(started) else { return false };
        *progress = Progress::Ended(outcome);
        true
    }

    /// Lets a call that ended, and is not told, have ended otherwise.
    pub(super) fn revise(&mut self, id: &CallId, outcome: Outcome) {
        let ended = |(call, progress): &&mut (ToolCall, Progress)| {
            call.id == *id && matches!(progress, Progress::Ended(_))
        };
        if let Some((_, progress)) = self.calls.iter_mut().find(ended) {
            *progress = Progress::Ended(outcome);
        }
    }

    /// The results that can be told: of calls that ended, up to the first that has not.
    pub(super) fn tell(&mut self) -> Vec<Draft> {
        let mut told = Vec::new();
        for (call, progress) in &mut self.calls {
            match std::mem::replace(progress, Progress::Told) {
                Progress::Told => {}
                Progress::Ended(outcome) => {
                    told.push(Draft::result(call.id.clone(), call.function.clone(), outcome));
                }
                open => {
                    *progress = open;
                    break;
                }
            }
        }
        told
    }

    /// What came of a call that ended and could not be told.
    pub(super) fn untold(&self, id: &CallId) -> Option<CallResult> {
        self.calls.iter().find(|(call, _)| call.id == *id).and_then(result_of)
    }

    /// A result for each call that has none yet, in their order. A call that was started and has not
    /// ended may have taken effect; one that was not is cancelled for `reason`.
    pub(super) fn results(&self, reason: &str) -> Vec<Draft> {
        let result = |(call, progress): &(ToolCall, Progress)| {
            let outcome = match progress {
                Progress::Ended(outcome) => outcome.clone(),
                Progress::Started => Outcome::Unknown,
                Progress::Waiting | Progress::Held => Outcome::Cancelled(reason.to_owned()),
                Progress::Told => return None,
            };
            Some(Draft::result(call.id.clone(), call.function.clone(), outcome))
        };
        self.calls.iter().filter_map(result).collect()
    }
}

/// What came of a call, when it ended.
fn result_of((call, progress): &(ToolCall, Progress)) -> Option<CallResult> {
    let Progress::Ended(outcome) = progress else { return None };
    let (call, function) = (call.id.clone(), call.function.clone());
    Some(CallResult { call, function, outcome: outcome.clone() })
}
