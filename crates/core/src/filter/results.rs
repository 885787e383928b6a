//! Leaving out what old calls of tools gave.

use std::sync::Arc;

use crate::message::{Body, Message, Outcome, Role};

/// What a model is shown instead of a result that is left out.
pub const RESULT_LEFT_OUT: &str = "[left out: the result is in the history]";

/// Lets all but the last `kept` results of tools say only that they are left out. Those of calls that no
/// answer followed stay in any case: the model that asked for them has not seen them. Calls stay, each with
/// its result, as providers want it.
pub fn leave_results_out(messages: &mut [Arc<Message>], kept: usize) {
    let is_result = |message: &Arc<Message>| matches!(message.body, Body::ActionResponse { .. });
    let is_answer = |message: &Arc<Message>| message.role() == Role::Assistant;
    let is_request = |message: &Arc<Message>| matches!(message.body, Body::ActionRequest { .. });
    let last = messages.iter().rposition(is_answer);
    let last = last.filter(|last| messages.get(*last).is_some_and(is_request));
    let (old, new) = messages.split_at_mut(last.unwrap_or(messages.len()));
    let new = new.iter().filter(|message| is_result(message)).count();
    let old = old.iter_mut().rev().filter(|message| is_result(message));
    for message in old.skip(kept.saturating_sub(new)) {
        let Body::ActionResponse { call, function, .. } = &message.body else { continue };
        let (call, function) = (call.clone(), function.clone());
        let outcome = Outcome::Succeeded(RESULT_LEFT_OUT.into());
        let body = Body::ActionResponse { call, function, outcome };
        *message = Arc::new(Message { body, ..(**message).clone() });
    }
}
