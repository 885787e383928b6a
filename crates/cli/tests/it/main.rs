//! Tests of the real binary: real files, a real HTTP server on loopback, a real model.

#[cfg(test)]
mod approvals;
#[cfg(test)]
mod asking;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod bad_mail;
#[cfg(test)]
mod bad_servers;
#[cfg(test)]
mod branches;
#[cfg(test)]
mod budgets;
#[cfg(test)]
mod chat;
#[cfg(test)]
mod compact;
#[cfg(test)]
mod dry_run;
#[cfg(test)]
mod events;
#[cfg(test)]
mod fan_out;
#[cfg(test)]
mod interrupt;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod mcp_servers;
#[cfg(test)]
mod merge;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod planted;
#[cfg(test)]
mod prices;
#[cfg(test)]
mod prompt;
#[cfg(test)]
mod react;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod resilience;
#[cfg(test)]
mod server;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod support;
#[cfg(test)]
mod telemetry;
#[cfg(test)]
mod transfer;
