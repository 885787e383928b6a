//! Where the ops of an archive lie.

use std::collections::BTreeMap;

use branchwork_core::{
    graph::Op,
    id::{BranchId, OpId, StretchId},
};

/// The stretches that an archive told of: whose each is, and the op that comes next in it, if one can.
#[derive(Debug, Default)]
pub(super) struct Stretches(BTreeMap<StretchId, (BranchId, Option<OpId>)>);

impl Stretches {
    /// Takes the next op of `branch`.
    ///
    /// # Errors
    ///
    /// That no store takes it where it lies, as a clause.
    pub(super) fn take(&mut self, branch: BranchId, op: &Op) -> Result<(), String> {
        let (id, stretch) = (op.id, op.id.stretch());
        let fits = match self.0.get(&stretch) {
            None => id.place() == 0,
            Some((owner, next)) => {
                *owner == branch && *next == Some(id) && op.parent == id.previous()
            }
        };
        if !fits {
            return Err(format!("holds op {id}, which does not follow its place in its stretch"));
        }
        self.0.insert(stretch, (branch, id.next()));
        Ok(())
    }
}
