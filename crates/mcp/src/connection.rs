//! One connection: the session of the protocol, and what it runs on.

use std::{sync::Arc, time::Duration};

use branchwork_core::secret::{Secret, detail};
use rmcp::{
    ClientHandler, RoleClient,
    model::{
        ClientCapabilities, ClientConfig, Implementation, ProtocolVersion, SubscriptionFilter,
    },
    service::{
        ClientCacheConfig, ClientInitializeError, ClientLifecycleMode, ClientServiceExt as _,
        NotificationContext, Peer, RunningService,
    },
    transport::async_rw::AsyncRwTransport,
};
use tokio::{task::JoinSet, time::sleep};
use tracing::{instrument::WithSubscriber as _, subscriber::NoSubscriber};

use crate::{
    error::{McpError, say},
    http,
    list::ToolList,
    process::Process,
    server::{McpServer, Transport},
    telemetry::{Asked, Place, RequestSpan, failure},
};

/// How long a server may take to end after it was told.
const END_WAIT: Duration = Duration::from_secs(2);

/// How long until a subscription that ended is made anew.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// One connection. Dropping it ends what it runs on.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Hears of changes, where the protocol has subscriptions.
    follower: JoinSet<()>,
    service: RunningService<RoleClient, Handler>,
    process: Option<Process>,
}

/// What answers the server when it says something by itself.
#[derive(Debug)]
pub(crate) struct Handler {
    list: Arc<ToolList>,
}

impl ClientHandler for Handler {
    async fn on_tool_list_changed(&self, context: NotificationContext<RoleClient>) {
        // A server that says so and then cannot be asked keeps the list it had.
        drop(self.list.read(&context.peer).await);
    }

    fn get_info(&self) -> ClientConfig {
        let us = Implementation::new("branchwork", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), us)
    }
}

impl Connection {
    /// Connects, and reads which tools there are into `list`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the child process.
    pub(crate) async fn open(
        (server, place): (&McpServer, &Place),
        secrets: &[Secret],
        list: &Arc<ToolList>,
    ) -> Result<Self, McpError> {
        let span = RequestSpan::begin(place, Asked::of("initialize"));
        let serving = Self::serve(server, secrets, Handler { list: Arc::clone(list) });
        // The tasks of the connection would keep whatever span it is made in, for as long as they run.
        let served = serving.with_subscriber(NoSubscriber::new()).await;
        if let Ok(connection) = &served {
            span.speaks(connection.service.peer());
        }
        span.end(served.as_ref().err().and_then(failure));
        let mut connection = served?;
        let peer = connection.service.peer().clone();
        // What it said once is not what it would say now.
        peer.set_response_cache_config(ClientCacheConfig::disabled()).await;
        let Some(info) = peer.peer_info() else { return Ok(connection) };
        let Some(tools) = &info.capabilities.tools else { return Ok(connection) };
        if let Err(error) = list.read(&peer).await {
            let said = say(&*error, secrets);
            return Err(connection.unreachable(server, secrets, &said).await);
        }
        if !info.protocol_version.has_initialize() && tools.list_changed == Some(true) {
            connection.follower.spawn(follow(peer, Arc::clone(list)));
        }
        Ok(connection)
    }

    async fn serve(
        server: &McpServer,
        secrets: &[Secret],
        handler: Handler,
    ) -> Result<Self, McpError> {
        let (served, process) = match &server.transport {
            Transport::Stdio { command, arguments, environment } => {
                let started = Process::start(command, arguments, environment);
                let (process, stdout, stdin) = started.map_err(|source| McpError::NotStarted {
                    server: server.name.clone(),
                    command: command.clone(),
                    source,
                })?;
                let transport = AsyncRwTransport::new_client(stdout, stdin);
                (handler.serve_with_lifecycle(transport, lifecycle()).await, Some(process))
            }
            Transport::Http { url, headers } => {
                let transport = http::transport(url, headers);
                let transport =
                    transport.map_err(|problem| server.bad(detail(&problem, secrets)))?;
                (handler.serve_with_lifecycle(transport, lifecycle()).await, None)
            }
        };
        match served {
            Ok(service) => Ok(Self { follower: JoinSet::new(), service, process }),
            Err(error) => Err(unreachable(server, secrets, &why(&error, secrets), process).await),
        }
    }

    /// Whether nothing can be sent any more.
    pub(crate) fn is_lost(&self) -> bool {
        self.service.is_closed() || self.service.peer().is_transport_closed()
    }

    pub(crate) const fn service(&self) -> &RunningService<RoleClient, Handler> {
        &self.service
    }

    /// Says goodbye, and waits a while for the server to end by itself.
    pub(crate) async fn end(mut self) {
        self.follower.abort_all();
        drop(self.service.close_with_timeout(END_WAIT).await);
        if let Some(process) = self.process.take() {
            process.end(END_WAIT).await;
        }
    }

    async fn unreachable(self, server: &McpServer, secrets: &[Secret], said: &str) -> McpError {
        unreachable(server, secrets, said, self.process).await
    }
}

/// The failure, with the last thing that the process said.
async fn unreachable(
    server: &McpServer,
    secrets: &[Secret],
    said: &str,
    process: Option<Process>,
) -> McpError {
    let last = match process {
        Some(process) => process.last_line().await,
        None => None,
    };
    let text = match last {
        Some(last) => format!("{said}; it said: {last}"),
        None => said.to_owned(),
    };
    McpError::Unreachable { server: server.name.clone(), detail: detail(&text, secrets) }
}

/// Why no session came about.
fn why(error: &ClientInitializeError, secrets: &[Secret]) -> String {
    match error {
        ClientInitializeError::ConnectionClosed(_) => "it ended at once".to_owned(),
        ClientInitializeError::TransportError { error, .. } => say(&*error.error, secrets),
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => why(fallback, secrets),
        error => say(error, secrets),
    }
}

/// The newest protocol that the server speaks: one without sessions, else one that begins with a greeting.
fn lifecycle() -> ClientLifecycleMode {
    ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: Some(ProtocolVersion::V_2025_11_25),
    }
}

/// Keeps the list in step with the server while the connection lasts.
async fn follow(peer: Peer<RoleClient>, list: Arc<ToolList>) {
    let filter = SubscriptionFilter::builder().tools_list_changed().build();
    while !peer.is_transport_closed() {
        if let Ok(mut subscription) = peer.listen(filter.clone()).await {
            // Of what changed before the subscription stood, nobody told.
            drop(list.read(&peer).await);
            while let Ok(Some(_changed)) = subscription.next().await {
                drop(list.read(&peer).await);
            }
        }
        sleep(LISTEN_AGAIN).await;
    }
}
