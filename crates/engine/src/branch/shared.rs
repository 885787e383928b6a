//! What all handles of one branch share: the order of turns, and the newest known state.

use std::sync::{Arc, Mutex};

use branchwork_core::{
    graph::{Step, View},
    id::OpId,
    store::read,
};
use tokio::sync::{Mutex as Turnstile, OwnedMutexGuard};

use super::{Branch, steering::Steering};
use crate::{engine::lock, error::Result, events::Feed};

/// Shared by the handles of one branch in one engine.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Held by whoever changes the branch, for as long as a turn takes. An async mutex: a turn
    /// awaits while it holds it, and the next in line waits its turn in order.
    turnstile: Arc<Turnstile<()>>,
    /// Held by a flow for as long as its chat takes: what was asked is found before it is asked again.
    asking: Arc<Turnstile<()>>,
    // A std mutex: held to read or replace the state.
    state: Mutex<Option<State>>,
    /// How the turn that goes on is reached.
    steering: Arc<Steering>,
    /// The answer that is being made.
    feed: Feed,
}

/// Where the branch is known to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// The conversation.
    pub(crate) view: View,
    /// The newest op of the branch's own stretch.
    pub(crate) tip: Option<OpId>,
    /// How often the head was moved until then.
    pub(crate) revision: u64,
}

/// The right to change a branch: there is one at a time.
pub(crate) type Turns = OwnedMutexGuard<()>;

impl State {
    /// Whether the newest thing on the branch is a step that has not ended: a turn that was cut
    /// off, or one that another process has under way.
    pub(crate) fn is_unfinished(&self) -> bool {
        let ended = self.view.last_step().is_none_or(Step::ends);
        !ended && self.tip.is_some() && self.tip == self.view.head()
    }

    /// Whether the newest thing on the branch is a turn that waits for approvals, or to be resumed since
    /// they are answered.
    pub(crate) fn is_parked(&self) -> bool {
        self.is_unfinished() && self.view.is_parked()
    }
}

impl Shared {
    /// Waits for the right to change the branch.
    pub(crate) async fn turns(&self) -> Turns {
        Arc::clone(&self.turnstile).lock_owned().await
    }

    /// Waits for the right to ask what a flow asks once.
    pub(crate) async fn asking(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.asking).lock_owned().await
    }

    pub(crate) fn known(&self) -> Option<State> {
        lock(&self.state).clone()
    }

    /// Notes a state, unless a newer one is known: readers do not wait for writers.
    pub(crate) fn set(&self, state: State) {
        let revision = state.revision;
        let mut known = lock(&self.state);
        if known.as_ref().is_none_or(|known| known.revision <= revision) {
            *known = Some(state);
        }
        drop(known);
        self.feed.changed(revision);
    }

    pub(crate) fn forget(&self) {
        *lock(&self.state) = None;
        self.feed.lost();
    }
}

impl Branch {
    /// How the turn that goes on is reached.
    pub(crate) fn steering(&self) -> &Arc<Steering> {
        &self.shared.steering
    }

    /// The answer that is being made on it.
    pub(crate) fn feed(&self) -> &Feed {
        &self.shared.feed
    }

    /// The states of two branches as the store has them now; what they share is read once.
    pub(crate) async fn refresh_both(&self, other: &Self) -> Result<(State, State)> {
        if self.shared.known().is_none() && other.shared.known().is_some() {
            let others = other.refresh().await?;
            return Ok((self.refresh_beside(&others.view).await?, others));
        }
        let own = self.refresh().await?;
        let others = other.refresh_beside(&own.view).await?;
        Ok((own, others))
    }

    /// The state as it was last known; read when nothing is known.
    pub(crate) async fn state(&self) -> Result<State> {
        match self.shared.known() {
            Some(state) => Ok(state),
            None => self.refresh().await,
        }
    }

    /// The state as the store has it now.
    pub(crate) async fn refresh(&self) -> Result<State> {
        self.refresh_beside(&View::default()).await
    }

    /// As [`refresh`](Self::refresh). When nothing is known of it, what it shares with `other` is not read
    /// again.
    pub(crate) async fn refresh_beside(&self, other: &View) -> Result<State> {
        let store = self.engine.store();
        let record = store.branch(self.id).await?;
        let known = self.shared.known();
        let is_there = |known: &State| known.view.head() == record.head && known.tip == record.tip;
        if let Some(known) = known.clone().filter(is_there) {
            if known.revision == record.revision {
                return Ok(known);
            }
            // Somebody moved the head away and back.
            let state = State { revision: record.revision, ..known };
            self.shared.set(state.clone());
            return Ok(state);
        }
        let known = known.map_or_else(|| other.clone(), |known| known.view);
        let view = read::follow(store, self.session, &known, record.head).await?;
        let state = State { view, tip: record.tip, revision: record.revision };
        self.shared.set(state.clone());
        Ok(state)
    }
}
