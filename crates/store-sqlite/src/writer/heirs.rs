//! What becomes of the mail of a branch that is deleted.

use branchwork_core::{clock::Timestamp, id::BranchId};
use rusqlite::Connection;

use crate::{error::Answer, key::branch_bytes};

/// Hands what waits for `branch` to its heir, makes the rest of it dead letters, and sends what the
/// branch has on the way.
pub(super) fn bequeath(
    db: &Connection,
    (branch, name): (BranchId, &str),
    heir: Option<BranchId>,
    at: Timestamp,
) -> Answer<()> {
    if let Some(heir) = heir {
        inherit(db, branch, heir, at)?;
    }
    let reason = format!("branch `{name}` was deleted");
    let (branch, at) = (branch_bytes(branch), at.as_micros());
    db.prepare_cached(
        "UPDATE delivery INDEXED BY delivery_waiting
         SET state = 6, since = ?2, reason = ?3, sender = NULL
         WHERE recipient = ?1 AND state <= 2",
    )?
    .execute((branch, at, reason))?;
    db.prepare_cached(
        "UPDATE delivery INDEXED BY delivery_unsent
         SET state = 2, since = ?2, delivered = coalesce(delivered, ?2), sender = NULL
         WHERE sender = ?1 AND state <= 1",
    )?
    .execute((branch, at))?;
    Ok(())
}

/// Brings what waits for `branch` into the inbox of its heir, save what the heir has too.
fn inherit(db: &Connection, branch: BranchId, heir: BranchId, at: Timestamp) -> Answer<()> {
    // It overtakes nothing that its senders have on the way to the heir.
    db.prepare_cached(
        "UPDATE delivery INDEXED BY delivery_unsent
         SET state = 2, since = ?3, delivered = coalesce(delivered, ?3), sender = NULL
         WHERE recipient = ?2 AND state <= 1 AND sender IN (
             SELECT m.sender FROM delivery d INDEXED BY delivery_waiting
             CROSS JOIN mail m ON m.no = d.mail
             WHERE d.recipient = ?1 AND d.state <= 2 AND NOT EXISTS (
                 SELECT 1 FROM delivery other
                 WHERE other.no >= m.no AND other.no < m.no + m.deliveries
                     AND other.recipient = ?2
             )
         )",
    )?
    .execute((branch_bytes(branch), branch_bytes(heir), at.as_micros()))?;
    db.prepare_cached(
        "UPDATE delivery INDEXED BY delivery_waiting
         SET recipient = ?2, state = 2, since = ?3, delivered = coalesce(delivered, ?3),
             sender = NULL
         WHERE recipient = ?1 AND state <= 2 AND NOT EXISTS (
             SELECT 1 FROM mail m
             CROSS JOIN delivery other ON other.no >= m.no AND other.no < m.no + m.deliveries
             WHERE m.no = delivery.mail AND other.recipient = ?2
         )",
    )?
    .execute((branch_bytes(branch), branch_bytes(heir), at.as_micros()))?;
    Ok(())
}
