//! `branchwork tree`: the branches of a session, each below the one it was forked from.

use std::collections::BTreeMap;

use branchwork::core::{id::BranchId, store::BranchRecord};
use serde_json::{Value, json};

use crate::{
    exit::Failure,
    output::{self, branch_value},
    place,
    world::World,
};

pub(super) async fn run(world: &World, session: Option<&str>) -> Result<(), Failure> {
    let session = place::session(world.existing_engine()?, session).await?;
    let default = session.default_branch().id();
    let branches = session.branches().await?;
    if world.global.json {
        let rows: Vec<Value> =
            branches.iter().map(|branch| branch_value(branch, default)).collect();
        let value = json!({ "session": session.id().to_string(), "branches": rows });
        return Ok(output::json(&value)?);
    }
    for line in draw(&branches, default) {
        output::line(&line)?;
    }
    Ok(())
}

/// A line a branch, with the lines of its forks below it.
pub(crate) fn draw(branches: &[BranchRecord], default: BranchId) -> Vec<String> {
    let known = |id: BranchId| branches.iter().any(|branch| branch.id == id);
    let mut children: BTreeMap<Option<BranchId>, Vec<&BranchRecord>> = BTreeMap::new();
    for branch in branches {
        // A fork of a branch that was deleted stands at the root.
        let parent = branch.forked_from.filter(|parent| known(*parent));
        children.entry(parent).or_default().push(branch);
    }
    let mut lines = Vec::new();
    let mut open: Vec<(&BranchRecord, String, bool)> = Vec::new();
    let roots = children.get(&None).map(Vec::as_slice).unwrap_or_default();
    open.extend(roots.iter().rev().map(|root| (*root, String::new(), true)));
    while let Some((branch, indent, is_last)) = open.pop() {
        let is_root = branch.forked_from.is_none_or(|parent| !known(parent));
        let (joint, below) = match (is_root, is_last) {
            (true, _) => ("", ""),
            (false, true) => ("└─ ", "   "),
            (false, false) => ("├─ ", "│  "),
        };
        let mark = if branch.id == default { " *" } else { "" };
        lines.push(format!("{indent}{joint}{}{mark}  {} messages", branch.name, branch.messages));
        let forks = children.get(&Some(branch.id)).map(Vec::as_slice).unwrap_or_default();
        let indent = format!("{indent}{below}");
        for (index, fork) in forks.iter().enumerate().rev() {
            open.push((fork, indent.clone(), index + 1 == forks.len()));
        }
    }
    lines
}
