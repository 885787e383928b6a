//! What a new branch begins with.

use branchwork_core::{
    config::{Config, ConfigPatch, Defaults},
    graph::{Extent, Op, StepWriter, View},
    id::{BranchId, OpId},
    message::{Body, Draft},
    store::{Cause, Commit, HeadMove},
};

use crate::{engine::Engine, error::Result};

/// What a new branch begins with: the first step on it, which `undo` leaves.
#[derive(Debug, Default)]
pub(crate) struct Beginning {
    pub(crate) config: ConfigPatch,
    pub(crate) system: Option<String>,
}

impl Beginning {
    /// What the branches of a session begin with, under what is said already.
    pub(crate) fn or(self, defaults: &Defaults) -> Self {
        let config = defaults.config.patched(&self.config).to_patch();
        Self { config, system: self.system.or_else(|| defaults.system.clone()) }
    }

    /// What all later branches would begin with, if they began like this one.
    pub(crate) fn defaults(&self) -> Defaults {
        let config = Config::default().patched(&self.config);
        let defaults = Defaults::new().with_config(config);
        match &self.system {
            Some(system) => defaults.with_system(system),
            None => defaults,
        }
    }

    /// Checks what can be wrong with it.
    pub(crate) fn check(&self) -> Result<()> {
        self.config.check()?;
        if let Some(system) = &self.system {
            Draft::new(Body::System { text: system.clone() }).check()?;
        }
        Ok(())
    }

    /// The step, behind `view`, and where it leads.
    pub(crate) fn write(self, engine: &Engine, view: View) -> Result<(Vec<Op>, View)> {
        let author = view.config().sender.clone();
        let mut step = StepWriter::after(view, None, engine.ids(), engine.now()).by(author);
        if !self.config.is_empty() {
            step.configure(self.config)?;
        }
        if let Some(system) = self.system {
            step.set_system(system)?;
        }
        Ok(step.finish(Extent::Birth))
    }
}

/// `commit`, which makes `branch` at `from`, with the step that it begins with, when there is one.
pub(crate) fn with_beginning(
    commit: Commit,
    (branch, from): (BranchId, Option<OpId>),
    ops: Vec<Op>,
) -> Commit {
    let Some(to) = ops.last().map(|last| Some(last.id)) else { return commit };
    commit.with_ops(ops, HeadMove { branch, from, to, cause: Cause::Append })
}
