//! One turn: an instruction, the answers of the model and what came of the tools it called, until the
//! model is done or a limit is reached; as a machine that does no I/O.
//!
//! The runtime loads the branch, makes a [`Turn`], and goes on like this: run the effects in order,
//! and tell the machine what came of them. What is said is durable before the next effect: the
//! instruction before the model is asked, an answer before its calls run, their results before the
//! model is asked again, and all before the turn is done.
//!
//! ```
//! use branchwork_core::{
//!     message::{Body, Draft},
//!     provider::{Finish, ProviderEvent, Usage},
//!     turn::{Effect, Ending, Input, Turn},
//! };
//!
//! let (mut turn, effects) = Turn::begin(Draft::new(Body::instruction("Hello")));
//! assert!(matches!(effects.as_slice(), [Effect::WriteInstruction(_)]));
//! assert_eq!(turn.step(Input::Written), [Effect::AskModel]);
//! assert_eq!(turn.step(Input::Event(ProviderEvent::Text("Hi".to_owned()))), []);
//! let effects = turn.step(Input::Event(ProviderEvent::Finished(Finish::Stop)));
//! assert!(matches!(effects.as_slice(), [Effect::WriteAnswer(_)]));
//! assert_eq!(turn.step(Input::Written), [Effect::Finish(Ending::Answered)]);
//! ```

mod answer;
mod calls;
mod limits;

use std::{collections::BTreeSet, sync::Arc};

pub use self::{
    answer::Answer,
    limits::{Limit, TurnLimits},
};
use self::{calls::Calls, limits::Spent};
use crate::{
    graph::CallResult,
    message::{Body, CallId, Draft, Outcome, Status, ToolCall},
    provider::{Finish, ProviderEvent, Tariff, Usage},
    tool::JudgesCalls,
};

/// What happened outside, told to the machine.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Input {
    /// What was to be written is durable.
    Written,
    /// The model said something.
    Event(ProviderEvent),
    /// A call of [`Effect::RunCalls`] ended.
    Ran {
        /// The call.
        call: CallId,
        /// What came of it.
        outcome: Outcome,
    },
    /// The provider failed; what had come is a part.
    ProviderFailed,
    /// The caller wants the turn to stop.
    Cancelled,
    /// The time of [`TurnLimits::time`] is over.
    OutOfTime,
    /// The request that is to be sent has that many tokens, more than [`TurnLimits::context`].
    TooLong(u64),
}

/// What the runtime shall do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Effect {
    /// Make the instruction durable, as the beginning of a step.
    WriteInstruction(Draft),
    /// Ask the model, with the branch as it now stands.
    AskModel,
    /// Make the answer, which asks for calls, durable, as the middle of the step.
    WriteCalls {
        /// The answer.
        answer: Draft,
        /// The calls that a person must approve before any of them runs.
        asked: Vec<CallId>,
        /// What is known already of calls that do not run: they are denied, or nobody offers their tool.
        noted: Vec<CallResult>,
    },
    /// Run these calls, side by side, and tell of each when it ends.
    RunCalls(Vec<ToolCall>),
    /// Make what came of a call durable as soon as it ended, as the middle of the step: the results
    /// that can be told, and what is noted of the call when its own cannot be yet. Others still run.
    Record {
        /// Results, in the order of their calls.
        results: Vec<Draft>,
        /// The call that ended before an earlier one.
        noted: Option<CallResult>,
    },
    /// Make the rest of the results durable, as the middle of the step. The model is asked again.
    WriteResults(Vec<Draft>),
    /// Make the rest durable, as the end of the step: the answer, when it is not yet, and the
    /// results of its calls, in their order.
    WriteAnswer(Vec<Draft>),
    /// The turn is over.
    Finish(Ending),
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The model answered.
    Answered,
    /// The model ended its answer and had said nothing.
    Empty,
    /// The provider failed; what had come is kept.
    Failed,
    /// The caller stopped it; what had come is kept.
    Interrupted,
    /// It went as far as it may.
    Limited(Limit),
    /// Calls wait for approval. It goes on when it is resumed.
    Parked,
}

/// Where a turn was cut off, by a crash or by another process.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CutOff {
    /// How often the model had answered.
    pub rounds: u32,
    /// The calls of its last answer, and how far each is. Empty when it had not answered.
    pub calls: Vec<(ToolCall, CallState)>,
}

/// How far a call was when its turn was cut off.
#[derive(Debug, Clone, PartialEq)]
pub enum CallState {
    /// Its result is written.
    Told,
    /// It had ended so, and that is not told.
    Ended(Outcome),
    /// It may run, also if it ran before.
    Runs,
    /// It may have taken effect, and must not do so again.
    Unknown,
}

/// A turn in progress.
#[derive(Debug, Clone)]
pub struct Turn {
    state: State,
    answer: Answer,
    /// The names of the tools that can be run.
    tools: BTreeSet<String>,
    judge: Option<Arc<dyn JudgesCalls>>,
    calls: Calls,
    limits: TurnLimits,
    tariff: Option<Tariff>,
    spent: Spent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The instruction is being written; how to end right after it, when it shall.
    Opening { stop: Option<Ending> },
    /// The model is asked and answers.
    Answering,
    /// The answer, which asks for calls, is being written; how to end right after it.
    Calling { stop: Option<Ending> },
    /// Its calls run.
    Running,
    /// They run, and what came of one is being written; how to end right after it.
    Recording { stop: Option<Ending> },
    /// Their results are being written; how to end right after it.
    Noting { stop: Option<Ending> },
    /// What is left is being written.
    Closing(Ending),
    /// Nothing is left to do.
    Done,
}

impl Turn {
    /// Begins a turn with `instruction`.
    pub fn begin(instruction: Draft) -> (Self, Vec<Effect>) {
        let turn = Self::in_state(State::Opening { stop: None });
        (turn, vec![Effect::WriteInstruction(instruction)])
    }

    /// Goes on with a turn that was cut off: calls that are told or noted are not run again. The rounds
    /// that it had taken count; calls, tokens and time are counted from here.
    pub fn resume_from(
        cut_off: CutOff,
        tools: BTreeSet<String>,
        limits: TurnLimits,
    ) -> (Self, Vec<Effect>) {
        let CutOff { rounds, calls } = cut_off;
        let mut turn =
            Self::in_state(State::Noting { stop: None }).with_tools(tools).with_limits(limits);
        turn.spent.rounds = rounds;
        turn.calls = Calls::of_cut_off(calls);
        let effects = if !turn.calls.all_ended() {
            turn.run()
        } else if turn.calls.any_is_untold() {
            turn.go_on()
        } else if let Some(limit) = limits.forbids_another_round(&turn.spent) {
            turn.close(Ending::Limited(limit))
        } else {
            turn.ask()
        };
        (turn, effects)
    }

    fn in_state(state: State) -> Self {
        Self {
            state,
            answer: Answer::default(),
            tools: BTreeSet::new(),
            judge: None,
            calls: Calls::default(),
            limits: TurnLimits::default(),
            tariff: None,
            spent: Spent::default(),
        }
    }

    /// Says which tools can be run. A call of any other gets a result that says so.
    #[must_use]
    pub fn with_tools(mut self, tools: BTreeSet<String>) -> Self {
        self.tools = tools;
        self
    }

    /// Lets `judge` say which calls of those tools may run.
    #[must_use]
    pub fn with_judge(mut self, judge: Arc<dyn JudgesCalls>) -> Self {
        self.judge = Some(judge);
        self
    }

    /// Says how far it may go.
    #[must_use]
    pub const fn with_limits(mut self, limits: TurnLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Says what the answers of the model cost. Without it, that is not known.
    #[must_use]
    pub fn with_tariff(mut self, tariff: Option<Tariff>) -> Self {
        self.tariff = tariff;
        self
    }

    /// Takes one input and returns what to do next. Pure: same state, same input, same effects.
    #[must_use = "effects that are not run are lost work"]
    pub fn step(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Written => self.written(),
            Input::Event(event) if self.state == State::Answering => self.heard(event),
            Input::ProviderFailed if self.state == State::Answering => self.close(Ending::Failed),
            Input::Ran { call, outcome } if self.state == State::Running => {
                if !self.calls.end(&call, outcome) {
                    Vec::new()
                } else if self.calls.all_ended() {
                    self.go_on()
                } else {
                    self.record(&call)
                }
            }
            Input::Cancelled => self.stop(Ending::Interrupted),
            Input::OutOfTime => match self.limits.time {
                Some(time) => self.stop(Ending::Limited(Limit::Time(time))),
                None => Vec::new(),
            },
            Input::TooLong(tokens) if self.state == State::Answering => {
                let max = self.limits.context.unwrap_or_default();
                self.close(Ending::Limited(Limit::Context { tokens, max }))
            }
            // Late events: the turn has already taken its decision.
            Input::Event(_) | Input::ProviderFailed | Input::Ran { .. } | Input::TooLong(_) => {
                Vec::new()
            }
        }
    }

    fn written(&mut self) -> Vec<Effect> {
        match self.state {
            State::Opening { stop: None } | State::Noting { stop: None } => self.ask(),
            State::Calling { stop: None } => self.run(),
            State::Opening { stop: Some(ending) }
            | State::Calling { stop: Some(ending) }
            | State::Recording { stop: Some(ending) }
            | State::Noting { stop: Some(ending) } => self.close(ending),
            State::Recording { stop: None } => {
                self.state = State::Running;
                Vec::new()
            }
            State::Closing(ending) => {
                self.state = State::Done;
                vec![Effect::Finish(ending)]
            }
            State::Answering | State::Running | State::Done => Vec::new(),
        }
    }

    /// Ends the turn now, or once what is being written is written.
    fn stop(&mut self, ending: Ending) -> Vec<Effect> {
        match &mut self.state {
            State::Opening { stop }
            | State::Calling { stop }
            | State::Recording { stop }
            | State::Noting { stop } => {
                stop.get_or_insert(ending);
                Vec::new()
            }
            State::Answering | State::Running => self.close(ending),
            State::Closing(_) | State::Done => Vec::new(),
        }
    }

    fn ask(&mut self) -> Vec<Effect> {
        self.state = State::Answering;
        self.answer = Answer::default();
        self.calls = Calls::default();
        self.spent.rounds += 1;
        vec![Effect::AskModel]
    }

    /// Runs the calls of the answer that was written.
    fn run(&mut self) -> Vec<Effect> {
        self.state = State::Running;
        if let Some(limit) = self.limits.count_calls(&mut self.spent, self.calls.count_to_run()) {
            return self.close(Ending::Limited(limit));
        }
        if !self.calls.held().is_empty() {
            self.state = State::Done;
            return vec![Effect::Finish(Ending::Parked)];
        }
        let calls = self.calls.start();
        if calls.is_empty() { self.go_on() } else { vec![Effect::RunCalls(calls)] }
    }

    /// Keeps what came of `call` while others run.
    fn record(&mut self, call: &CallId) -> Vec<Effect> {
        let results = self.calls.tell();
        let noted = self.calls.untold(call);
        self.state = State::Recording { stop: None };
        vec![Effect::Record { results, noted }]
    }

    /// Shows the model what came of its calls, when it may be asked again.
    fn go_on(&mut self) -> Vec<Effect> {
        if let Some(limit) = self.limits.forbids_another_round(&self.spent) {
            return self.close(Ending::Limited(limit));
        }
        self.state = State::Noting { stop: None };
        vec![Effect::WriteResults(self.calls.tell())]
    }

    /// Notes what came of calls while something else is being done, just before the turn is stopped:
    /// what ended is not told as unknown.
    pub fn note_ended(&mut self, ended: impl IntoIterator<Item = (CallId, Outcome)>) {
        for (call, outcome) in ended {
            self.calls.end(&call, outcome);
        }
    }

    /// Lets a call that ended, and whose result is not told, have ended otherwise.
    pub fn revise(&mut self, call: &CallId, outcome: Outcome) {
        self.calls.revise(call, outcome);
    }

    /// What the model said so far.
    pub const fn answer(&self) -> &Answer {
        &self.answer
    }

    fn heard(&mut self, event: ProviderEvent) -> Vec<Effect> {
        let finished = matches!(event, ProviderEvent::Finished(_));
        self.answer.push(event);
        if !finished {
            return Vec::new();
        }
        self.spent.count_answer(self.answer.usage(), self.tariff.as_ref());
        if self.answer.is_empty() {
            return self.close(Ending::Empty);
        }
        if !self.answer.has_calls() {
            return self.close(Ending::Answered);
        }
        let body = self.answer.body();
        if matches!(self.answer.finish(), Some(Finish::Length | Finish::ContentFilter)) {
            // Nobody knows what its last call would have been.
            self.calls = Calls::cancelled(&body, "the answer was cut off");
            return self.close(Ending::Answered);
        }
        if self.tools.is_empty() {
            return self.close(Ending::Answered);
        }
        self.calls = Calls::of(&body, &self.tools, self.judge.as_deref());
        self.state = State::Calling { stop: None };
        let asked = self.to_ask();
        // What was judged once is not judged again, whatever happens to the process.
        let noted = self.calls.ended();
        vec![Effect::WriteCalls { answer: Draft::new(body), asked, noted }]
    }

    /// The calls to ask a person about: none when the turn may not run as many as there are.
    fn to_ask(&self) -> Vec<CallId> {
        let mut spent = self.spent;
        match self.limits.count_calls(&mut spent, self.calls.count_to_run()) {
            Some(_) => Vec::new(),
            None => self.calls.held(),
        }
    }

    /// Ends the turn: with the answer, unless it is written, and a result for each of its calls.
    fn close(&mut self, ending: Ending) -> Vec<Effect> {
        // What was written of the last round is not written again.
        let is_noted = matches!(self.state, State::Noting { .. }) && !self.calls.any_is_untold();
        let is_written = matches!(
            self.state,
            State::Calling { .. } | State::Running | State::Recording { .. } | State::Noting { .. }
        );
        self.state = State::Closing(ending);
        let (status, reason) = match ending {
            Ending::Answered => {
                (Status::Complete, "no tool of this name is offered on this branch".to_owned())
            }
            Ending::Empty | Ending::Failed => (Status::Failed, "the answer failed".to_owned()),
            Ending::Interrupted => (Status::Interrupted, "the answer was interrupted".to_owned()),
            Ending::Limited(limit) => (Status::Interrupted, limit.to_string()),
            Ending::Parked => unreachable!("BUG: a turn that is parked has nothing to write"),
        };
        if is_noted {
            let nothing = Draft::new(Body::Response { parts: Vec::new() });
            return vec![Effect::WriteAnswer(vec![nothing.with_status(status)])];
        }
        let body = (!is_written).then(|| self.answer.body());
        if let Some(body) = body.as_ref().filter(|_| self.calls.is_empty()) {
            self.calls = Calls::of(body, &self.tools, self.judge.as_deref());
        }
        let answer = body.map(|body| Draft::new(body).with_status(status));
        let results = self.calls.results(&reason);
        vec![Effect::WriteAnswer(answer.into_iter().chain(results).collect())]
    }

    /// Whether the model must answer now, as it is not asked again.
    pub const fn must_answer(&self) -> bool {
        let is_last = self.spent.rounds > 1 && self.spent.rounds >= self.limits.rounds;
        is_last && self.limits.final_answer
    }

    /// Tokens of all its answers, as far as they were counted; `None` when none was.
    pub const fn usage(&self) -> Option<Usage> {
        self.spent.usage
    }

    /// How often the model was asked.
    pub const fn rounds(&self) -> u32 {
        self.spent.rounds
    }
}

#[cfg(test)]
mod tests;
