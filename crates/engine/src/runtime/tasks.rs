//! Tasks of the engine: spawned in one place, joined when the engine closes.

use std::sync::{Mutex, PoisonError};

use tokio::{runtime::Handle, task::JoinSet};

/// The tasks of one engine. They only ever finish turns whose caller went away.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    // A std mutex: held to add to the set or to take it, never across an await.
    set: Mutex<JoinSet<()>>,
}

impl Tasks {
    /// Runs `work` to its end. Outside a runtime it is dropped: there is nobody to run it, and
    /// what it would have closed is found as unfinished when the branch is next used.
    pub(crate) fn finish(&self, work: impl Future<Output = ()> + Send + 'static) {
        let Ok(runtime) = Handle::try_current() else { return };
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        while set.try_join_next().is_some() {}
        set.spawn_on(work, &runtime);
    }

    /// Waits until every task has ended.
    pub(crate) async fn join(&self) {
        let set = std::mem::take(&mut *self.set.lock().unwrap_or_else(PoisonError::into_inner));
        set.join_all().await;
    }
}
