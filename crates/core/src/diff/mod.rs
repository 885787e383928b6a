//! What a branch has and did since another one was the same. Pure: two views in, a [`Delta`] out.
//!
//! What both share is never walked: it costs what is new.
//!
//! - [`Delta`] is all of it.
//! - [`Edit`] is what became of one message that was there before.
//! - [`SettingChange`] is what became of one setting, [`ToolsChange`] of the tools on offer.

mod delta;
mod edit;
mod settings;

pub use self::{
    delta::Delta,
    edit::{Edit, EditKind},
    settings::{SettingChange, ToolsChange},
};
pub(crate) use self::{edit::between as edits_between, settings::changes};
