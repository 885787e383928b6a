//! One turn: an instruction and the model's answer, as a machine that does no I/O.
//!
//! The runtime loads the branch, makes a [`Turn`], and goes on like this: run the effects in order,
//! and tell the machine what came of them. What is said is durable before the next effect: the
//! instruction before the model is asked, the answer before the turn is done.
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

pub use self::answer::Answer;
use crate::{
    message::{Body, Draft, Outcome, Status},
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
    /// Make the answer, and the results that close its calls, durable, as the end of the step.
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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The instruction is being written; whether to stop right after it.
    Opening { cancelled: bool },
    /// The model is asked and answers.
    Answering,
    /// The answer is being written.
    Closing(Ending),
    /// Nothing is left to do.
    Done,
}

impl Turn {
    /// Begins a turn with `instruction`.
    pub fn begin(instruction: Draft) -> (Self, Vec<Effect>) {
        let state = State::Opening { cancelled: false };
        let turn = Self { state, answer: Answer::default() };
        (turn, vec![Effect::WriteInstruction(instruction)])
    }

    /// Begins a turn at an instruction that is already written, to have it answered.
    pub fn resume() -> (Self, Vec<Effect>) {
        let turn = Self { state: State::Answering, answer: Answer::default() };
        (turn, vec![Effect::AskModel])
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
            (State::Answering, Input::Event(event)) => self.heard(event),
            (State::Answering, Input::ProviderFailed) => self.close(Ending::Failed),
            (State::Opening { cancelled: true }, Input::Written)
            | (State::Answering, Input::Cancelled) => self.close(Ending::Interrupted),
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
        let ending = if self.answer.is_empty() { Ending::Empty } else { Ending::Answered };
        self.close(ending)
    }

    fn close(&mut self, ending: Ending) -> Vec<Effect> {
        self.state = State::Closing(ending);
        let status = match ending {
            Ending::Answered => Status::Complete,
            Ending::Empty | Ending::Failed => Status::Failed,
            Ending::Interrupted => Status::Interrupted,
        };
        vec![Effect::WriteAnswer(self.drafts(status))]
    }

    /// The answer, and a result for each call it asks for: no tool is run yet.
    fn drafts(&self, status: Status) -> Vec<Draft> {
        let body = self.answer.body();
        let reason = match status {
            Status::Complete => "no tool of this name is offered on this branch",
            Status::Interrupted => "the answer was interrupted",
            Status::Failed => "the answer failed",
        };
        let calls = match &body {
            Body::ActionRequest { calls, .. } => calls.clone(),
            _ => Vec::new(),
        };
        let results = calls.into_iter().map(|call| {
            Draft::result(call.id, call.function, Outcome::Cancelled(reason.to_owned()))
        });
        std::iter::once(Draft::new(body).with_status(status)).chain(results).collect()
    }

    /// Why the model stopped, when it said so.
    pub const fn finish(&self) -> Option<&Finish> {
        self.answer.finish()
    }
}

#[cfg(test)]
mod tests;
