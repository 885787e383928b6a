//! Reading the call log, adding it up, and rendering what was asked again.

use std::{collections::BTreeMap, sync::Arc};

use branchwork_core::{
    call::{CallRecord, CallRequest},
    filter::leave_results_out,
    graph::View,
    id::MessageId,
    provider::{ModelRequest, RenderedRequest},
    store::{BranchRecord, Change, Commit, read},
};

use super::Totals;
use crate::{
    branch::Branch,
    chat::{cache_hints, hash},
    engine::Engine,
    error::{Error, Result},
    session::Session,
    time,
};

/// Calls that are read at once.
const PAGE: usize = 1_000;

/// What a branch used. A fork begins at zero of its own; what it shares belongs to whom it was
/// billed to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Usage {
    /// Calls whose answers this branch appended.
    pub own: Totals,
    /// Calls of other branches whose answers lie on its way.
    pub inherited: Totals,
}

/// What usage is grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageBy {
    /// By session.
    Session,
    /// By branch: `session@branch`.
    Branch,
    /// By provider and model: `provider:model`.
    Model,
    /// By day, UTC: `2026-11-26`.
    Day,
}

/// What was used by one thing.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageRow {
    /// Its name; its identifier when it has none.
    pub key: String,
    /// The sum.
    pub totals: Totals,
}

impl Branch {
    /// The call of a model that `answer` answered; `None` when no model said it.
    pub(crate) async fn call_of(&self, answer: MessageId) -> Result<Option<CallRecord>> {
        let (store, session) = (self.engine().store(), self.session_id());
        if let Some(before) = answer.op().previous() {
            let calls = store.calls(session, Some(before.into()), 1).await?;
            return Ok(calls.into_iter().find(|call| call.answer == answer));
        }
        // It is the first op of a stretch: no call is just before it.
        let mut after = None;
        loop {
            let calls = store.calls(session, after, PAGE).await?;
            let Some(last) = calls.last() else { return Ok(None) };
            after = Some(last.answer);
            if let Some(own) = calls.into_iter().find(|call| call.answer == answer) {
                return Ok(Some(own));
            }
        }
    }
}

impl Session {
    /// The calls of models of this session, in the order in which their answers were appended.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn calls(&self) -> Result<Vec<CallRecord>> {
        let (mut calls, mut after) = (Vec::new(), None);
        loop {
            let page = self.engine().store().calls(self.id(), after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.answer);
            calls.extend(page);
        }
        calls.sort_by_key(|call| (call.at, call.answer));
        Ok(calls)
    }

    /// Empties the call log of this session. Its history stays.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves all of it or nothing.
    pub async fn clear_calls(&self) -> Result<()> {
        let commit = Commit::new(self.id(), self.engine().now()).with_change(Change::ClearCalls);
        Ok(self.engine().store().commit(commit).await?)
    }

    /// What was sent for a call, byte for byte: rendered again from the history, and checked
    /// against the hash that was kept.
    ///
    /// # Errors
    ///
    /// [`Error::NoProvider`] when its provider is not registered, [`Error::RequestDiffers`] when
    /// the provider now says it in other words.
    pub async fn request_of(&self, call: &CallRecord) -> Result<RenderedRequest> {
        let kept = &call.call.request;
        let rendered =
            self.engine().provider(&kept.provider)?.render(&self.request(kept).await?)?;
        if hash(&rendered) == kept.hash {
            Ok(rendered)
        } else {
            Err(Error::RequestDiffers { answer: call.answer })
        }
    }

    async fn request(&self, kept: &CallRequest) -> Result<ModelRequest> {
        let view = read::view(self.engine().store(), self.id(), kept.head).await?;
        Ok(request_of(&view, kept))
    }
}

/// What was asked when `kept` was asked of the branch that stood as `view`.
pub(crate) fn request_of(view: &View, kept: &CallRequest) -> ModelRequest {
    let mut messages: Vec<_> = match &kept.shown {
        None => view.messages().map(Arc::clone).collect(),
        Some(shown) => shown.iter().filter_map(|id| view.message(*id)).map(Arc::clone).collect(),
    };
    if let Some(kept) = kept.results_kept {
        leave_results_out(&mut messages, kept as usize);
    }
    let hints = cache_hints(view, messages.len(), kept.results_kept);
    let request = ModelRequest::new(messages, kept.config_of(view.config()))
        .with_tools(kept.tools.clone(), kept.tool_choice.clone())
        .with_cache(hints)
        .with_choices(kept.choices);
    if kept.stream { request } else { request.without_stream() }
}

impl Branch {
    /// What this branch used, and what was used for what it shares.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn usage(&self) -> Result<Usage> {
        let view = self.view().await?;
        let mut usage = Usage::default();
        let record = self.engine().store().session(self.session_id()).await?;
        let session = Session::new(self.engine().clone(), &record);
        for call in session.calls().await? {
            if call.branch == self.id() {
                usage.own.add(&call.call);
            } else if view.lineage().depth_of(call.answer.op()).is_some() {
                usage.inherited.add(&call.call);
            }
        }
        Ok(usage)
    }
}

impl Engine {
    /// What was used in every session, archived ones included, grouped and in order of the keys.
    /// No call counts twice.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn usage(&self, by: UsageBy) -> Result<Vec<UsageRow>> {
        let mut rows: BTreeMap<String, Totals> = BTreeMap::new();
        for (key, call) in grouped_calls(self, by).await? {
            rows.entry(key).or_default().add(&call.call);
        }
        Ok(rows.into_iter().map(|(key, totals)| UsageRow { key, totals }).collect())
    }
}

/// Every call of every session, each with the name of its group.
pub(super) async fn grouped_calls(
    engine: &Engine,
    by: UsageBy,
) -> Result<Vec<(String, CallRecord)>> {
    let mut grouped = Vec::new();
    for record in engine.sessions().await? {
        let session = Session::new(engine.clone(), &record);
        let name = record.name.unwrap_or_else(|| record.id.to_string());
        let branches = match by {
            UsageBy::Branch => session.branches().await?,
            _ => Vec::new(),
        };
        let calls = session.calls().await?.into_iter();
        grouped.extend(calls.map(|call| (key(by, &name, &branches, &call), call)));
    }
    Ok(grouped)
}

/// What `call`, of the session `name`, is counted under.
fn key(by: UsageBy, name: &str, branches: &[BranchRecord], call: &CallRecord) -> String {
    match by {
        UsageBy::Session => name.to_owned(),
        UsageBy::Model => {
            let (provider, model) = call.call.billed();
            format!("{provider}:{model}")
        }
        UsageBy::Day => time::day(call.at),
        UsageBy::Branch => match branches.iter().find(|branch| branch.id == call.branch) {
            Some(branch) => format!("{name}@{}", branch.name),
            // A deleted branch has no name any more, and was billed all the same.
            None => format!("{name}@{}", call.branch),
        },
    }
}
