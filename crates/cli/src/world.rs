//! What every command has: the options, the configuration file, the engine once it is needed.

use std::{
    cell::{OnceCell, RefCell},
    path::{Path, PathBuf},
    sync::Arc,
};

use branchwork::{
    Engine, EngineBuilder,
    core::provider::PriceBook,
    mcp::McpClient,
    providers::models,
    sqlite::{SqliteOptions, SqliteStore},
};

use futures_util::future::join_all;

use crate::{
    args::Global,
    calls::Handles,
    config::Config,
    exit::{Code, Failure},
    output::Paint,
    paths,
    telemetry::Told,
};

/// Options, configuration and engine of one run.
pub(crate) struct World {
    pub(crate) global: Global,
    pub(crate) config: Config,
    pub(crate) paint: Paint,
    /// The providers that were put together.
    pub(crate) handles: Handles,
    engine: OnceCell<Engine>,
    store: OnceCell<Arc<SqliteStore>>,
    /// The MCP servers that were reached.
    servers: RefCell<Vec<McpClient>>,
    /// What tells of the run.
    told: RefCell<Told>,
}

impl World {
    /// Reads the configuration file, and begins to tell of the run; opens nothing else.
    pub(crate) fn new(global: Global) -> Result<Self, Failure> {
        let config = Config::read()?;
        let paint = Paint::new(global.color);
        let (told, notes) = Told::begin(&global)?;
        let (engine, store, servers) = (OnceCell::new(), OnceCell::new(), RefCell::default());
        let (handles, told) = (Handles::default(), RefCell::new(told));
        let world = Self { global, config, paint, handles, engine, store, servers, told };
        world.notes(&notes);
        Ok(world)
    }

    /// The file of sessions.
    pub(crate) fn db(&self) -> Result<PathBuf, Failure> {
        self.global.db.clone().map_or_else(paths::db_file, Ok)
    }

    /// The engine over the file of sessions, which is made when it is not there.
    pub(crate) fn engine(&self) -> Result<&Engine, Failure> {
        if self.engine.get().is_none() {
            let path = self.db()?;
            if self.global.db.is_none() {
                paths::make_folder_of(&path).map_err(|error| cannot_make(&path, &error))?;
            }
            self.open(&path, &SqliteOptions::new())?;
        }
        self.opened()
    }

    /// The engine over the file of sessions, which must be there.
    pub(crate) fn existing_engine(&self) -> Result<&Engine, Failure> {
        if self.engine.get().is_none() {
            let path = self.db()?;
            if !path.exists() {
                let message = format!("there is no file {}", path.display());
                return Err(Failure::new(Code::NotFound, message)
                    .with_hint("it is made when something is first said"));
            }
            self.open(&path, &SqliteOptions::new().with_must_exist())?;
        }
        self.opened()
    }

    /// An engine that keeps nothing.
    pub(crate) fn ephemeral_engine(&self) -> &Engine {
        self.engine.get_or_init(|| {
            let engine = self.builder().build();
            engine.set_prices(self.prices());
            engine
        })
    }

    /// The store behind the engine, for what only a file has.
    pub(crate) fn store(&self) -> Result<&Arc<SqliteStore>, Failure> {
        self.existing_engine()?;
        self.store.get().ok_or_else(|| Failure::new(Code::Failure, "nothing is saved"))
    }

    /// What models cost: as the configuration file says, else as the table does.
    pub(crate) fn prices(&self) -> PriceBook {
        let book = PriceBook::new().with_table(models::prices);
        self.config
            .prices
            .iter()
            .fold(book, |book, ((provider, model), prices)| book.with(provider, model, *prices))
    }

    /// Lets go of an MCP server when the program ends.
    pub(crate) fn keep(&self, server: McpClient) {
        self.servers.borrow_mut().push(server);
    }

    /// Finishes what is being written, lets servers end, and sends what is told of the run.
    pub(crate) async fn close(&self) -> Result<(), Failure> {
        let servers = self.servers.take();
        join_all(servers.iter().map(McpClient::close)).await;
        let closed = match self.engine.get() {
            Some(engine) => engine.close().await,
            None => Ok(()),
        };
        if let Some(problem) = self.told.borrow_mut().close() {
            self.note(&problem);
        }
        Ok(closed?)
    }

    /// Says something to a person who has not asked for silence.
    pub(crate) fn note(&self, text: &str) {
        if !self.global.quiet {
            crate::output::complain(text);
        }
    }

    /// The same, line by line.
    pub(crate) fn notes(&self, lines: &[String]) {
        for line in lines {
            self.note(line);
        }
    }

    fn open(&self, path: &Path, options: &SqliteOptions) -> Result<(), Failure> {
        let store = Arc::new(SqliteStore::open_with(path, options)?);
        let engine = self.builder().store(Arc::clone(&store) as _).build();
        engine.set_prices(self.prices());
        // Both cells are empty: the callers looked.
        drop((self.store.set(store), self.engine.set(engine)));
        Ok(())
    }

    /// An engine that tells what is wanted.
    fn builder(&self) -> EngineBuilder {
        Engine::builder().telemetry(self.told.borrow().telemetry())
    }

    fn opened(&self) -> Result<&Engine, Failure> {
        self.engine.get().ok_or_else(|| Failure::new(Code::Failure, "the store is not open"))
    }
}

fn cannot_make(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("the folder of {} cannot be made: {error}", path.display());
    Failure::new(Code::Failure, message).with_hint("set BRANCHWORK_DATA_DIR, or give --db")
}
