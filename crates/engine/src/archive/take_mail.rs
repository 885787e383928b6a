//! Reading the mail of an archive: each goes the way again that it went.

use super::{
    going::Going,
    mail_line::{MailLine, Stage},
    post::{Way, ways},
    read::{Import, Verdict},
};
use crate::error::Result;

impl Import<'_> {
    /// Brings a mail to where it was.
    pub(super) async fn mail(&mut self, line: &MailLine<'_>, bytes: usize) -> Verdict {
        let (mail, stages) = match line.read(self.codec) {
            Ok(read) => read,
            Err(problem) => return Ok(Err(problem)),
        };
        let mut told = Vec::with_capacity(stages.len());
        for stage in stages {
            match self.receipted(stage).await? {
                Ok(stage) => told.push(stage),
                Err(problem) => return Ok(Err(problem)),
            }
        }
        if self.post.holds(mail.id) {
            return Ok(Err(format!("tells of mail {} twice", mail.id)));
        }
        let known = if self.existed { self.post.find(&mail).await? } else { None };
        let is_new = known.is_none();
        let ways = match ways(&mail, known, told) {
            Ok(ways) => ways,
            Err(problem) => return Ok(Err(problem)),
        };
        let is_there = |id| self.branches.get(&id).is_some_and(Going::is_there);
        if let Some(branch) = ways.iter().flat_map(Way::branches).find(|id| !is_there(*id)) {
            return Ok(Err(format!("is mail of branch {branch}, which is not there")));
        }
        self.post.add(mail.id, ways, bytes).await?;
        self.imported.mails += u64::from(is_new);
        Ok(Ok(()))
    }

    /// Where a mail is, as far as the op that says that it was taken in is there.
    async fn receipted(&self, stage: Stage) -> Result<std::result::Result<Stage, String>> {
        let (Some(receipt), Some(going)) =
            (stage.state.receipt(), self.branches.get(&stage.recipient))
        else {
            return Ok(Ok(stage));
        };
        let lives_on = going.told == 0;
        if going.deleted || (!lives_on && self.imported.skipped.is_empty()) {
            return Ok(Ok(stage));
        }
        Ok(match self.op_of(receipt).await? {
            Some(_) => Ok(stage),
            // Its branch was deleted where the archive is from, and goes its own way here.
            None if lives_on => Ok(stage.untaken()),
            None => Err(format!("tells of mail that op {receipt} takes in, which is not there")),
        })
    }
}
