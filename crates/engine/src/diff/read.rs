//! Reading two branches, and what was used on each.

use branchwork_core::{
    call::CallRecord,
    diff::Delta,
    graph::{Lineage, View},
    id::StretchId,
    message::Role,
    store::BranchRecord,
};

use super::{Diff, Side};
use crate::{
    branch::Branch,
    error::{Error, Result},
    session::Session,
    usage::Totals,
};

/// Calls that are read at once at most.
const CALLS_PAGE: u32 = 1_000;

impl Session {
    /// What two branches have and did since they were one: messages by turn group, edits of messages that
    /// both have, configuration, tools, tokens and cost.
    ///
    /// Costs what is new on them: what they share is not looked at, and when nothing is known of one of them,
    /// it is read once.
    ///
    /// # Errors
    ///
    /// [`Error::OtherSession`] when one of them is elsewhere; [`Error::Store`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// use branchwork::{Engine, core::message::{Body, Draft}};
    ///
    /// let session = Engine::in_memory().session("trip").create().await?;
    /// let main = session.default_branch();
    /// main.append(Draft::new(Body::instruction("Rome?"))).await?;
    /// let rainy = main.fork("rainy").await?;
    /// rainy.append(Draft::new(Body::instruction("And if it rains?"))).await?;
    /// let diff = session.diff(&main, &rainy).await?;
    /// assert_eq!((diff.shared, diff.left.delta.is_empty()), (1, true));
    /// assert_eq!(diff.right.delta.messages().count(), 1);
    /// # Ok(()) }
    /// ```
    pub async fn diff(&self, left: &Branch, right: &Branch) -> Result<Diff> {
        if let Some(branch) = [left, right].iter().find(|branch| branch.session_id() != self.id()) {
            return Err(Error::OtherSession { branch: branch.id() });
        }
        let (one, other) = left.refresh_both(right).await?;
        let (one, other) = (one.view, other.view);
        let shared = one.lineage().shared_with(other.lineage());
        let base = one.at(one.lineage().op_at(shared))?;
        let left = self.side(left.record().await?, &base, &one).await?;
        let right = self.side(right.record().await?, &base, &other).await?;
        Ok(Diff { ancestor: base.head(), shared: base.len(), left, right })
    }

    async fn side(&self, record: BranchRecord, base: &View, view: &View) -> Result<Side> {
        let usage = self.usage_since(view.lineage(), base.lineage().depth()).await?;
        let delta = Delta::between(base, view);
        let BranchRecord { id, name, .. } = record;
        Ok(Side { branch: id, name, head: view.head(), delta, usage })
    }

    /// The calls whose answers lie on the way behind its first `depth` ops.
    async fn usage_since(&self, lineage: &Lineage, depth: u32) -> Result<Totals> {
        let mut totals = Totals::default();
        for segment in lineage.segments().rev() {
            let first = depth.saturating_sub(segment.start);
            if first >= segment.length {
                break;
            }
            self.add_calls(&mut totals, segment.stretch, (first, segment.length)).await?;
        }
        Ok(totals)
    }

    /// Adds the calls whose answers are the ops of a stretch from `first` on, up to `end`.
    async fn add_calls(
        &self,
        totals: &mut Totals,
        stretch: StretchId,
        (first, end): (u32, u32),
    ) -> Result<()> {
        let is_own = |call: &&CallRecord| {
            let op = call.answer.op();
            op.stretch() == stretch && op.place() < end
        };
        if first == 0 && self.begins_with_answer(stretch).await? {
            // No op of the stretch is before it: the call is looked for among all.
            let calls = self.calls().await?;
            calls.iter().filter(is_own).for_each(|call| totals.add(&call.call));
            return Ok(());
        }
        let mut after = stretch.op(first.saturating_sub(1)).into();
        let page = CALLS_PAGE.min(end - first) as usize;
        loop {
            let calls = self.engine().store().calls(self.id(), Some(after), page).await?;
            let own: Vec<_> = calls.iter().take_while(is_own).collect();
            for call in &own {
                totals.add(&call.call);
            }
            match own.last() {
                Some(last) if own.len() == page => after = last.answer,
                _ => return Ok(()),
            }
        }
    }

    async fn begins_with_answer(&self, stretch: StretchId) -> Result<bool> {
        let first = self.engine().store().ops(self.id(), stretch, 0..1).await?;
        let first = first.first().and_then(|op| op.kind.as_message());
        Ok(first.is_some_and(|message| message.role() == Role::Assistant))
    }
}
