//! Hearing what happens on a branch as it happens.

use std::{
    collections::VecDeque,
    fmt,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};

use super::{Event, feed::Heard};
use crate::{branch::Branch, error::Result};

/// The shortest time between two looks at the store.
const EVERY_MIN: Duration = Duration::from_millis(10);

/// Moves that are read at once.
const PAGE: u64 = 256;

/// The events of a branch, those that happened and those that come. Ends only with an error: the branch
/// is gone, or the store is.
///
/// # Cancel safety
///
/// Dropping it stops listening. Nothing is lost: [`Branch::follow`] goes on after the number of the last
/// event that was heard.
#[must_use = "nothing is heard until the stream is read"]
pub struct Follow {
    events: BoxStream<'static, Result<Event>>,
}

impl Branch {
    /// Hears what happens on this branch: what is durable after `seq`, then what comes, whoever does it
    /// and by whichever flow, with the pieces of answers as models make them. `0` hears everything; the
    /// [`revision`](branchwork_core::store::BranchRecord::revision) of its record only what is new.
    ///
    /// What handles of this engine do is heard at once; what other processes do, when
    /// [`follow_polling`](Self::follow_polling) looks.
    ///
    /// # Errors
    ///
    /// The stream ends with an error: [`Error::NotFound`](crate::Error::NotFound) for a number that was not
    /// reached, [`Error::Store`](crate::Error::Store), also when the branch is deleted.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// # use std::sync::Arc;
    /// # use branchwork_testkit::{Script, ScriptedProvider};
    /// # use branchwork::{Engine, events::EventKind};
    /// use futures_util::StreamExt as _;
    /// # let provider = Arc::new(ScriptedProvider::answering(|_| Script::text("Rome.")));
    /// # let session = Engine::in_memory().session("trip").provider("local", provider).model("tiny");
    /// # let main = session.create().await?.default_branch();
    ///
    /// let mut events = main.follow(main.record().await?.revision);
    /// main.chat("Where is it warm?").await?;
    /// while let Some(event) = events.next().await.transpose()? {
    ///     println!("{} {}", event.seq, event.kind.as_str());
    ///     if matches!(event.kind, EventKind::TurnCompleted(_)) {
    ///         break; // and later: main.follow(event.seq)
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn follow(&self, seq: u64) -> Follow {
        Follow::new(self.clone(), seq, None)
    }

    /// As [`follow`](Self::follow), and looks at the store every so often for what other processes do: one
    /// read each time, and no more than a hundred a second.
    ///
    /// # Errors
    ///
    /// As for [`follow`](Self::follow).
    pub fn follow_polling(&self, seq: u64, every: Duration) -> Follow {
        Follow::new(self.clone(), seq, Some(every))
    }
}

impl Follow {
    fn new(branch: Branch, seq: u64, every: Option<Duration>) -> Self {
        let every = every.map(|every| every.max(EVERY_MIN));
        let (known, revision, heard, ready) = (None, 0, Heard::default(), VecDeque::new());
        let place = Place { branch, seq, every, known, revision, heard, ready };
        let next = |mut place: Place| async move {
            let event = place.next().await?;
            Ok(Some((event, place)))
        };
        Self { events: stream::try_unfold(place, next).boxed() }
    }
}

/// How far a reader is.
struct Place {
    branch: Branch,
    seq: u64,
    every: Option<Duration>,
    /// The revision that handles knew of at the last look, and the true one then.
    known: Option<u64>,
    revision: u64,
    heard: Heard,
    ready: VecDeque<Event>,
}

impl Place {
    async fn next(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            let notify = Arc::clone(self.branch.feed().notify());
            let mut changed = pin!(notify.notified());
            // What changes from here on wakes it.
            changed.as_mut().enable();
            self.look().await?;
            if !self.ready.is_empty() {
                continue;
            }
            match self.every {
                None => changed.await,
                // Whichever is first: the store is looked at in either case.
                Some(every) => drop(tokio::time::timeout(every, changed).await),
            }
        }
    }

    /// Takes what is durable and not heard; when nothing is, what is new of the answer that is made.
    async fn look(&mut self) -> Result<()> {
        // What handles know of the number may be behind, when others moved the head away and back: the
        // store is asked whenever that changes. A piece of an answer changes nothing of it.
        let known = self.branch.shared().known().map(|state| state.revision);
        if self.every.is_some() || known.is_none() || known != self.known {
            self.revision = self.branch.record().await?.revision;
            self.known = known;
        }
        let revision = self.revision;
        if self.seq > revision {
            // A number that was not reached: the log says so.
            self.branch.events(self.seq, 0).await?;
        }
        let last = revision.min(self.seq.saturating_add(PAGE));
        self.ready.extend(self.branch.events_between(self.seq, last).await?);
        if last > self.seq {
            self.seq = last;
            return Ok(());
        }
        let at = self.branch.engine().now();
        let new = self.branch.feed().since(self.seq, &mut self.heard).into_iter();
        self.ready.extend(new.map(|kind| Event { seq: self.seq, at, kind }));
        Ok(())
    }
}

impl Stream for Follow {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_next_unpin(context)
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow").finish_non_exhaustive()
    }
}
