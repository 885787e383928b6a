//! A server that is used. It connects again when it has to.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use branchwork_core::{
    secret::{Secret, redact},
    telemetry::error_type,
    tool::{Tool, ToolSource},
};
use rmcp::{
    model::{CallToolRequestParams, CallToolResult, JsonObject, ReadResourceRequestParams},
    service::ServiceError,
};
use tokio::time::timeout;

use crate::{
    connection::Connection,
    error::{McpError, say},
    list::{Listed, ToolList},
    names::names,
    resource::{Resource, ResourceContent},
    server::McpServer,
    telemetry::{Asked, Place, RequestSpan, failure},
    tool::McpTool,
};

/// A server that is used. Cheap to clone; clones are one server.
///
/// When the connection breaks, the call that noticed fails, and the next one connects again. A call that
/// took too long has failed too, and the next one has a new connection; calls that still run on the old one
/// go on. The child process of a server is killed when the last clone and the last of its tools are gone;
/// [`close`](Self::close) lets it end by itself.
#[derive(Clone)]
pub struct McpClient {
    shared: Arc<Shared>,
}

struct Shared {
    server: McpServer,
    place: Place,
    secrets: Vec<Secret>,
    list: Arc<ToolList>,
    // A std mutex: held to look and to change, never across an await.
    state: Mutex<State>,
    /// Held while a connection is made, so that no second one is.
    connecting: tokio::sync::Mutex<()>,
}

enum State {
    Lost,
    Live(Arc<Connection>),
    Closed,
}

impl fmt::Debug for McpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { server, list, .. } = &*self.shared;
        f.debug_struct("McpClient").field("server", server).field("list", list).finish()
    }
}

impl McpClient {
    /// A server that was reached.
    pub(crate) async fn connected(server: McpServer) -> Result<Self, McpError> {
        let secrets = server.secrets();
        let place = Place::of(&server);
        let list = Arc::new(ToolList::new(place.clone()));
        let (state, connecting) = (Mutex::new(State::Lost), tokio::sync::Mutex::new(()));
        let shared = Shared { server, place, secrets, list, state, connecting };
        let client = Self { shared: Arc::new(shared) };
        client.live().await?;
        Ok(client)
    }

    /// What it was made of.
    pub fn server(&self) -> &McpServer {
        &self.shared.server
    }

    /// The tools that it has now, in its order, each by the name `SERVER__TOOL`.
    ///
    /// Letters that providers refuse are replaced, and what is too long is cut; no two have one name.
    pub fn tools(&self) -> Vec<McpTool> {
        self.listed().1
    }

    /// The number of its list of tools: another one whenever the list is another.
    pub fn revision(&self) -> u64 {
        self.shared.list.now().revision
    }

    /// Waits until the number of the list is another one than `seen`, and answers it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: who asks again with the same number hears of the same change.
    pub async fn changed(&self, seen: u64) -> u64 {
        self.shared.list.changed(seen).await
    }

    /// What it offers to be read; nothing when it does not do that.
    ///
    /// # Errors
    ///
    /// [`McpError`].
    pub async fn resources(&self) -> Result<Vec<Resource>, McpError> {
        let list = self.ask(Asked::of("resources/list"), async |connection: &Connection| {
            let peer = connection.service().peer();
            let offers = peer.peer_info().is_some_and(|info| info.capabilities.resources.is_some());
            if offers { peer.list_all_resources().await } else { Ok(Vec::new()) }
        });
        Ok(list.await?.into_iter().map(Resource::from).collect())
    }

    /// Reads a resource.
    ///
    /// # Errors
    ///
    /// [`McpError::Refused`] when it has none of that URI; else as for any call.
    pub async fn read_resource(&self, uri: &str) -> Result<Vec<ResourceContent>, McpError> {
        let told = redact(uri, self.secrets());
        let read = self.ask(Asked::resource(&told), async |connection: &Connection| {
            connection.service().read_resource(ReadResourceRequestParams::new(uri)).await
        });
        Ok(read.await?.contents.into_iter().filter_map(ResourceContent::of).collect())
    }

    /// Ends the connection, and lets the child process end by itself, two seconds long. Later calls fail.
    pub async fn close(&self) {
        let state = std::mem::replace(&mut *self.state(), State::Closed);
        if let State::Live(connection) = state
            && let Some(connection) = Arc::into_inner(connection)
        {
            connection.end().await;
        }
    }

    pub(crate) fn secrets(&self) -> &[Secret] {
        &self.shared.secrets
    }

    /// Calls a tool by the name that the server has for it.
    pub(crate) async fn call(
        &self,
        tool: &str,
        arguments: JsonObject,
    ) -> Result<CallToolResult, McpError> {
        let call = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        let span = RequestSpan::begin(&self.shared.place, Asked::tool(tool));
        let calling =
            async |connection: &Connection| connection.service().call_tool(call.clone()).await;
        let called = span.within(self.answer(&span, calling)).await;
        span.end(match &called {
            Ok(result) => (result.is_error == Some(true)).then_some(error_type::TOOL_ERROR),
            Err(error) => failure(error),
        });
        called
    }

    /// Asks something of the server, connected if it is not, in the time it has.
    async fn ask<T>(
        &self,
        asked: Asked<'_>,
        question: impl AsyncFnOnce(&Connection) -> Result<T, ServiceError>,
    ) -> Result<T, McpError> {
        let span = RequestSpan::begin(&self.shared.place, asked);
        let answer = span.within(self.answer(&span, question)).await;
        span.end(answer.as_ref().err().and_then(failure));
        answer
    }

    /// The same in `span`.
    async fn answer<T>(
        &self,
        span: &RequestSpan,
        question: impl AsyncFnOnce(&Connection) -> Result<T, ServiceError>,
    ) -> Result<T, McpError> {
        let connection = self.live().await?;
        span.speaks(connection.service().peer());
        let Shared { server, secrets, .. } = &*self.shared;
        let name = || server.name().to_owned();
        let error = match timeout(server.call_wait, question(&connection)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(ServiceError::McpError(error))) => {
                span.refused(error.code.0);
                let detail = say(&error, secrets);
                return Err(McpError::Refused { server: name(), detail });
            }
            Ok(Err(error)) => McpError::Lost { server: name(), detail: lost(&error, secrets) },
            Err(_elapsed) => McpError::OutOfTime { server: name(), limit: server.call_wait },
        };
        self.let_go(&connection);
        Err(error)
    }

    /// The connection; a new one when there is none that works.
    async fn live(&self) -> Result<Arc<Connection>, McpError> {
        let Shared { server, .. } = &*self.shared;
        let limit = server.connect_wait;
        match timeout(limit, self.connect()).await {
            Ok(connection) => connection,
            Err(_elapsed) => Err(McpError::OutOfTime { server: server.name().to_owned(), limit }),
        }
    }

    async fn connect(&self) -> Result<Arc<Connection>, McpError> {
        if let Some(connection) = self.current()? {
            return Ok(connection);
        }
        let Shared { server, place, secrets, list, connecting, .. } = &*self.shared;
        let connecting = connecting.lock().await;
        if let Some(connection) = self.current()? {
            return Ok(connection);
        }
        let connection = Arc::new(Connection::open((server, place), secrets, list).await?);
        let mut state = self.state();
        if matches!(*state, State::Closed) {
            return Err(self.closed());
        }
        *state = State::Live(Arc::clone(&connection));
        drop(connecting);
        Ok(connection)
    }

    /// The connection that works, if there is one.
    fn current(&self) -> Result<Option<Arc<Connection>>, McpError> {
        match &*self.state() {
            State::Closed => Err(self.closed()),
            State::Live(connection) if !connection.is_lost() => Ok(Some(Arc::clone(connection))),
            State::Live(_) | State::Lost => Ok(None),
        }
    }

    /// Uses that connection no more. It ends with the last call that runs on it.
    fn let_go(&self, connection: &Arc<Connection>) {
        let mut state = self.state();
        if matches!(&*state, State::Live(current) if Arc::ptr_eq(current, connection)) {
            *state = State::Lost;
        }
    }

    fn closed(&self) -> McpError {
        McpError::Closed { server: self.server().name().to_owned() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listed(&self) -> (u64, Vec<McpTool>) {
        let Listed { revision, tools } = self.shared.list.now();
        let remote: Vec<&str> = tools.iter().map(|tool| &*tool.name).collect();
        let names = names(self.server().name(), &remote);
        let each = tools.iter().zip(names);
        (revision, each.map(|(tool, name)| McpTool::new(self.clone(), name, tool)).collect())
    }
}

impl ToolSource for McpClient {
    fn name(&self) -> &str {
        self.server().name()
    }

    fn tools(&self) -> (u64, Vec<Arc<dyn Tool>>) {
        let (revision, tools) = self.listed();
        (revision, tools.into_iter().map(|tool| Arc::new(tool) as _).collect())
    }

    fn revision(&self) -> u64 {
        self.revision()
    }
}

/// Why a connection does not work any more.
fn lost(error: &ServiceError, secrets: &[Secret]) -> String {
    match error {
        ServiceError::TransportClosed => "the server ended it".to_owned(),
        ServiceError::TransportSend(error) => say(&*error.error, secrets),
        error => say(error, secrets),
    }
}
