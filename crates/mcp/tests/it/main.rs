//! Tests against real MCP servers, which come from the Python registry through `cargo xtask`.

#[cfg(test)]
mod bad_servers;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod others;
#[cfg(test)]
mod support;
#[cfg(test)]
mod telemetry;
