//! Writing an archive: the moves of all branches, in an order in which each can be made.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io::Write,
};

use branchwork_core::{
    call::ModelCall,
    clock::Timestamp,
    codec::{self, CodecError},
    id::{BranchId, MessageId, OpId, StretchId},
    limits::READ_OPS_MAX,
    store::{BranchRecord, Cause, ReflogEntry, SessionRecord, Store, StoreError},
};

use serde_json::value::RawValue;

use super::{
    ArchiveError,
    line::{BranchLine, Line, MARK, MoveLine, SessionLine, VERSION, lost_name, write_op},
};
use crate::{
    branch::Branch,
    error::{Error, Result},
    session::Session,
};

/// Moves of a branch that are read at once.
pub(super) const MOVES: usize = READ_OPS_MAX as usize;

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 256 * 1024;

/// What an export wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exported {
    /// Branches that are there.
    pub branches: u64,
    /// Ops.
    pub ops: u64,
    /// Mails.
    pub mails: u64,
}

impl Session {
    /// Writes this session to `out`: every branch, head, reflog, op, call and mail, so that
    /// [`Engine::import`](crate::Engine::import) makes the same session of it. Changes nothing.
    ///
    /// What is written while it goes on may be in it or not; what is in it is whole.
    ///
    /// # Errors
    ///
    /// [`Error::Store`], [`Error::Archive`] when `out` fails.
    pub async fn export(&self, out: &mut (dyn Write + Send)) -> Result<Exported> {
        // Read before the branches: an answer that no branch reaches is then one of a branch that is
        // gone, and not of one that grew meanwhile.
        let billed = self.calls().await?.into_iter().map(|call| call.answer).collect();
        let branches = self.branches().await?;
        self.export_those(branches, Some(billed), out).await
    }

    /// Writes some branches of this session to `out`, with what they share with others, and the mail that
    /// is for them. What
    /// [`Engine::import`](crate::Engine::import) makes of it is the session with those branches only;
    /// the first one is its default when that of the session is not among them.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for a branch of another session, or when there is none; else as for
    /// [`export`](Self::export).
    pub async fn export_branches(
        &self,
        wanted: &[Branch],
        out: &mut (dyn Write + Send),
    ) -> Result<Exported> {
        let branches = self.branches().await?;
        let is_own = |id: BranchId| branches.iter().any(|branch| branch.id == id);
        if let Some(foreign) = wanted.iter().find(|branch| !is_own(branch.id())) {
            return Err(Error::not_found("branch", &foreign.id()));
        }
        if wanted.is_empty() {
            return Err(Error::not_found("branch", "none"));
        }
        let is_wanted =
            |branch: &BranchRecord| wanted.iter().any(|wanted| wanted.id() == branch.id);
        let branches = branches.into_iter().filter(is_wanted).collect();
        self.export_those(branches, None, out).await
    }

    async fn export_those(
        &self,
        branches: Vec<BranchRecord>,
        billed: Option<BTreeSet<MessageId>>,
        out: &mut (dyn Write + Send),
    ) -> Result<Exported> {
        let store = self.engine().store();
        let mut record = self.record().await?;
        if let Some(first) = branches.first()
            && branches.iter().all(|branch| branch.id != record.default_branch)
        {
            record.default_branch = first.id;
        }
        let calls = self.calls().await?.into_iter().map(|kept| (kept.answer, kept.call)).collect();
        let mut archive = Archive {
            store,
            record: &record,
            out,
            text: Vec::with_capacity(BUFFER_BYTES),
            lines: 0,
            written: BTreeMap::new(),
            stretches: None,
            calls,
            exported: Exported::default(),
        };
        archive.write(&branches, billed.as_ref()).await?;
        Ok(archive.exported)
    }
}

/// An archive that is being written.
pub(super) struct Archive<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) record: &'a SessionRecord,
    out: &'a mut (dyn Write + Send),
    text: Vec<u8>,
    lines: u64,
    /// How many ops of each stretch are written.
    pub(super) written: BTreeMap<StretchId, u32>,
    /// The stretches that its branches appended to, once that was asked.
    pub(super) stretches: Option<BTreeSet<StretchId>>,
    calls: BTreeMap<MessageId, ModelCall>,
    pub(super) exported: Exported,
}

fn unwritable(op: OpId, error: CodecError) -> StoreError {
    let problem = format!("op {op} cannot be written");
    StoreError::Corrupt { problem, source: Some(Box::new(error)) }
}

/// What new branches begin with, as the codec writes it; `None` when that is nothing.
fn defaults(record: &SessionRecord) -> Result<Option<Box<RawValue>>, StoreError> {
    if record.defaults.is_empty() {
        return Ok(None);
    }
    let json = codec::encode_defaults(&record.defaults).ok();
    let json = json.and_then(|json| String::from_utf8(json).ok());
    let raw = json.and_then(|json| RawValue::from_string(json).ok());
    let unwritable = || StoreError::corrupt("the defaults of the session cannot be written");
    raw.map(Some).ok_or_else(unwritable)
}

/// What a branch still has to say.
pub(super) struct Telling<'a> {
    pub(super) branch: &'a BranchRecord,
    /// How many branches are made before it.
    place: u64,
    moves: VecDeque<ReflogEntry>,
    /// The revision up to which moves were read.
    read: u64,
}

impl Telling<'_> {
    /// The next move; reads more when none is at hand. `None` when all is told.
    pub(super) async fn next(
        &mut self,
        store: &dyn Store,
    ) -> Result<Option<&ReflogEntry>, StoreError> {
        if self.moves.is_empty() && self.read < self.branch.revision {
            let end = self.branch.revision.min(self.read + MOVES as u64);
            let count = usize::try_from(end - self.read).unwrap_or(MOVES);
            let mut page = store.reflog(self.branch.id, end + 1, count).await?;
            page.reverse();
            self.moves = page.into();
            self.read = end;
        }
        Ok(self.moves.front())
    }
}

impl Archive<'_> {
    /// Tells `branches`, and what else was `billed`; `None` when they are a part of the session.
    async fn write(
        &mut self,
        branches: &[BranchRecord],
        billed: Option<&BTreeSet<MessageId>>,
    ) -> Result<()> {
        self.line(&Line::Archive { of: MARK.into(), version: VERSION, codec: codec::VERSION })?;
        let telling = |(branch, place)| Telling { branch, place, moves: VecDeque::new(), read: 0 };
        let mut tellings: Vec<_> = branches.iter().zip(0..).map(telling).collect();
        self.session(&mut tellings).await?;
        loop {
            let (mut is_over, mut goes_on) = (true, false);
            for telling in &mut tellings {
                goes_on |= self.tell(telling).await?;
                is_over &= telling.next(self.store).await?.is_none();
            }
            if is_over {
                break;
            }
            if !goes_on {
                // What all wait for was appended by a branch that is gone.
                self.tell_lost(&mut tellings).await?;
            }
        }
        if let Some(billed) = billed {
            self.tell_lost_calls(billed).await?;
        }
        self.tell_mail(branches, billed.is_some()).await?;
        let lines = self.lines;
        self.line(&Line::End { lines })?;
        self.flush()
    }

    async fn session(&mut self, tellings: &mut [Telling<'_>]) -> Result<()> {
        // The branch that the session was born with may be gone: another stands for it.
        let stands_for = BranchId::from_bits(self.record.id.to_bits());
        let (mut first, mut first_name) = (None, lost_name(stands_for));
        if let Some(telling) = tellings.first_mut() {
            let is_empty =
                telling.next(self.store).await?.is_some_and(|creation| creation.to.is_none());
            let BranchRecord { forked_from, created, .. } = telling.branch;
            let is_born_with = is_empty && forked_from.is_none() && *created == self.record.created;
            if is_born_with {
                first = Some(telling.branch.id);
                first_name.clone_from(&telling.branch.name);
            }
        }
        let record = self.record;
        self.line(&Line::Session(SessionLine {
            id: record.id.to_string(),
            name: record.name.clone(),
            created: record.created.as_micros(),
            archived: record.archived.map(Timestamp::as_micros),
            first: first.unwrap_or(stands_for).to_string(),
            first_name,
            default: record.default_branch.to_string(),
            defaults: defaults(record)?,
        }))?;
        if first.is_none() {
            self.lost_branch(stands_for, None)?;
        }
        Ok(())
    }

    /// Tells as much of a branch as can be told now; answers whether that was anything.
    async fn tell(&mut self, telling: &mut Telling<'_>) -> Result<bool> {
        let mut told = false;
        while let Some(entry) = telling.next(self.store).await? {
            match (entry.cause, entry.to) {
                // Branches are listed in the order in which they were made.
                (Cause::Create, _) if telling.place > self.exported.branches => break,
                (Cause::Append, Some(op)) => self.tell_appends(telling, op).await?,
                (_, Some(op)) if !self.has(op) => break,
                _ => {
                    let entry = telling.moves.pop_front();
                    entry.map_or(Ok(()), |entry| self.tell_move(telling.branch, &entry))?;
                }
            }
            told = true;
        }
        Ok(told)
    }

    /// Tells the appends that come next and lie behind each other, from `first` on.
    async fn tell_appends(&mut self, telling: &mut Telling<'_>, first: OpId) -> Result<()> {
        let stretch = first.stretch();
        let mut end = first.place();
        while telling
            .moves
            .front()
            .is_some_and(|entry| entry.cause == Cause::Append && entry.to == Some(stretch.op(end)))
        {
            telling.moves.pop_front();
            end += 1;
        }
        self.ops(telling.branch.id, stretch, first.place()..end).await
    }

    fn tell_move(&mut self, branch: &BranchRecord, entry: &ReflogEntry) -> Result<()> {
        let text = |op: Option<OpId>| op.map(|op| op.to_string());
        if entry.cause == Cause::Create {
            self.exported.branches += 1;
            return self.line(&Line::Branch(BranchLine {
                id: branch.id.to_string(),
                name: branch.name.clone(),
                created: entry.at.as_micros(),
                forked_from: branch.forked_from.map(|id| id.to_string()),
                head: text(entry.to),
                deleted: false,
            }));
        }
        self.line(&Line::Move(MoveLine {
            branch: branch.id.to_string(),
            cause: entry.cause.as_str().to_owned(),
            from: text(entry.from),
            to: text(entry.to),
            at: entry.at.as_micros(),
        }))
    }

    /// Writes ops of a stretch.
    pub(super) async fn ops(
        &mut self,
        branch: BranchId,
        stretch: StretchId,
        places: std::ops::Range<u32>,
    ) -> Result<()> {
        let mut place = places.start;
        while place < places.end {
            let ops = self.store.ops(self.record.id, stretch, place..places.end).await?;
            if ops.is_empty() {
                return Err(StoreError::no_op(stretch.op(place)).into());
            }
            for op in &ops {
                let call = self.calls.get(&op.id.into());
                write_op(&mut self.text, branch, op, call)
                    .map_err(|error| unwritable(op.id, error))?;
                self.end_line()?;
                place += 1;
            }
            self.exported.ops += ops.len() as u64;
        }
        self.written.insert(stretch, place);
        Ok(())
    }

    /// Whether an op is written.
    pub(super) fn has(&self, op: OpId) -> bool {
        self.written.get(&op.stretch()).is_some_and(|length| op.place() < *length)
    }

    pub(super) fn line(&mut self, line: &Line<'_>) -> Result<()> {
        let written = serde_json::to_writer(&mut self.text, line);
        written.map_err(|error| Error::from(ArchiveError::writing(error.into())))?;
        self.text.push(b'\n');
        self.end_line()
    }

    fn end_line(&mut self) -> Result<()> {
        self.lines += 1;
        if self.text.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let written = self.out.write_all(&self.text);
        self.text.clear();
        Ok(written.map_err(ArchiveError::writing)?)
    }
}
