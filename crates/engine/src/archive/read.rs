//! Reading an archive: what it tells is committed again, in its order.

use std::collections::BTreeMap;

use branchwork_core::{
    clock::Timestamp,
    codec,
    config::Defaults,
    graph::Op,
    id::{BranchId, OpId, SessionId},
    store::{Change, Commit, Conflict, HeadMove, Store, StoreError},
};
use serde_json::value::RawValue;

use super::{
    ArchiveError,
    batch::Batch,
    going::{ALL_KNOWN, Going, Presence},
    import::{ImportOptions, Imported, Skipped},
    line::{BranchLine, Line, MoveLine, OpLine, SessionLine, parse},
    lines::Lines,
    post::Post,
    stretches::Stretches,
};
use crate::error::{Error, Result};

/// An import that goes on.
pub(super) struct Import<'a> {
    pub(super) store: &'a dyn Store,
    options: &'a ImportOptions,
    pub(super) codec: u32,
    pub(super) session: SessionId,
    default: BranchId,
    pub(super) branches: BTreeMap<BranchId, Going>,
    stretches: Stretches,
    /// Ops of one branch that are not committed yet.
    batch: Batch<'a>,
    /// Mail that is not committed yet.
    pub(super) post: Post<'a>,
    pub(super) imported: Imported,
    is_ended: bool,
    /// The session was there before.
    pub(super) existed: bool,
}

/// What came of a line: damage is for the caller to judge, a failure is not.
pub(super) type Verdict = Result<std::result::Result<(), String>>;

impl<'a> Import<'a> {
    pub(super) async fn begin(
        store: &'a dyn Store,
        lines: &mut Lines<'_>,
        options: &'a ImportOptions,
        codec: u32,
    ) -> Result<Self> {
        let session = if lines.next()? { serde_json::from_str(&lines.text).ok() } else { None };
        let Some(Line::Session(line)) = session else {
            let problem = "must tell of the session".to_owned();
            return Err(ArchiveError::Line { number: lines.number, problem }.into());
        };
        let bad = |problem| ArchiveError::Line { number: lines.number, problem };
        let session: SessionId = parse("session", &line.id).map_err(bad)?;
        let default = parse("branch", &line.default).map_err(bad)?;
        let (branches, ops, messages, mails, skipped) = (0, 0, 0, 0, Vec::new());
        let imported = Imported { session, branches, ops, messages, mails, skipped };
        let batch = Batch::new(store, session);
        let branches = BTreeMap::new();
        let mut import = Self {
            store,
            options,
            codec,
            session,
            default,
            branches,
            stretches: Stretches::default(),
            batch,
            post: Post::new(store, session),
            imported,
            is_ended: false,
            existed: false,
        };
        import.open(&line, lines.number).await?;
        Ok(import)
    }

    /// Does all that is told.
    pub(super) async fn read(mut self, lines: &mut Lines<'_>) -> Result<Imported> {
        match self.lines(lines).await {
            Ok(()) => self.end(lines.number).await,
            Err(error @ Error::Archive(_)) => {
                // What came before the damage is there.
                self.batch.settle().await?;
                self.post.settle().await?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    async fn lines(&mut self, lines: &mut Lines<'_>) -> Result<()> {
        while lines.next()? {
            if let Err(problem) = self.line(lines).await? {
                self.bad(lines.number, problem)?;
            }
        }
        Ok(())
    }

    fn defaults(&self, defaults: &RawValue) -> std::result::Result<Defaults, String> {
        let decoded = codec::decode_defaults(self.codec, defaults.get().as_bytes());
        decoded.map_err(|error| format!("holds defaults that cannot be read: {error}"))
    }

    /// Makes the session, or finds how far it is.
    async fn open(&mut self, line: &SessionLine, number: u64) -> Result<()> {
        match self.store.session(self.session).await {
            Ok(there) if there.created.as_micros() != line.created => {
                let what = format!("session {}, made at another time,", self.session);
                Err(Conflict::Exists { what }.into())
            }
            Ok(_) => {
                self.existed = true;
                for branch in self.store.branches(self.session).await? {
                    let going = Going::of(&branch);
                    self.branches.insert(branch.id, going);
                }
                Ok(())
            }
            Err(StoreError::NotFound { .. }) => {
                let problem = |problem| ArchiveError::Line { number, problem };
                let first = parse("branch", &line.first).map_err(problem)?;
                let name = self.options.name.clone().or_else(|| line.name.clone());
                let branch_name = line.first_name.clone();
                let create = Change::CreateSession { name, branch: first, branch_name };
                let created = Timestamp::from_micros(line.created);
                let defaults = line.defaults.as_ref().map(|defaults| self.defaults(defaults));
                let defaults = defaults.transpose().map_err(problem)?.unwrap_or_default();
                let set = Change::SetDefaults { defaults: Box::new(defaults) };
                let commit = Commit::new(self.session, created).with_change(create);
                self.store.commit(commit.with_change(set)).await?;
                if let Some(archived) = line.archived.map(Timestamp::from_micros) {
                    let archive = Change::ArchiveSession { archived: true };
                    let commit = Commit::new(self.session, archived).with_change(archive);
                    self.store.commit(commit).await?;
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn line(&mut self, lines: &Lines<'_>) -> Verdict {
        if self.is_ended {
            return Ok(Err("comes after the end".to_owned()));
        }
        let line = match serde_json::from_str(&lines.text) {
            Ok(line) => line,
            Err(error) => return Ok(Err(format!("is damaged: {error}"))),
        };
        match line {
            Line::Op(line) => self.op(&line, lines.text.len()).await,
            Line::Branch(line) => {
                self.batch.settle().await?;
                self.branch(&line).await
            }
            Line::Move(line) => {
                self.batch.settle().await?;
                self.go(&line).await
            }
            Line::Mail(line) => {
                self.batch.settle().await?;
                self.mail(&line, lines.text.len()).await
            }
            Line::End { lines: told } => {
                self.is_ended = true;
                let there = lines.count - 1;
                let differs = || format!("ends {told} lines, and {there} are there");
                Ok(if told == there { Ok(()) } else { Err(differs()) })
            }
            Line::Archive { .. } | Line::Session(_) => Ok(Err("begins another archive".to_owned())),
        }
    }

    async fn branch(&mut self, line: &BranchLine) -> Verdict {
        let ids = || -> std::result::Result<_, String> {
            let forked_from = line.forked_from.as_deref();
            Ok((
                parse::<BranchId>("branch", &line.id)?,
                forked_from.map(|id| parse("branch", id)).transpose()?,
                line.head.as_deref().map(|head| parse::<OpId>("op", head)).transpose()?,
            ))
        };
        let (id, forked_from, head) = match ids() {
            Ok(ids) => ids,
            Err(problem) => return Ok(Err(problem)),
        };
        let there = self.branches.get_mut(&id);
        if there.as_ref().is_some_and(|there| there.is_met) {
            return Ok(Err(format!("tells of branch {id} twice")));
        }
        let known = there.as_ref().map_or(0, |there| there.known);
        if let Some(there) = there.filter(|there| line.deleted && there.presence == Presence::There)
        {
            // It was deleted where the archive is from, and lives on here.
            there.is_met = true;
            return Ok(Ok(()));
        }
        let (told, deleted, presence) = (1, line.deleted, Presence::There);
        let mut going =
            Going { head, told, known, deleted, presence, is_met: true, ..Going::default() };
        if known == 0 {
            let at = Timestamp::from_micros(line.created);
            let commit = Commit::new(self.session, at);
            // The branch that the session was born with is made: then this changes nothing.
            let name = line.name.clone();
            let create = Change::CreateBranch { branch: id, name, forked_from, head };
            let commit = commit.with_change(create);
            let commit = if id == self.default {
                commit.with_change(Change::SetDefaultBranch { branch: id })
            } else {
                commit
            };
            match self.store.commit(commit).await {
                // What only a deleted branch reached was collected since an earlier import.
                Err(StoreError::NotFound { .. }) if line.deleted && self.existed => {
                    going = Going { known: ALL_KNOWN, presence: Presence::Absent, ..going };
                }
                Err(StoreError::NotFound { .. }) => {
                    return Ok(Err("forks at an op that is not there".to_owned()));
                }
                // An earlier import made it, told all of it, and deleted it.
                Err(StoreError::Conflict(Conflict::Exists { .. })) if line.deleted => {
                    going = Going { known: ALL_KNOWN, presence: Presence::Absent, ..going };
                }
                made => made?,
            }
            self.imported.branches += u64::from(!line.deleted);
        }
        self.branches.insert(id, going);
        Ok(Ok(()))
    }

    async fn op(&mut self, line: &OpLine<'_>, bytes: usize) -> Verdict {
        let read = || -> std::result::Result<_, String> {
            let branch: BranchId = parse("branch", &line.branch)?;
            let (op, call) = line.read(self.codec)?;
            Ok((branch, op, call))
        };
        let (branch, op, call) = match read() {
            Ok(read) => read,
            Err(problem) => return Ok(Err(problem)),
        };
        self.batch.make_room(branch).await?;
        self.check_met(branch).await?;
        let is_new = |going: &Going| going.deleted && going.told == 1 && going.known == 0;
        let mut is_collected = self.branches.get(&branch).is_some_and(is_new);
        if is_collected {
            // The branch may have been collected, and its ops kept for those that need them.
            self.batch.settle().await?;
            is_collected = self.op_of(op.id).await?.is_some();
        }
        let Some(going) = self.branches.get_mut(&branch).filter(|going| going.is_met) else {
            return Ok(Err(format!("is of branch {branch}, which is not there")));
        };
        if is_collected {
            going.known = ALL_KNOWN;
        }
        if op.parent != going.head {
            return Ok(Err(format!("holds op {}, and what it builds on is not there", op.id)));
        }
        if let Err(problem) = self.stretches.take(branch, &op) {
            return Ok(Err(problem));
        }
        let from = going.head.replace(op.id);
        going.told += 1;
        if going.told <= going.known {
            going.last = Some(op);
            return Ok(Ok(()));
        }
        self.imported.ops += 1;
        self.imported.messages += u64::from(op.kind.as_message().is_some());
        self.batch.push((branch, from), op, call, bytes);
        Ok(Ok(()))
    }

    async fn go(&mut self, line: &MoveLine) -> Verdict {
        let read = || Ok::<_, String>((parse::<BranchId>("branch", &line.branch)?, line.read()?));
        let (branch, (cause, to)) = match read() {
            Ok(read) => read,
            Err(problem) => return Ok(Err(problem)),
        };
        self.check_met(branch).await?;
        let Some(going) = self.branches.get(&branch).filter(|going| going.is_met) else {
            return Ok(Err(format!("is of branch {branch}, which is not there")));
        };
        if going.head == to {
            // The one before it was left out. Stores note no such move, so it does not count.
            return Ok(Ok(()));
        }
        let is_there = if going.told < going.known {
            // An earlier import left it out, if it did so then.
            match to.filter(|_| going.known < ALL_KNOWN) {
                Some(to) => self.op_of(to).await?.is_some(),
                None => true,
            }
        } else {
            let at = Timestamp::from_micros(line.at);
            let head = HeadMove { branch, from: going.head, to, cause };
            match self.store.commit(Commit::new(self.session, at).with_head(head)).await {
                Err(StoreError::NotFound { .. }) => false,
                moved => moved.map(|()| true)?,
            }
        };
        if !is_there {
            return Ok(Err("moves a head to an op that is not there".to_owned()));
        }
        if let Some(going) = self.branches.get_mut(&branch) {
            going.told += 1;
            going.head = to;
        }
        Ok(Ok(()))
    }

    /// The op with that identifier, when it is in the store.
    pub(super) async fn op_of(&self, id: OpId) -> Result<Option<Op>> {
        let place = id.place();
        let found = self.store.ops(self.session, id.stretch(), place..place + 1).await?;
        Ok(found.into_iter().next())
    }

    /// Judges a damaged line.
    fn bad(&mut self, line: u64, problem: String) -> Result<()> {
        if !self.options.skip_bad {
            return Err(ArchiveError::Line { number: line, problem }.into());
        }
        self.imported.skipped.push(Skipped { line, problem });
        Ok(())
    }

    /// Brings the session to its end: branches that stood for deleted ones go.
    async fn end(mut self, line: u64) -> Result<Imported> {
        self.batch.settle().await?;
        self.post.settle().await?;
        if !self.is_ended {
            self.bad(line, "is missing: the archive is cut off".to_owned())?;
        }
        for (branch, going) in self.branches.iter().filter(|(_, going)| going.told <= going.known) {
            self.check(*branch, going).await?;
        }
        let lost = self.branches.iter().filter(|(_, going)| going.deleted && going.is_there());
        let delete =
            |(branch, _): (&BranchId, _)| Change::DeleteBranch { branch: *branch, heir: None };
        let changes: Vec<Change> = lost.map(delete).collect();
        if !changes.is_empty() {
            let updated = self.store.session(self.session).await?.updated;
            let commit = Commit::new(self.session, updated);
            self.store.commit(changes.into_iter().fold(commit, Commit::with_change)).await?;
        }
        Ok(self.imported)
    }

    /// Checks a branch once all that was known of it is told.
    async fn check_met(&self, branch: BranchId) -> Result<()> {
        match self.branches.get(&branch) {
            Some(going) if going.told == going.known => self.check(branch, going).await,
            _ => Ok(()),
        }
    }

    /// Refuses a branch that went another way here than in the archive. Both may have given the same
    /// identifiers, so the last op is compared, which no other one equals: it knows its time.
    async fn check(&self, branch: BranchId, going: &Going) -> Result<()> {
        if going.deleted || going.told == 0 || !self.imported.skipped.is_empty() {
            return Ok(());
        }
        let moved = self.store.reflog(branch, going.told + 1, 1).await?;
        let actual = moved.first().and_then(|moved| moved.to);
        let mut agrees = actual == going.head;
        if let Some(last) = &going.last {
            agrees &= self.op_of(last.id).await?.as_ref() == Some(last);
        }
        if agrees { Ok(()) } else { Err(Conflict::HeadMoved { branch, actual }.into()) }
    }
}
