//! The engine: the entry to everything.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use branchwork_core::{
    clock::{Clock, Timestamp},
    id::{BranchId, IdSource},
    limits::SEARCH_HITS_MAX,
    provider::{PriceBook, Provider},
    store::{GcReport, Hit, MemoryStore, Search, SessionRecord, Store, StoreStats, VerifyReport},
    tokens::Tokenizer,
};
use tokio::sync::RwLock;

use crate::{
    branch::Shared,
    budget::Accounts,
    error::{Error, Result},
    runtime::{RandomIds, SystemClock, Tasks},
    session::{Session, SessionBuilder},
    telemetry::Telemetry,
    tools::ToolSets,
};

/// A store, providers, a clock and a source of identifiers. Cheap to clone; clones are one engine.
#[derive(Debug, Clone)]
pub struct Engine {
    parts: Arc<Parts>,
}

#[derive(Debug)]
struct Parts {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    tasks: Tasks,
    telemetry: Telemetry,
    // Std mutexes: each is held for a lookup or a change only.
    providers: Mutex<BTreeMap<String, Arc<dyn Provider>>>,
    branches: Mutex<BTreeMap<BranchId, Weak<Shared>>>,
    tokenizers: Mutex<BTreeMap<String, Arc<dyn Tokenizer>>>,
    prices: Mutex<Arc<PriceBook>>,
    accounts: Mutex<Accounts>,
    settling: RwLock<()>,
    tools: Mutex<ToolSets>,
}

/// A handle that does not keep the engine: for what the engine keeps.
#[derive(Debug, Clone)]
pub(crate) struct WeakEngine {
    parts: Weak<Parts>,
}

impl WeakEngine {
    /// The engine; `None` when nobody has it any more.
    pub(crate) fn upgrade(&self) -> Option<Engine> {
        self.parts.upgrade().map(|parts| Engine { parts })
    }
}

/// Puts an [`Engine`] together. What is not given is the memory store, the clock of the machine,
/// random identifiers.
#[derive(Debug, Default)]
#[must_use]
pub struct EngineBuilder {
    store: Option<Arc<dyn Store>>,
    clock: Option<Arc<dyn Clock>>,
    ids: Option<Arc<dyn IdSource>>,
    telemetry: Telemetry,
}

impl EngineBuilder {
    /// Keeps sessions in `store`.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Takes the time from `clock`.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Takes identifiers from `ids`.
    pub fn ids(mut self, ids: Arc<dyn IdSource>) -> Self {
        self.ids = Some(ids);
        self
    }

    /// Tells observers more than it always does.
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = telemetry;
        self
    }

    /// The engine.
    pub fn build(self) -> Engine {
        let parts = Parts {
            store: self.store.unwrap_or_else(|| Arc::new(MemoryStore::new())),
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock)),
            ids: self.ids.unwrap_or_else(|| Arc::new(RandomIds::default())),
            tasks: Tasks::default(),
            telemetry: self.telemetry,
            providers: Mutex::default(),
            branches: Mutex::default(),
            tokenizers: Mutex::default(),
            prices: Mutex::default(),
            accounts: Mutex::default(),
            settling: RwLock::default(),
            tools: Mutex::default(),
        };
        Engine { parts: Arc::new(parts) }
    }
}

impl Engine {
    /// Begins to put an engine together.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// Lets branches name `provider` as `name`. A later one of the same name takes its place.
    pub fn register(&self, name: impl Into<String>, provider: Arc<dyn Provider>) {
        drop(lock(&self.parts.providers).insert(name.into(), provider));
    }

    /// The provider that is registered as `name`.
    ///
    /// # Errors
    ///
    /// [`Error::NoProvider`] with the names there are.
    pub fn provider(&self, name: &str) -> Result<Arc<dyn Provider>> {
        let providers = lock(&self.parts.providers);
        providers.get(name).map(Arc::clone).ok_or_else(|| Error::NoProvider {
            name: name.to_owned(),
            registered: providers.keys().cloned().collect(),
        })
    }

    /// Lets `tokenizer` count the tokens of the models whose names begin with `model`: what providers have
    /// not measured. The longest such name counts.
    pub fn register_tokenizer(&self, model: impl Into<String>, tokenizer: Arc<dyn Tokenizer>) {
        drop(lock(&self.parts.tokenizers).insert(model.into(), tokenizer));
    }

    pub(crate) fn tokenizer(&self, model: &str) -> Option<Arc<dyn Tokenizer>> {
        let tokenizers = lock(&self.parts.tokenizers);
        let known = tokenizers.iter().filter(|(name, _)| model.starts_with(name.as_str()));
        known.max_by_key(|(name, _)| name.len()).map(|(_, tokenizer)| Arc::clone(tokenizer))
    }

    /// Lets calls cost what `prices` says from now on, for the [call log](crate::usage) and for the limits of
    /// turns. Without it, an engine knows no prices. Calls that were made keep what they cost.
    ///
    /// A call costs what the model costs that was asked for, at the time of the call; when that is not
    /// known, what the model costs that answered.
    ///
    /// ```
    /// use branchwork::{
    ///     Engine,
    ///     core::provider::{PriceBook, Prices},
    /// };
    ///
    /// let engine = Engine::in_memory();
    /// // $0.50 for a million tokens that are read, $1.50 for those that are written.
    /// engine.set_prices(PriceBook::new().with("lab", "tiny", Prices::new(500_000, 1_500_000)));
    /// ```
    pub fn set_prices(&self, prices: PriceBook) {
        *lock(&self.parts.prices) = Arc::new(prices);
    }

    /// The budgets, and what is used of them.
    pub(crate) fn accounts(&self) -> MutexGuard<'_, Accounts> {
        lock(&self.parts.accounts)
    }

    /// Held for reading while a call of a model goes into the log and is told to the budgets; for writing while
    /// a budget is read out of the log. So each call is told of once.
    pub(crate) fn settling(&self) -> &RwLock<()> {
        &self.parts.settling
    }

    pub(crate) fn prices(&self) -> Arc<PriceBook> {
        Arc::clone(&lock(&self.parts.prices))
    }

    /// Begins to make a session that is called `name`.
    pub fn session(&self, name: impl Into<String>) -> SessionBuilder {
        SessionBuilder::new(self.clone(), Some(name.into()))
    }

    /// Begins to make a session without a name.
    pub fn unnamed_session(&self) -> SessionBuilder {
        SessionBuilder::new(self.clone(), None)
    }

    /// Opens the session that `reference` names: by identifier, by name, or by a prefix of an
    /// identifier that fits one session only.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Ambiguous`].
    pub async fn open_session(&self, reference: &str) -> Result<Session> {
        let sessions = self.sessions().await?;
        let record = crate::reference::find_session(&sessions, reference)?;
        Ok(Session::new(self.clone(), record))
    }

    /// Every session, archived ones included, the most recently used first.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn sessions(&self) -> Result<Vec<SessionRecord>> {
        Ok(self.store().sessions().await?)
    }

    /// The messages that hold a text, newest first: also those that were undone since, and those of
    /// deleted branches until [`gc`](Self::gc).
    ///
    /// In a file, a search takes what it needs into an index first. The first search of a long history
    /// takes part of a second, later ones some milliseconds; one or two letters are too few for the
    /// index, and cost a look at everything.
    ///
    /// # Errors
    ///
    /// [`Error::BadSearch`] when the text is empty, or the limit is not from 1 to
    /// [`SEARCH_HITS_MAX`](branchwork_core::limits::SEARCH_HITS_MAX); [`Error::Store`].
    pub async fn search(&self, search: &Search) -> Result<Vec<Hit>> {
        if search.text.is_empty() {
            return Err(Error::BadSearch { problem: "has no text".to_owned() });
        }
        if !(1..=SEARCH_HITS_MAX).contains(&search.limit) {
            let problem =
                format!("has the limit {}, not one from 1 to {SEARCH_HITS_MAX}", search.limit);
            return Err(Error::BadSearch { problem });
        }
        Ok(self.store().search(search).await?)
    }

    /// Checks every invariant that can be seen in what is stored.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]; what is found wrong is in the report.
    pub async fn verify(&self) -> Result<VerifyReport> {
        Ok(self.store().verify().await?)
    }

    /// What is stored, counted.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn stats(&self) -> Result<StoreStats> {
        Ok(self.store().stats().await?)
    }

    /// Takes away what no branch and no reflog reaches any more.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]; then nothing was taken away.
    pub async fn gc(&self) -> Result<GcReport> {
        Ok(self.store().gc().await?)
    }

    /// Finishes what is being written, and lets go of files and threads. Later calls fail.
    ///
    /// Call it before the process or the runtime ends: a turn that was dropped half-way is then
    /// closed with what had come of it.
    ///
    /// # Errors
    ///
    /// [`Error::Store`].
    pub async fn close(&self) -> Result<()> {
        self.parts.tasks.join().await;
        Ok(self.store().close().await?)
    }

    /// A handle that does not keep it.
    pub(crate) fn downgrade(&self) -> WeakEngine {
        WeakEngine { parts: Arc::downgrade(&self.parts) }
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.parts.store
    }

    pub(crate) fn ids(&self) -> &dyn IdSource {
        &*self.parts.ids
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.parts.tasks
    }

    pub(crate) fn telemetry(&self) -> &Telemetry {
        &self.parts.telemetry
    }

    /// The tools of every branch.
    pub(crate) fn tool_sets(&self) -> MutexGuard<'_, ToolSets> {
        lock(&self.parts.tools)
    }

    /// What all handles of one branch share: one for each branch of an engine.
    pub(crate) fn shared(&self, id: BranchId) -> Arc<Shared> {
        let mut branches = lock(&self.parts.branches);
        if let Some(shared) = branches.get(&id).and_then(Weak::upgrade) {
            return shared;
        }
        // Forgotten branches are swept when the map would have to grow.
        if branches.len().is_power_of_two() {
            branches.retain(|_, shared| shared.strong_count() > 0);
        }
        let shared = Arc::new(Shared::default());
        branches.insert(id, Arc::downgrade(&shared));
        shared
    }
}

/// Locks it, also when somebody panicked who held it: what it holds is changed in one go.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
