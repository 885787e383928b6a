//! What becomes of mail when a head moves across its receipt.

use branchwork_core::{
    clock::Timestamp,
    graph::View,
    limits::COMMIT_MAIL_MAX,
    mail::{MailChange, MailState},
};

use super::inbox::moved;
use crate::{
    branch::Branch,
    error::{Error, Result},
};

/// What happens to the mail of `branch` when it goes from `before` to `after`: a mail is applied as long as
/// its receipt is in the history of the branch, and else waits in the inbox again.
pub(crate) async fn moves_between(
    branch: &Branch,
    (before, after): (&View, &View),
    at: Timestamp,
) -> Result<Vec<MailChange>> {
    let mut changes = Vec::new();
    let (crossed, max) = (before.receipts_unlike(after), COMMIT_MAIL_MAX);
    if crossed.len() > max {
        return Err(Error::TooManyReceipts { receipts: crossed.len(), max });
    }
    for mail in crossed {
        let delivery = match branch.delivery(mail).await {
            Ok(delivery) => delivery,
            // It was taken in by another branch, whose history this one shares.
            Err(Error::NotFound { .. }) => continue,
            Err(error) => return Err(error),
        };
        let to = match after.receipt(mail) {
            Some(receipt) => MailState::Applied { receipt },
            None if delivery.state.receipt() == before.receipt(mail) => MailState::Inbox,
            None => continue,
        };
        if delivery.state != to && delivery.state.may_become(&to) {
            changes.push(moved(&delivery, to, at));
        }
    }
    Ok(changes)
}
