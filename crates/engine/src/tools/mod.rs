//! Tools of the host program: made of functions, registered on branches, run for a model.
//!
//! - [`tool`](macro@crate::tool) makes a tool of a function with its comments.
//! - [`FunctionTool`] makes a tool of a function: typed, by JSON Schema, async or blocking.
//! - [`Tools`] is a set of tools by name; each branch has its own, and a fork begins with its
//!   parent's.
//! - [`ToolSource`] has tools that come and go, as a server of another process does.
//!
//! What every tool is held to is in [`core::tool`](branchwork_core::tool).

mod function;
mod judge;
mod registry;
mod run;
mod sets;
mod sources;

pub use branchwork_core::tool::{
    Policy, Tool, ToolChoice, ToolContext, ToolEffect, ToolError, ToolOutput, ToolSelection,
    ToolSource, ToolSpec,
};
pub use schemars;
// What the attribute `tool` derives is of these, so that users need not depend on them.
pub use serde;

pub use self::{
    function::FunctionTool,
    registry::{RegisterError, Tools},
};
pub(crate) use self::{
    function::schema_of,
    judge::{Judge, TurnPolicy},
    registry::{Offer, Registered},
    run::{Came, check_arguments, misfit, run},
    sets::ToolSets,
};
