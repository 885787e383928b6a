//! Calls that wait until a person approves or denies them.

use branchwork_core::{
    graph::{Extent, OpKind, StepWriter},
    id::OpId,
    message::{CallId, ToolCall},
    store::{BranchRecord, read},
};
use serde_json::Value;

use super::{Branch, State, Turns};
use crate::{
    error::{Error, Result},
    tools::check_arguments,
};

impl Branch {
    /// The calls of a parked turn that wait to be [approved](Self::approve) or [denied](Self::deny), in
    /// the order of the answer. Once there are none, [`resume`](Self::resume) goes on with the turn.
    ///
    /// They wait in the store: another process, and a later one, sees them too.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// # use std::sync::Arc;
    /// # use branchwork_testkit::{Script, ScriptedProvider};
    /// use branchwork::{Engine, Error, tool, tools::ToolError};
    ///
    /// /// Removes a file.
    /// #[tool(ask)]
    /// async fn remove(name: String) -> Result<String, ToolError> {
    ///     Ok(format!("{name} is gone"))
    /// }
    /// # let provider = Arc::new(ScriptedProvider::new());
    /// # provider.push(Script::calls([("c1", "remove", r#"{"name":"notes.txt"}"#)]));
    /// # provider.push(Script::text("Done."));
    /// # let session = Engine::in_memory().session("files").provider("local", provider).model("tiny");
    /// # let session = session.create().await?;
    ///
    /// session.register(remove())?;
    /// let main = session.default_branch();
    /// let parked = main.chat("Remove my notes.").with_tools("remove").await;
    /// assert!(matches!(parked, Err(Error::Parked { .. })));
    ///
    /// // Later, and perhaps elsewhere:
    /// for call in main.waiting_calls().await? {
    ///     main.approve(&call.id).await?;
    /// }
    /// let reply = main.resume().with_tools("remove").await?;
    /// assert_eq!(reply.results[0].text(), "notes.txt is gone");
    /// # Ok(()) }
    /// ```
    pub async fn waiting_calls(&self) -> Result<Vec<ToolCall>> {
        Ok(waiting_in(&self.refresh().await?))
    }

    /// As [`waiting_calls`](Self::waiting_calls), where `record` is what the store has of the branch: reads
    /// no more than its newest op when no call waits.
    pub(crate) async fn waiting_calls_of(&self, record: &BranchRecord) -> Result<Vec<ToolCall>> {
        let Some(head) = record.head.filter(|_| record.head == record.tip) else {
            return Ok(Vec::new());
        };
        let op = read::op(self.engine().store(), self.session_id(), head).await?;
        // What follows the question for approval is an answer to it.
        let may_wait = matches!(op.kind, OpKind::Approval { .. } | OpKind::Noted(_));
        if may_wait && !op.step.ends() { self.waiting_calls().await } else { Ok(Vec::new()) }
    }

    /// Lets a call run that waits for it, once the turn is [resumed](Self::resume).
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when no such call waits; [`Error::Conflict`] when another process moved the
    /// branch: the handle has caught up, and the same call can be made again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the call waiting or approved.
    pub async fn approve(&self, call: &CallId) -> Result<OpId> {
        self.answer(call, |step| Ok(step.approve(call, None)?)).await
    }

    /// Lets a call run with other arguments than the model wrote. The answer that makes the call says
    /// those from here on, so that the model sees what ran; what it wrote stays in the history.
    ///
    /// # Errors
    ///
    /// As for [`approve`](Self::approve); [`Error::BadArguments`] when they do not fit the schema of the
    /// tool, if it is registered here, or are no object.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the call waiting or approved.
    pub async fn approve_with(&self, call: &CallId, arguments: Value) -> Result<OpId> {
        let function = self.waiting(call).await?.function;
        check_arguments(&self.tools(), &function, &arguments)?;
        self.answer(call, |step| Ok(step.approve(call, Some(arguments.to_string()))?)).await
    }

    /// Does not let a call run that waits for approval. The model is told why, once the turn is
    /// [resumed](Self::resume).
    ///
    /// # Errors
    ///
    /// As for [`approve`](Self::approve).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the call waiting or denied.
    pub async fn deny(&self, call: &CallId, reason: impl Into<String> + Send) -> Result<OpId> {
        let reason = reason.into();
        self.answer(call, |step| Ok(step.deny(call, reason)?)).await
    }

    async fn waiting(&self, call: &CallId) -> Result<ToolCall> {
        find(&self.waiting_calls().await?, call)
    }

    async fn answer(
        &self,
        call: &CallId,
        write: impl FnOnce(&mut StepWriter<'_>) -> Result<()> + Send,
    ) -> Result<OpId> {
        let turns = self.shared().turns().await;
        let state = self.refresh().await?;
        find(&waiting_in(&state), call)?;
        let part = Extent::Middle.into();
        let ((), state) = self.write_step(&turns, state, part, write).await?;
        state.tip.ok_or(Error::NothingToResume)
    }

    /// Goes on with a turn that was parked, and whose calls are answered: from here on they may run.
    pub(crate) async fn unpark(&self, turns: &Turns, state: State) -> Result<State> {
        if !state.is_parked() {
            return Ok(state);
        }
        let write = |step: &mut StepWriter<'_>| Ok(step.use_approvals()?);
        let ((), state) = self.write_step(turns, state, Extent::Middle.into(), write).await?;
        Ok(state)
    }
}

fn waiting_in(state: &State) -> Vec<ToolCall> {
    if state.is_parked() { state.view.waiting_calls().cloned().collect() } else { Vec::new() }
}

fn find(waiting: &[ToolCall], call: &CallId) -> Result<ToolCall> {
    let found = waiting.iter().find(|waiting| waiting.id == *call).cloned();
    found.ok_or_else(|| Error::NotFound {
        what: "call that waits for approval",
        reference: call.to_string(),
        nearest: waiting.first().map(|call| call.id.to_string()),
    })
}
