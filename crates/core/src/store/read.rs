//! Reading conversations out of a [`Store`]: whole views, last pages, single ops.

use std::sync::Arc;

use super::{Store, StoreError};
use crate::{
    graph::{Lineage, Op, Tail, View},
    id::{OpId, SessionId},
    limits::READ_OPS_MAX,
    message::Message,
};

/// The view at `head`. Reads the ops in key order; linear in their number.
///
/// # Errors
///
/// [`StoreError::NotFound`] when there is no such op, [`StoreError::Corrupt`] when the ops cannot
/// be folded.
pub async fn view(
    store: &dyn Store,
    session: SessionId,
    head: Option<OpId>,
) -> Result<View, StoreError> {
    let Some(head) = head else { return Ok(View::default()) };
    let lineage = store.lineage(session, head).await?;
    let mut view = View::default();
    fold(store, session, &lineage, &mut view).await?;
    Ok(view)
}

/// Brings `view` to `head`: cut back, carried on, or read anew, whichever is least work.
///
/// # Errors
///
/// As for [`view`](fn@view).
pub async fn follow(
    store: &dyn Store,
    session: SessionId,
    known: &View,
    head: Option<OpId>,
) -> Result<View, StoreError> {
    if known.head() == head {
        return Ok(known.clone());
    }
    if let Ok(cut) = known.at(head) {
        return Ok(cut);
    }
    let Some(head) = head else { return Ok(View::default()) };
    let lineage = store.lineage(session, head).await?;
    let shared = known.lineage().shared_with(&lineage);
    let mut view = known.at(known.lineage().op_at(shared)).unwrap_or_default();
    fold(store, session, &lineage, &mut view).await?;
    Ok(view)
}

/// The last `count` messages of the branch that ends at `head`, oldest first.
///
/// Costs what the page costs, whatever the length of the branch.
///
/// # Errors
///
/// As for [`view`](fn@view).
pub async fn page(
    store: &dyn Store,
    session: SessionId,
    head: Option<OpId>,
    count: usize,
) -> Result<Vec<Arc<Message>>, StoreError> {
    let mut tail = Tail::new(count);
    let Some(head) = head else { return Ok(tail.into_messages()) };
    let lineage = store.lineage(session, head).await?;
    for segment in lineage.segments().rev() {
        let mut end = segment.length;
        while end > 0 && !tail.is_full() {
            // Room for the ops that are no messages, so that one read usually is enough.
            let wanted = u32::try_from(count).unwrap_or(READ_OPS_MAX).saturating_add(16);
            let start = end.saturating_sub(wanted.min(READ_OPS_MAX));
            let ops = store.ops(session, segment.stretch, start..end).await?;
            ops.into_iter().rev().for_each(|op| tail.push(op));
            end = start;
        }
    }
    Ok(tail.into_messages())
}

/// One op.
///
/// # Errors
///
/// [`StoreError::NotFound`] when there is none.
pub async fn op(store: &dyn Store, session: SessionId, id: OpId) -> Result<Op, StoreError> {
    let place = id.place();
    let mut ops = store.ops(session, id.stretch(), place..place.saturating_add(1)).await?;
    ops.pop().ok_or_else(|| StoreError::no_op(id))
}

/// Applies what `lineage` holds beyond `view`.
async fn fold(
    store: &dyn Store,
    session: SessionId,
    lineage: &Lineage,
    view: &mut View,
) -> Result<(), StoreError> {
    let known = view.lineage().depth();
    for segment in lineage.segments() {
        let mut place = known.saturating_sub(segment.start);
        while place < segment.length {
            let end = segment.length.min(place.saturating_add(READ_OPS_MAX));
            let ops = store.ops(session, segment.stretch, place..end).await?;
            if ops.is_empty() {
                return Err(StoreError::no_op(segment.stretch.op(place)));
            }
            for op in &ops {
                view.apply(op).map_err(|source| StoreError::Corrupt {
                    problem: format!("op {} cannot follow the ops before it", op.id),
                    source: Some(Box::new(source)),
                })?;
                place += 1;
            }
        }
    }
    Ok(())
}
