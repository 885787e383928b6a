//! Stretches, and the fold of all ops: each op is read, decoded and folded once.

use std::collections::BTreeMap;

use branchwork_core::{
    graph::{Op, View},
    id::StretchId,
};
use rusqlite::{Connection, OptionalExtension as _};

use super::Problems;
use crate::{
    error::{Answer, Failure},
    key::{OpKey, SessionNo, StretchNo, stretch_id},
    query::ops::{Origin, decode, select_ops},
};

/// All stretches of a file, by number.
type Stretches = BTreeMap<StretchNo, Stretch>;

struct Stretch {
    id: StretchId,
    session: SessionNo,
    parent: Option<OpKey>,
    /// Stretches that begin behind one of its ops.
    children: Vec<StretchNo>,
}

pub(super) fn check(db: &Connection, problems: &mut Problems, count: &mut u64) -> Answer<()> {
    let mut stretches = read_stretches(db)?;
    check_owners(db, &stretches, problems)?;
    let mut ready = link(&mut stretches, problems);
    let mut unread: BTreeMap<_, _> = stretches.iter().map(|(no, own)| (*no, own.id)).collect();
    // A parent comes before its children, which get a view that shares what it holds.
    while let Some((no, view)) = ready.pop() {
        let Some(stretch) = stretches.get(&no) else { continue };
        unread.remove(&no);
        let mut fold = Fold { view, count: 0 };
        if let Some(problem) = fold.read(db, no, stretch)? {
            problems.push(format!("{}: {problem}", name(stretch.id)));
        }
        *count += fold.count;
        for child in &stretch.children {
            let parent = stretches.get(child).and_then(|child| child.parent);
            let parent = parent.map(|parent| stretch.id.op(parent.place()));
            if let Ok(view) = fold.view.at(parent) {
                ready.push((*child, view));
            }
        }
    }
    for id in unread.into_values() {
        problems.push(format!("{}: what it builds on cannot be read", name(id)));
    }
    Ok(())
}

/// How a person can find a stretch.
fn name(id: StretchId) -> String {
    format!("the stretch of op {}", id.op(0))
}

fn read_stretches(db: &Connection) -> Answer<Stretches> {
    let mut statement = db.prepare("SELECT no, id, session, parent FROM stretch")?;
    let rows = statement.query_map((), |row| {
        let (id, session, parent) = (stretch_id(row.get(1)?), row.get(2)?, row.get(3)?);
        Ok((row.get(0)?, Stretch { id, session, parent, children: Vec::new() }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Ops that lie in no stretch. One look for each stretch.
fn check_owners(db: &Connection, stretches: &Stretches, problems: &mut Problems) -> Answer<()> {
    let mut statement = db.prepare("SELECT key FROM op WHERE key >= ?1 ORDER BY key LIMIT 1")?;
    let mut from = OpKey::from(i64::MIN);
    while let Some(key) = statement.query_row([from], |row| row.get::<_, OpKey>(0)).optional()? {
        if !stretches.contains_key(&key.stretch()) {
            problems.push(format!("{key:?} lies in no stretch"));
        }
        from = key.stretch().following().op(0);
    }
    Ok(())
}

/// Tells every stretch its children. Returns the stretches that have no parent, each with the
/// empty view.
fn link(stretches: &mut Stretches, problems: &mut Problems) -> Vec<(StretchNo, View)> {
    let links: Vec<_> =
        stretches.iter().map(|(no, own)| (*no, own.id, own.session, own.parent)).collect();
    let mut roots = Vec::new();
    for (no, id, session, parent) in links {
        match parent {
            None => roots.push((no, View::default())),
            Some(parent) => {
                let Some(parent) = stretches.get_mut(&parent.stretch()) else { continue };
                parent.children.push(no);
                if parent.session != session {
                    problems.push(format!("{}: it builds on another session", name(id)));
                }
            }
        }
    }
    roots
}

/// The fold of a stretch onto the view of what it builds on.
struct Fold {
    view: View,
    /// How many ops were read.
    count: u64,
}

impl Fold {
    /// Reads all ops of a stretch. Returns the first problem, which ends the fold.
    fn read(
        &mut self,
        db: &Connection,
        no: StretchNo,
        stretch: &Stretch,
    ) -> Answer<Option<String>> {
        let origin = Origin { id: stretch.id, parent: self.view.head() };
        let mut statement =
            db.prepare_cached(select_ops!("key >= ?1 AND key < ?2 ORDER BY key"))?;
        let mut rows = statement.query((no.op(0), no.following().op(0)))?;
        let mut place = 0;
        while let Some(row) = rows.next()? {
            self.count += 1;
            let key: OpKey = row.get(0)?;
            if key.place() != place {
                return Ok(Some(format!("it has no op at place {place}")));
            }
            place += 1;
            let problem = match decode(db, origin, row) {
                Ok(op) => self.apply(&op),
                Err(Failure::Refused(error)) => Some(error.to_string()),
                Err(failure) => return Err(failure),
            };
            if problem.is_some() {
                return Ok(problem);
            }
        }
        Ok((place == 0).then(|| "it has no ops".to_owned()))
    }

    fn apply(&mut self, op: &Op) -> Option<String> {
        if let Err(error) = self.view.apply(op) {
            return Some(format!("op {}: {error}", op.id));
        }
        let is_right = usize::try_from(op.standing).is_ok_and(|count| count == self.view.len());
        (!is_right).then(|| format!("op {} counts its messages wrong", op.id))
    }
}
