//! Tests of the engine through its public face: real stores, scripted providers.

#[cfg(test)]
mod approvals;
#[cfg(test)]
mod archive;
#[cfg(test)]
mod archived_mail;
#[cfg(test)]
mod attribute;
#[cfg(test)]
mod best_of;
#[cfg(test)]
mod branches;
#[cfg(test)]
mod budgets;
#[cfg(test)]
mod cancel;
#[cfg(test)]
mod choices;
#[cfg(test)]
mod conflicts;
#[cfg(test)]
mod context;
#[cfg(test)]
mod crossings;
#[cfg(test)]
mod diffs;
#[cfg(test)]
mod events;
#[cfg(test)]
mod extract;
#[cfg(test)]
#[cfg(feature = "providers")]
mod faults;
#[cfg(test)]
#[cfg(feature = "providers")]
mod five_protocols;
#[cfg(test)]
mod flows;
#[cfg(test)]
mod loops;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod mail_model;
#[cfg(test)]
mod mail_tools;
#[cfg(test)]
mod markdown;
#[cfg(test)]
#[cfg(feature = "mcp")]
mod mcp;
#[cfg(test)]
#[cfg(feature = "mcp")]
#[expect(dead_code, reason = "what it is as a program of its own")]
#[path = "../../examples/mcp_loop.rs"]
mod mcp_loop;
#[cfg(test)]
mod merge_laws;
#[cfg(test)]
mod merges;
#[cfg(test)]
mod model;
#[cfg(test)]
mod moments;
#[cfg(test)]
mod own_flows;
#[cfg(test)]
mod poison;
#[cfg(test)]
mod prices;
#[cfg(test)]
mod recorded;
#[cfg(test)]
#[cfg(feature = "mcp")]
mod recorded_mcp;
#[cfg(test)]
mod recorded_research;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod replay_provider;
#[cfg(test)]
#[expect(dead_code, reason = "what it is as a program of its own")]
#[path = "../../examples/research.rs"]
mod research;
#[cfg(test)]
mod resume;
#[cfg(test)]
mod seed;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod steering;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod telemetry;
#[cfg(test)]
#[cfg(feature = "providers")]
mod three_protocols;
#[cfg(test)]
#[expect(dead_code, reason = "what it is as a program of its own")]
#[path = "../../examples/tool_loop.rs"]
mod tool_loop;
#[cfg(test)]
mod turns;
#[cfg(test)]
mod usage;
#[cfg(test)]
mod work;
#[cfg(test)]
#[cfg(feature = "providers")]
mod wrapped;
