//! At every commit of a turn with tools, somebody stops it or moves its branch: whatever the moment,
//! every history is legal, nothing ran twice, and every call of the model is in the log.

use std::sync::Arc;

use branchwork::{
    Branch, ChatStream, Error, Session,
    core::{
        store::{MemoryStore, Store},
        tool::ToolSelection,
    },
};
use branchwork_testkit::{DisturbedStore, Moment, ScriptedProvider};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture};
use tokio::sync::Notify;

use crate::{
    support::says,
    work::{Ran, assert_legal, open, process},
};

/// A turn that is disturbed, and what is there to look at.
struct Scene {
    store: Arc<dyn Store>,
    disturbed: Arc<DisturbedStore>,
    provider: Arc<ScriptedProvider>,
    ran: Ran,
    main: Branch,
    place: String,
}

impl Scene {
    /// `deed` makes what is done at the commit.
    async fn new<D, F>(at: u64, moment: Moment, deed: D) -> Self
    where
        D: FnOnce(Arc<dyn Store>) -> F,
        F: Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static,
    {
        let (store, ran) = (Arc::new(MemoryStore::new()) as Arc<dyn Store>, Ran::default());
        let (engine, _) = process(Arc::clone(&store));
        engine.session("work").model("local:tiny").create().await.unwrap();
        let deed = deed(Arc::clone(&store));
        let disturbed = DisturbedStore::meddled_with(Arc::clone(&store), (at, moment), deed);
        let disturbed = Arc::new(disturbed);
        let (first, provider) = process(Arc::clone(&disturbed) as _);
        let main = open(&first, &ran).await;
        Self { store, disturbed, provider, ran, main, place: format!("commit {at}, {moment:?}") }
    }

    /// Checks everything. Answers whether there was such a commit.
    async fn check(&self) -> bool {
        let Self { place, .. } = self;
        // It waits for what goes on in the background, and may be what is disturbed.
        drop(self.main.append(says("end")).await);
        let (engine, _) = process(Arc::clone(&self.store));
        let session = engine.open_session("work").await.unwrap();
        self.check_branches(&session).await;
        for ((tool, call), count) in self.ran.lock().unwrap().iter() {
            assert_eq!(*count, 1, "{place}: {call} of {tool} ran again");
        }
        assert_eq!(engine.verify().await.unwrap().problems, Vec::<String>::new(), "{place}");
        let logged = session.calls().await.unwrap().len();
        assert_eq!(logged, self.provider.requests().len(), "{place}: calls that are logged");
        self.disturbed.is_disturbed()
    }

    async fn check_branches(&self, session: &Session) {
        let Self { place, .. } = self;
        for record in session.branches().await.unwrap() {
            let branch = session.branch(&record.name).await.unwrap();
            branch.append(says("end")).await.unwrap();
            let view = branch.view().await.unwrap();
            assert_eq!(view.messages().count(), view.len(), "{place}");
            assert_legal(&view, place);
        }
    }
}

/// Plays a scene for every commit and moment, until there is no such commit.
async fn at_every_commit(play: impl AsyncFn(u64, Moment) -> bool) {
    for moment in [Moment::Before, Moment::After] {
        let mut at = 1;
        while play(at, moment).await {
            at += 1;
        }
        assert!(at > 7, "a turn has {at} commits");
    }
}

/// Another process says something.
async fn meddle(store: Arc<dyn Store>) {
    let (second, _) = process(store);
    let session = second.open_session("work").await.unwrap();
    session.default_branch().append(says("meanwhile")).await.unwrap();
}

#[tokio::test]
async fn the_branch_may_be_moved_at_every_commit() {
    at_every_commit(async |at, moment| {
        let scene = Scene::new(at, moment, |store| move || meddle(Arc::clone(&store)).boxed());
        let scene = scene.await;
        let reply = scene.main.chat("work").with_tools(ToolSelection::All).await;
        let is_known = match &reply {
            Ok(_) => true,
            Err(error) => matches!(error, Error::MovedMeanwhile { .. } | Error::Conflict(_)),
        };
        assert!(is_known, "{}: {reply:?}", scene.place);
        scene.check().await
    })
    .await;
}

/// Whoever waits goes on, before the commit does.
async fn stop(waiting: Arc<Notify>) {
    waiting.notify_one();
    tokio::task::yield_now().await;
}

/// Reads the events of a turn, until the disturbance.
async fn read_until(stream: &mut ChatStream, disturbance: &Notify) {
    loop {
        tokio::select! {
            biased;
            () = disturbance.notified() => return,
            event = stream.next() => match event {
                Some(event) => drop(event.unwrap()),
                None => return,
            }
        }
    }
}

/// Reads a turn until its commit `at`; `end` does away with the rest of it.
async fn stop_at_every_commit(end: impl AsyncFn(&Scene, ChatStream)) {
    at_every_commit(async |at, moment| {
        let waiting = Arc::new(Notify::new());
        let stopping = Arc::clone(&waiting);
        let scene = Scene::new(at, moment, |_| move || stop(Arc::clone(&stopping)).boxed());
        let scene = scene.await;
        let mut stream = scene.main.chat("work").with_tools(ToolSelection::All).stream();
        read_until(&mut stream, &waiting).await;
        end(&scene, stream).await;
        scene.check().await
    })
    .await;
}

#[tokio::test]
async fn the_turn_may_be_dropped_at_every_commit() {
    stop_at_every_commit(async |_, stream| drop(stream)).await;
}

#[tokio::test]
async fn the_turn_may_be_interrupted_at_every_commit() {
    stop_at_every_commit(async |scene, stream| {
        let reply = stream.interrupt().await.unwrap();
        let head = scene.main.view().await.unwrap().head();
        assert!(reply.is_none_or(|reply| Some(reply.head) == head), "{}", scene.place);
    })
    .await;
}
