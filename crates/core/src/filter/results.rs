//! Leaving out what old calls of tools gave.

use std::sync::Arc;

use crate::message::{Body, Message, Outcome};

/// What a model is shown instead of a result that is left out.
pub const RESULT_LEFT_OUT: &str = "[left out: the result is in the history]";

/// Lets all but the last `kept` results of tools say only that they are left out. Their calls stay, each
/// with its result, as providers want it.
pub fn leave_results_out(messages: &mut [Arc<Message>], kept: usize) {
    let is_result =
        |message: &&mut Arc<Message>| matches!(message.body, Body::ActionResponse { .. });
    for message in messages.iter_mut().rev().filter(is_result).skip(kept) {
        let Body::ActionResponse { call, function, .. } = &message.body else { continue };
        let (call, function) = (call.clone(), function.clone());
        let outcome = Outcome::Succeeded(RESULT_LEFT_OUT.into());
        let body = Body::ActionResponse { call, function, outcome };
        *message = Arc::new(Message { body, ..(**message).clone() });
    }
}
