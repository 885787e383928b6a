//! MCP servers of the configuration file, and which of their tools are offered to a model.

use branchwork::{
    Session,
    core::{nearest::nearest, tool::ToolSelection},
    mcp::{McpClient, McpServer, McpTool},
    tools::{ToolSpec, Tools},
};
use futures_util::future::{join_all, try_join_all};

use crate::{
    config::{McpServerConfig, Reach},
    env,
    exit::{Code, Failure},
    world::World,
};

/// What stands for all tools of all servers.
const ALL: &str = "all";

/// What begins the name of a variable that a value is read from.
const VARIABLE: &str = "env:";

/// The tools that `--tool` asks for, of servers that were reached.
pub(crate) struct Offered {
    servers: Vec<McpClient>,
    /// The names of tools that were asked for one by one.
    single: Vec<String>,
    /// The names of servers all tools of which were asked for.
    whole: Vec<String>,
}

/// Reaches the servers whose tools are asked for. Nothing is offered when nothing is asked for.
pub(crate) async fn offered(world: &World, wanted: &[String]) -> Result<Option<Offered>, Failure> {
    if wanted.is_empty() {
        return Ok(None);
    }
    let configured: Vec<&str> = world.config.mcp_servers.keys().map(String::as_str).collect();
    let (mut whole, mut single, mut needed) = (Vec::new(), Vec::new(), Vec::new());
    for name in wanted {
        if name == ALL {
            if configured.is_empty() {
                return Err(none_configured());
            }
            whole.extend(configured.iter().map(|&server| server.to_owned()));
            needed.extend(configured.iter().copied());
        } else if let Some(server) = configured.iter().find(|server| *server == name) {
            whole.push(name.clone());
            needed.push(server);
        } else {
            needed.push(server_of(name, &configured).ok_or_else(|| unknown(name, &configured))?);
            single.push(name.clone());
        }
    }
    needed.sort_unstable();
    needed.dedup();
    let servers = try_join_all(needed.into_iter().map(|name| connect(world, name))).await?;
    let offered = Offered { servers, single, whole };
    offered.check()?;
    Ok(Some(offered))
}

/// What `--tool` says of all tools, for what needs some and is told of none.
pub(crate) fn all() -> Vec<String> {
    vec![ALL.to_owned()]
}

/// Lets the branches of `session` have what is offered; answers what a turn that begins now offers.
pub(crate) fn register(
    offered: Option<&Offered>,
    session: &Session,
) -> Result<ToolSelection, Failure> {
    let Some(offered) = offered else { return Ok(ToolSelection::Configured) };
    for server in &offered.servers {
        session.register_source(server.clone())?;
    }
    Ok(offered.selection(session))
}

/// Reaches one server; it is let go of when the program ends.
async fn connect(world: &World, name: &str) -> Result<McpClient, Failure> {
    let Some(config) = world.config.mcp_servers.get(name) else {
        return Err(none_configured());
    };
    let client = server(name, config)?.connect().await?;
    world.keep(client.clone());
    Ok(client)
}

/// Tries to reach every server; each with what came of it.
pub(crate) async fn every(world: &World) -> Vec<(&str, &Reach, Result<McpClient, Failure>)> {
    let servers = world.config.mcp_servers.iter();
    let tries = servers
        .map(async |(name, config)| (name.as_str(), &config.reach, connect(world, name).await));
    join_all(tries).await
}

/// The server as the configuration file says, with the values of the environment that it names.
fn server(name: &str, config: &McpServerConfig) -> Result<McpServer, Failure> {
    let mut server = match &config.reach {
        Reach::Command { command, args, .. } => McpServer::stdio(name, command, args),
        Reach::Url { url, .. } => McpServer::http(name, url),
    };
    match &config.reach {
        Reach::Command { env, .. } => {
            for (variable, value) in env {
                server = server.with_env(variable, resolved(name, value)?);
            }
        }
        Reach::Url { headers, .. } => {
            for (header, value) in headers {
                server = server.with_header(header, resolved(name, value)?);
            }
        }
    }
    if config.asks {
        server = server.with_approval();
    }
    Ok(match config.timeout {
        Some(limit) => server.with_connect_timeout(limit).with_call_timeout(limit),
        None => server,
    })
}

/// A value; of `env:NAME`, also behind `Bearer `, what the environment says.
fn resolved(server: &str, value: &str) -> Result<String, Failure> {
    let (before, last) =
        value.rsplit_once(' ').map_or(("", value), |(before, last)| (before, last));
    let Some(variable) = last.strip_prefix(VARIABLE) else { return Ok(value.to_owned()) };
    let Some(secret) = env::text(variable) else {
        let message = format!("the MCP server `{server}` wants the variable {variable}");
        return Err(Failure::new(Code::Usage, message).with_hint(format!("set {variable}")));
    };
    Ok(if before.is_empty() { secret } else { format!("{before} {secret}") })
}

/// The server that a tool is of, by its name `SERVER__TOOL`.
fn server_of<'a>(tool: &str, servers: &[&'a str]) -> Option<&'a str> {
    let of =
        |server: &&&str| tool.strip_prefix(**server).is_some_and(|rest| rest.starts_with("__"));
    servers.iter().filter(of).max_by_key(|server| server.len()).copied()
}

fn none_configured() -> Failure {
    Failure::usage("no MCP server is configured")
        .with_hint("write `[mcp-servers.NAME]` with `command` or `url` into the configuration file")
}

fn unknown(name: &str, servers: &[&str]) -> Failure {
    if servers.is_empty() {
        return none_configured();
    }
    let failure = Failure::new(Code::NotFound, format!("there is no MCP server `{name}`"));
    let own = name.split_once("__").map_or(name, |(server, _)| server);
    failure.with_hint(match nearest(own, servers.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", servers.join(", ")),
    })
}

impl Offered {
    /// Finds out what is wrong before anything is made.
    fn check(&self) -> Result<(), Failure> {
        let mut tools = Tools::default();
        for server in &self.servers {
            tools.register_source(server.clone()).map_err(|error| {
                let name = server.server().name();
                Failure::usage(format!(
                    "the tools of the MCP server `{name}` cannot be used: {error}"
                ))
            })?;
        }
        for name in &self.single {
            if !tools.contains(name) {
                let failure = Failure::new(Code::NotFound, format!("there is no tool `{name}`"));
                return Err(match nearest(name, tools.names()) {
                    Some(near) => failure.with_hint(format!("did you mean `{near}`?")),
                    None => failure.with_hint("`branchwork mcp-servers list` lists the tools"),
                });
            }
        }
        Ok(())
    }

    /// What is offered in a turn that begins now. A tool that came later and could not be registered is not.
    pub(crate) fn selection(&self, session: &Session) -> ToolSelection {
        let registered = session.tools();
        let names = self.specs().into_iter().map(|spec| spec.name);
        let is_there = |name: &String| registered.contains(name) || self.single.contains(name);
        ToolSelection::from(names.filter(is_there).collect::<Vec<_>>())
    }

    /// The tools as the model sees them.
    pub(crate) fn specs(&self) -> Vec<ToolSpec> {
        use branchwork::tools::Tool as _;
        let is_wanted = |server: &McpClient, spec: &ToolSpec| {
            self.whole.iter().any(|name| name == server.server().name())
                || self.single.contains(&spec.name)
        };
        let mut specs = Vec::new();
        for server in &self.servers {
            let tools = server.tools();
            let own = tools.iter().map(McpTool::spec).filter(|spec| is_wanted(server, spec));
            specs.extend(own.cloned());
        }
        specs.sort_by(|left, right| left.name.cmp(&right.name));
        specs
    }
}
