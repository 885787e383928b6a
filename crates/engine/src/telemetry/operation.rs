//! Spans of work that is one future: they say how it ended, also when it is dropped before its end.

use std::sync::Arc;

use branchwork_core::{
    id::{BranchId, SessionId},
    mail::Mail,
    message::{Outcome, ToolCall},
    tool::ToolSpec,
};
use futures_util::FutureExt as _;
use tracing::{
    Instrument as _, Span, debug_span,
    field::{Empty, display},
    info_span,
};

use super::{
    content,
    failure::{fail, fail_with},
    int,
    names::{attribute, error_type, span},
};
use crate::{branch::Branch, error::Result, mail::Received, tools::Came};

/// The span of work that goes on. Dropped before it is told how that ended, it says that it was cancelled.
#[derive(Debug)]
pub(crate) struct Operation(Span);

/// Where a tool is called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ToolScope {
    pub(crate) session: SessionId,
    pub(crate) branch: BranchId,
    /// Whether what is said may be told.
    pub(crate) has_content: bool,
}

impl Operation {
    /// What `span` is of.
    pub(super) const fn of(span: Span) -> Self {
        Self(span)
    }

    /// A flow on `branch`.
    pub(crate) fn workflow(branch: &Branch, name: &str) -> Self {
        Self(workflow(branch, name))
    }

    /// A named step of the flow of `parent`.
    pub(crate) fn step(parent: &Span, branch: &Branch, name: &str) -> Self {
        Self(info_span!(
            parent: parent,
            span::STEP,
            { attribute::OTEL_NAME } = %format_args!("{} {name}", span::STEP),
            { attribute::FLOW_STEP } = name,
            { attribute::BRANCH_ID } = %branch.id(),
            { attribute::ERROR_TYPE } = Empty,
            { attribute::OTEL_STATUS_CODE } = Empty,
        ))
    }

    /// A call of `tool`.
    pub(crate) fn tool(tool: &ToolSpec, call: &ToolCall, scope: ToolScope) -> Self {
        Self(tool_span(tool, call, scope))
    }

    /// A mail of `branch`.
    pub(crate) fn send_mail(branch: &Branch) -> Self {
        Self(info_span!(
            span::SEND_MAIL,
            { attribute::CONVERSATION_ID } = %branch.session_id(),
            { attribute::BRANCH_ID } = %branch.id(),
            { attribute::MAIL_ID } = Empty,
            { attribute::ERROR_TYPE } = Empty,
            { attribute::OTEL_STATUS_CODE } = Empty,
        ))
    }

    /// Mail that `branch` takes in.
    pub(crate) fn receive_mail(branch: &Branch) -> Self {
        Self(info_span!(
            span::RECEIVE_MAIL,
            { attribute::CONVERSATION_ID } = %branch.session_id(),
            { attribute::BRANCH_ID } = %branch.id(),
            { attribute::MAIL_TAKEN } = Empty,
            { attribute::MAIL_LEFT } = Empty,
            { attribute::ERROR_TYPE } = Empty,
            { attribute::OTEL_STATUS_CODE } = Empty,
        ))
    }

    /// A commit of `ops` on `branch`.
    pub(crate) fn commit(branch: &Branch, ops: usize) -> Self {
        Self(debug_span!(
            span::COMMIT,
            { attribute::CONVERSATION_ID } = %branch.session_id(),
            { attribute::BRANCH_ID } = %branch.id(),
            { attribute::COMMIT_OPS } = int(ops),
            { attribute::ERROR_TYPE } = Empty,
            { attribute::OTEL_STATUS_CODE } = Empty,
        ))
    }

    /// Does `work` in it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops `work`, and says that it was cancelled.
    pub(crate) fn run<T>(
        self,
        work: impl Future<Output = Result<T>>,
    ) -> impl Future<Output = Result<T>> {
        self.run_telling(work, |_, _| ())
    }

    /// Does `work` in it, and lets `tell` say what came of it.
    pub(crate) fn run_telling<T>(
        self,
        work: impl Future<Output = Result<T>>,
        tell: impl FnOnce(&Span, &T),
    ) -> impl Future<Output = Result<T>> {
        // No async block: it would have room for `work` twice.
        let work = work.instrument(self.0.clone());
        work.inspect(move |result| {
            let span = self.take();
            match result {
                Ok(value) if !span.is_disabled() => tell(&span, value),
                Ok(_) => {}
                Err(error) => fail_with(&span, error),
            }
        })
    }

    /// As [`run`](Self::run), of a call of a tool.
    pub(crate) fn run_tool(
        self,
        running: impl Future<Output = Came>,
        has_content: bool,
    ) -> impl Future<Output = Came> {
        let running = running.instrument(self.0.clone());
        running.inspect(move |came| {
            let span = self.take();
            if has_content && matches!(came.outcome, Outcome::Succeeded(_)) && !span.is_disabled() {
                let result = content::result(&came.outcome).to_string();
                span.record(attribute::TOOL_CALL_RESULT, result);
            }
            if let Some(failure) = came.failure {
                fail(&span, failure);
            }
        })
    }

    /// Says which mail was sent.
    pub(crate) fn tell_sent(span: &Span, mail: &Arc<Mail>) {
        span.record(attribute::MAIL_ID, display(mail.id));
    }

    /// Says how much mail was taken in.
    pub(crate) fn tell_received(span: &Span, received: &Received) {
        span.record(attribute::MAIL_TAKEN, int(received.taken.len()));
        span.record(attribute::MAIL_LEFT, int(received.left.len()));
    }

    /// Says no more of it.
    pub(crate) fn end(self) {
        drop(self.take());
    }

    fn take(mut self) -> Span {
        std::mem::replace(&mut self.0, Span::none())
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        fail(&self.0, error_type::CANCELLED);
    }
}

/// The span of a flow on `branch`.
pub(crate) fn workflow(branch: &Branch, name: &str) -> Span {
    info_span!(
        span::INVOKE_WORKFLOW,
        { attribute::OTEL_NAME } = %format_args!("{} {name}", span::INVOKE_WORKFLOW),
        { attribute::OPERATION_NAME } = span::INVOKE_WORKFLOW,
        { attribute::WORKFLOW_NAME } = name,
        { attribute::CONVERSATION_ID } = %branch.session_id(),
        { attribute::BRANCH_ID } = %branch.id(),
        { attribute::ERROR_TYPE } = Empty,
        { attribute::OTEL_STATUS_CODE } = Empty,
    )
}

fn tool_span(tool: &ToolSpec, call: &ToolCall, scope: ToolScope) -> Span {
    let arguments = || content::arguments(call).to_string();
    info_span!(
        span::EXECUTE_TOOL,
        { attribute::OTEL_NAME } = %format_args!("{} {}", span::EXECUTE_TOOL, tool.name),
        { attribute::OPERATION_NAME } = span::EXECUTE_TOOL,
        { attribute::TOOL_NAME } = tool.name.as_str(),
        { attribute::TOOL_TYPE } = "function",
        { attribute::TOOL_CALL_ID } = call.id.as_str(),
        { attribute::TOOL_DESCRIPTION } = tool.description.as_str(),
        { attribute::CONVERSATION_ID } = %scope.session,
        { attribute::BRANCH_ID } = %scope.branch,
        { attribute::TOOL_CALL_ARGUMENTS } = scope.has_content.then(arguments),
        { attribute::TOOL_CALL_RESULT } = Empty,
        { attribute::ERROR_TYPE } = Empty,
        { attribute::OTEL_STATUS_CODE } = Empty,
    )
}
