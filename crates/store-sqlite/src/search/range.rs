//! Runs of ops that are searched or indexed.

use branchwork_core::id::{BranchId, SessionId, StretchId};
use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::{
    error::Answer,
    key::{OpKey, StretchNo, branch_id, session_bytes, session_id, stretch_id},
    query::{lineage::op_id, ops::Origin},
};

/// The columns that [`Range::read`] reads, of stretches whose session was not deleted.
macro_rules! select_ranges {
    ($from:literal, $condition:literal) => {
        concat!(
            "SELECT st.no, st.id, st.parent, s.id, st.branch, ",
            $from,
            " FROM stretch st JOIN session s ON s.no = st.session
             LEFT JOIN search_mark m ON m.stretch = st.no
             WHERE s.deleted IS NULL AND ",
            $condition
        )
    };
}

/// The end of a stretch, from some place on.
#[derive(Debug, Clone)]
pub(super) struct Range {
    pub(super) stretch: StretchNo,
    pub(super) id: StretchId,
    parent: Option<OpKey>,
    pub(super) session: SessionId,
    pub(super) branch: BranchId,
    pub(super) from: u32,
}

/// Which part of each stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// What is not in the index.
    Missing,
}

impl Range {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            stretch: row.get(0)?,
            id: stretch_id(row.get(1)?),
            parent: row.get(2)?,
            session: session_id(row.get(3)?),
            branch: branch_id(row.get(4)?),
            from: row.get(5)?,
        })
    }

    /// The keys of its ops: from the first one up to the second one, which is not of it.
    pub(super) fn keys(&self) -> (OpKey, OpKey) {
        (self.stretch.op(self.from), self.stretch.following().op(0))
    }

    /// What its ops need to be decoded.
    pub(super) fn origin(&self, db: &Connection) -> Answer<Origin> {
        let parent = self.parent.map(|parent| op_id(db, parent)).transpose()?;
        Ok(Origin { id: self.id, parent })
    }
}

/// That part of every stretch of one session, or of all; the newest stretches first. One look for each
/// stretch.
pub(super) fn ranges(
    db: &Connection,
    session: Option<SessionId>,
    part: Part,
) -> Answer<Vec<Range>> {
    let mut statement = match part {
        Part::Whole => {
            db.prepare_cached(select_ranges!("0", "(?1 IS NULL OR s.id = ?1) ORDER BY st.no DESC"))
        }
        Part::Missing => db.prepare_cached(select_ranges!(
            "coalesce(m.places, 0)",
            "(?1 IS NULL OR s.id = ?1) AND EXISTS (
                 SELECT 1 FROM op
                 WHERE key >= (st.no << 32 | coalesce(m.places, 0)) AND key < (st.no + 1) << 32
             ) ORDER BY st.no DESC"
        )),
    }?;
    let ranges = statement.query_map([session.map(session_bytes)], Range::read)?;
    Ok(ranges.collect::<Result<_, _>>()?)
}

/// A whole stretch; `None` when its session was deleted.
pub(super) fn stretch(db: &Connection, no: StretchNo) -> Answer<Option<Range>> {
    let mut statement = db.prepare_cached(select_ranges!("0", "st.no = ?1"))?;
    Ok(statement.query_row([no], Range::read).optional()?)
}
