//! One turn: an instruction, the model's answer, and what came of the tools it called, as a machine
//! that does no I/O.
//!
//! The runtime loads the branch, makes a [`Turn`], and goes on like this: run the effects in order,
//! and tell the machine what came of them. What is said is durable before the next effect: the
//! instruction before the model is asked, the answer before its calls run, and all before the turn
//! is done.
//!
//! ```
//! use branchwork_core::{
//!     message::{Body, Draft},
//!     provider::{Finish, ProviderEvent},
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

use std::collections::BTreeSet;

pub use self::answer::Answer;
use self::calls::Calls;
use crate::{
    message::{CallId, Draft, Outcome, Status, ToolCall},
    provider::{Finish, ProviderEvent},
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
    WriteCalls(Draft),
    /// Run these calls, all at once, and tell of each when it ends.
    RunCalls(Vec<ToolCall>),
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
}

/// A turn in progress.
#[derive(Debug, Clone)]
pub struct Turn {
    state: State,
    answer: Answer,
    /// The names of the tools that can be run.
    tools: BTreeSet<String>,
    calls: Calls,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The instruction is being written; whether to stop right after it.
    Opening { cancelled: bool },
    /// The model is asked and answers.
    Answering,
    /// The answer, which asks for calls, is being written; whether to stop right after it.
    Calling { cancelled: bool },
    /// Its calls run.
    Running,
    /// What is left is being written.
    Closing(Ending),
    /// Nothing is left to do.
    Done,
}

impl Turn {
    /// Begins a turn with `instruction`.
    pub fn begin(instruction: Draft) -> (Self, Vec<Effect>) {
        let turn = Self::in_state(State::Opening { cancelled: false });
        (turn, vec![Effect::WriteInstruction(instruction)])
    }

    /// Begins a turn at an instruction that is already written, to have it answered.
    pub fn resume() -> (Self, Vec<Effect>) {
        (Self::in_state(State::Answering), vec![Effect::AskModel])
    }

    fn in_state(state: State) -> Self {
        let (answer, tools, calls) = (Answer::default(), BTreeSet::new(), Calls::default());
        Self { state, answer, tools, calls }
    }

    /// Says which tools can be run. A call of any other gets a result that says so.
    #[must_use]
    pub fn with_tools(mut self, tools: BTreeSet<String>) -> Self {
        self.tools = tools;
        self
    }

    /// Takes one input and returns what to do next. Pure: same state, same input, same effects.
    #[must_use = "effects that are not run are lost work"]
    pub fn step(&mut self, input: Input) -> Vec<Effect> {
        match (self.state, input) {
            (State::Opening { cancelled: false }, Input::Written) => {
                self.state = State::Answering;
                vec![Effect::AskModel]
            }
            (State::Opening { .. }, Input::Cancelled) => {
                self.state = State::Opening { cancelled: true };
                Vec::new()
            }
            (State::Calling { .. }, Input::Cancelled) => {
                self.state = State::Calling { cancelled: true };
                Vec::new()
            }
            (State::Answering, Input::Event(event)) => self.heard(event),
            (State::Answering, Input::ProviderFailed) => self.close(Ending::Failed),
            (State::Calling { cancelled: false }, Input::Written) => {
                self.state = State::Running;
                vec![Effect::RunCalls(self.calls.start())]
            }
            (State::Running, Input::Ran { call, outcome }) => {
                self.calls.end(&call, outcome);
                if self.calls.all_ended() { self.close(Ending::Answered) } else { Vec::new() }
            }
            (
                State::Opening { cancelled: true } | State::Calling { cancelled: true },
                Input::Written,
            )
            | (State::Answering | State::Running, Input::Cancelled) => {
                self.close(Ending::Interrupted)
            }
            (State::Closing(ending), Input::Written) => {
                self.state = State::Done;
                vec![Effect::Finish(ending)]
            }
            // Late events, a second cancel: the turn has already taken its decision.
            _ => Vec::new(),
        }
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
        if self.answer.is_empty() {
            return self.close(Ending::Empty);
        }
        let body = self.answer.body();
        self.calls = Calls::of(&body, &self.tools);
        if !self.calls.any_to_run() {
            return self.close(Ending::Answered);
        }
        self.state = State::Calling { cancelled: false };
        vec![Effect::WriteCalls(Draft::new(body))]
    }

    /// Ends the turn: with the answer, unless it is written, and a result for each of its calls.
    fn close(&mut self, ending: Ending) -> Vec<Effect> {
        let is_written = matches!(self.state, State::Calling { .. } | State::Running);
        self.state = State::Closing(ending);
        let (status, reason) = match ending {
            Ending::Answered => {
                (Status::Complete, "no tool of this name is offered on this branch")
            }
            Ending::Empty | Ending::Failed => (Status::Failed, "the answer failed"),
            Ending::Interrupted => (Status::Interrupted, "the answer was interrupted"),
        };
        let body = self.answer.body();
        if self.calls.is_empty() {
            self.calls = Calls::of(&body, &self.tools);
        }
        let answer = (!is_written).then(|| Draft::new(body).with_status(status));
        let results = self.calls.results(reason);
        vec![Effect::WriteAnswer(answer.into_iter().chain(results).collect())]
    }

    /// Why the model stopped, when it said so.
    pub const fn finish(&self) -> Option<&Finish> {
        self.answer.finish()
    }
}

#[cfg(test)]
mod tests;
