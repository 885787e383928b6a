//! What other handles may want of a turn that goes on: that it hears a message, or that it stops.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex},
};

use branchwork_core::{
    id::MessageId,
    message::{Body, Draft},
};
use tokio::sync::{Notify, futures::OwnedNotified, oneshot};

use super::Branch;
use crate::{
    engine::lock,
    error::{Error, Result},
};

/// Shared by the handles of one branch in one engine.
#[derive(Debug, Default)]
pub(crate) struct Steering {
    // A std mutex: held to look and to change, never across an await.
    wishes: Mutex<Wishes>,
    stop: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Wishes {
    is_running: bool,
    joining: Vec<Joining>,
}

/// A message that waits for a turn to hear it.
#[derive(Debug)]
pub(crate) struct Joining {
    pub(crate) draft: Draft,
    said: oneshot::Sender<MessageId>,
}

impl Joining {
    /// Tells whoever waits that it is said.
    pub(crate) fn said(self, id: MessageId) {
        // Who does not wait any more does not want to know.
        let _gone = self.said.send(id);
    }
}

/// The end of the turn: while there is one, the turn can be steered.
#[derive(Debug)]
pub(crate) struct Steered {
    steering: Arc<Steering>,
    stop: Option<Stop>,
}

/// Is ready when the turn shall stop.
pub(crate) type Stop = Pin<Box<OwnedNotified>>;

impl Steering {
    /// A turn begins. There is one at a time: it holds the right to change the branch.
    pub(crate) fn begin(self: &Arc<Self>) -> Steered {
        let mut wishes = lock(&self.wishes);
        wishes.is_running = true;
        let stop = Box::pin(Arc::clone(&self.stop).notified_owned());
        Steered { steering: Arc::clone(self), stop: Some(stop) }
    }

    fn is_running(&self) -> bool {
        lock(&self.wishes).is_running
    }

    /// Lets a message wait for the turn; `None` when none goes on.
    pub(crate) fn join(&self, draft: Draft) -> Option<oneshot::Receiver<MessageId>> {
        let mut wishes = lock(&self.wishes);
        let (said, waiting) = oneshot::channel();
        wishes.is_running.then(|| wishes.joining.push(Joining { draft, said }))?;
        Some(waiting)
    }
}

impl Steered {
    /// What becomes ready when the turn shall stop; once.
    pub(crate) const fn take_stop(&mut self) -> Option<Stop> {
        self.stop.take()
    }

    /// The messages that wait, and whose senders still do.
    pub(crate) fn joining(&self) -> Vec<Joining> {
        let mut wishes = lock(&self.steering.wishes);
        let mut joining = mem::take(&mut wishes.joining);
        joining.retain(|joining| !joining.said.is_closed());
        joining
    }
}

impl Drop for Steered {
    fn drop(&mut self) {
        let mut wishes = lock(&self.steering.wishes);
        // Whoever waits is told by that.
        *wishes = Wishes::default();
    }
}

impl Branch {
    /// Whether a turn goes on here, begun by a handle of this engine. What is said then waits for its
    /// end: ask a [fork](Self::fork) when it should not, [`steer`](Self::steer) the turn, or
    /// [`interrupt`](Self::interrupt) it.
    pub fn is_busy(&self) -> bool {
        self.steering().is_running()
    }

    /// Says something in the turn that goes on here: it is written behind the results of calls, and the
    /// model hears it when it is asked next. Answers once it is durable. A [`retry`](Self::retry) asks it
    /// again, and a turn that is [resumed](Self::resume) counts its rounds from there.
    ///
    /// # Errors
    ///
    /// [`Error::NotBusy`] when no turn goes on, or when it ended without asking the model again: nothing
    /// was said, and a [`chat`](Self::chat) says it now. [`Error::Draft`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes the message back, unless it is being written.
    pub async fn steer(&self, text: impl Into<String> + Send) -> Result<MessageId> {
        let mut draft = Draft::new(Body::instruction(text));
        draft.sender.clone_from(&self.view().await?.config().sender);
        draft.check()?;
        let waiting = self.steering().join(draft).ok_or(Error::NotBusy)?;
        waiting.await.map_err(|_gone| Error::NotBusy)
    }

    /// Stops the turn that goes on here, and waits until what had come of it is durable. Answers whether
    /// there was one. Who awaits it gets [`Error::Interrupted`]. A turn whose stream nobody reads stops
    /// when it is read or dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future waits no longer; the turn stops all the same.
    pub async fn interrupt(&self) -> bool {
        if !self.is_busy() {
            return false;
        }
        self.steering().stop.notify_waiters();
        drop(self.shared.turns().await);
        true
    }
}
