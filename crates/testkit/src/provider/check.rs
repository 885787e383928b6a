//! What a request must hold to before anything answers it.

use std::sync::Arc;

use branchwork_core::{
    message::{Body, CallId, Message},
    provider::{ModelRequest, ProviderError},
};

/// Refuses what the strictest real provider would refuse.
pub(super) fn check(request: &ModelRequest) -> Result<(), ProviderError> {
    let mut open: Vec<&CallId> = Vec::new();
    for message in &request.messages {
        open = after(open, message)?;
    }
    match open.first() {
        None => Ok(()),
        Some(call) => Err(refuse(format!("call `{call}` has no result"))),
    }
}

/// The calls that wait for a result once `message` was said.
fn after<'a>(
    mut open: Vec<&'a CallId>,
    message: &'a Arc<Message>,
) -> Result<Vec<&'a CallId>, ProviderError> {
    if let Body::ActionResponse { call, .. } = &message.body {
        let waiting = open.len();
        open.retain(|waiting| *waiting != call);
        if open.len() == waiting {
            return Err(refuse(format!("a result answers `{call}`, which no open call is")));
        }
        return Ok(open);
    }
    if let Some(call) = open.first() {
        return Err(refuse(format!("a message comes before the result of call `{call}`")));
    }
    match &message.body {
        Body::ActionRequest { calls, .. } => Ok(calls.iter().map(|call| &call.id).collect()),
        _ => Ok(open),
    }
}

fn refuse(detail: String) -> ProviderError {
    ProviderError::InvalidRequest { status: Some(400), detail }
}
