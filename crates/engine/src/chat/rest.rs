//! What a turn that was cut off left: where to go on, or how to close it.

use branchwork_core::{
    graph::{Extent, StepWriter, View},
    id::MessageId,
    message::{Body, Draft, Status, ToolCall},
    turn::{CallState, CutOff},
};

use super::shown::last_instruction;
use crate::{
    branch::{Branch, State, Turns},
    error::{Error, Result},
    tools::{Offer, Registered},
};

/// What is there of a turn that was cut off.
#[derive(Debug)]
pub(super) struct Rest {
    pub(super) instruction: MessageId,
    pub(super) place: CutOff,
    /// The last answer.
    pub(super) answered: Option<MessageId>,
    /// The results of all its calls.
    pub(super) results: Vec<MessageId>,
}

impl Rest {
    /// What `view` ends with; calls run again as the tools on `offer` may. Those of a turn that was
    /// parked have not run.
    pub(super) fn of(view: &View, offer: &Offer, was_parked: bool) -> Result<Self> {
        let instruction = last_instruction(view).ok_or(Error::NothingToResume)?.id;
        let (place, answered, results) = (CutOff::default(), None, Vec::new());
        let mut rest = Self { instruction, place, answered, results };
        let own = view.messages().skip_while(|message| message.id != instruction).skip(1);
        for message in own {
            match &message.body {
                Body::ActionRequest { calls, .. } => {
                    rest.place.rounds += 1;
                    rest.answered = Some(message.id);
                    let state = |call: &ToolCall| match state_of(view, offer, call) {
                        CallState::Unknown if was_parked => (call.clone(), CallState::Runs),
                        state => (call.clone(), state),
                    };
                    rest.place.calls = calls.iter().map(state).collect();
                }
                Body::ActionResponse { .. } => rest.results.push(message.id),
                _ => {}
            }
        }
        Ok(rest)
    }
}

/// How far a call of the last answer is.
fn state_of(view: &View, offer: &Offer, call: &ToolCall) -> CallState {
    if view.open_calls().iter().all(|open| open.id != call.id) {
        return CallState::Told;
    }
    if let Some(noted) = view.noted(&call.id) {
        return CallState::Ended(noted.outcome.clone());
    }
    let may_run = |registered: &Registered| registered.tool.effect().may_run_again();
    if offer.tools.get(&call.function).is_some_and(may_run) {
        CallState::Runs
    } else {
        CallState::Unknown
    }
}

impl Branch {
    /// Ends a step that a crash cut off: with an empty answer, marked as interrupted. Calls of its
    /// answer may have run: their outcome is unknown, unless it is noted. A turn that is parked was not
    /// cut off, and stays.
    pub(crate) async fn close_unfinished(&self, turns: &Turns, state: State) -> Result<State> {
        if !state.is_unfinished() {
            return Ok(state);
        }
        if state.is_parked() {
            return Err(Error::parked(&state.view));
        }
        let write = |step: &mut StepWriter<'_>| {
            if step.view().open_calls().is_empty() {
                let empty = Draft::new(Body::Response { parts: Vec::new() });
                step.message(empty.with_status(Status::Interrupted))?;
            }
            Ok(step.close_calls("the turn was cut off")?)
        };
        let ((), state) = self.write_step(turns, state, Extent::End.into(), write).await?;
        Ok(state)
    }
}
