//! Writing the mail of a session into its archive.

use std::{collections::BTreeSet, sync::Arc};

use branchwork_core::{
    codec::CodecError,
    id::{BranchId, MailId},
    mail::{Delivery, MailQuery},
    store::{BranchRecord, StoreError},
};

use super::{
    line::Line,
    mail_line::{MailLine, Stage, envelope},
    write::Archive,
};
use crate::error::Result;

/// Deliveries that are read at once. Each may be large.
const PAGE: usize = 256;

/// Who the mail of an archive is from and for.
struct Known {
    /// The branches that the archive told of.
    told: BTreeSet<BranchId>,
    /// Those that are gone and stand in for themselves.
    lost: BTreeSet<BranchId>,
    /// The branches are all that the session had.
    is_whole: bool,
}

impl Archive<'_> {
    /// Tells the mail of the session; that for `branches` when they are not the whole of it.
    pub(super) async fn tell_mail(
        &mut self,
        branches: &[BranchRecord],
        is_whole: bool,
    ) -> Result<()> {
        let told = branches.iter().map(|branch| branch.id).collect();
        let mut known = Known { told, lost: BTreeSet::new(), is_whole };
        let mut query = MailQuery::new().limit(PAGE);
        let mut open = Vec::new();
        loop {
            let page = self.store.mail(self.record.id, &query).await?;
            let Some(last) = page.last() else { break };
            query.after = last.no;
            for deliveries in whole_mails(&mut open, page) {
                self.tell_one(deliveries, &mut known).await?;
            }
        }
        self.tell_one(open, &mut known).await
    }

    /// Tells one mail, of which these are the deliveries.
    async fn tell_one(&mut self, deliveries: Vec<Delivery>, known: &mut Known) -> Result<()> {
        let Some(first) = deliveries.first() else { return Ok(()) };
        let mail = Arc::clone(&first.mail);
        let is_meant =
            |delivery: &Delivery| known.is_whole || known.told.contains(&delivery.recipient);
        let stages = deliveries.into_iter().filter(is_meant).map(Stage::from);
        let stages: Vec<Stage> = stages.map(|stage| self.told(stage, &known.told)).collect();
        let mut branches: BTreeSet<_> = stages.iter().map(|stage| stage.recipient).collect();
        branches.insert(mail.sender);
        branches.retain(|id| !known.told.contains(id) && !known.lost.contains(id));
        if stages.is_empty() || (known.is_whole && self.is_any_there(&branches).await?) {
            return Ok(());
        }
        for branch in branches {
            self.lost_branch(branch, None)?;
            known.lost.insert(branch);
        }
        let envelope = envelope(&mail).map_err(|error| unwritable(mail.id, error))?;
        self.exported.mails += 1;
        self.line(&Line::Mail(MailLine::of(&mail, &envelope, &stages)))
    }

    /// Whether one of `branches` is there: it was made since the archive was begun, and its mail is not told.
    async fn is_any_there(&self, branches: &BTreeSet<BranchId>) -> Result<bool, StoreError> {
        for id in branches {
            match self.store.branch(*id).await {
                Err(StoreError::NotFound { .. }) => {}
                found => return found.map(|_| true),
            }
        }
        Ok(false)
    }

    /// Where a mail was as far as the archive told its branch.
    fn told(&self, stage: Stage, told: &BTreeSet<BranchId>) -> Stage {
        match stage.state.receipt() {
            Some(receipt) if told.contains(&stage.recipient) && !self.has(receipt) => {
                stage.untaken()
            }
            _ => stage,
        }
    }
}

/// The mails of which all deliveries are there. Those of the last one stay `open`: more may follow.
fn whole_mails(open: &mut Vec<Delivery>, page: Vec<Delivery>) -> Vec<Vec<Delivery>> {
    let mut whole = Vec::new();
    for delivery in page {
        if open.last().is_some_and(|before| before.mail.id != delivery.mail.id) {
            whole.push(std::mem::take(open));
        }
        open.push(delivery);
    }
    whole
}

fn unwritable(mail: MailId, error: CodecError) -> StoreError {
    let problem = format!("mail {mail} cannot be written");
    StoreError::Corrupt { problem, source: Some(Box::new(error)) }
}
