//! Reading mail: the deliveries that a query means.

use std::sync::Arc;

use branchwork_core::{
    id::{BranchId, SessionId},
    limits::READ_MAIL_MAX,
    mail::{Delivery, Mail, MailPlace, MailQuery},
};
use rusqlite::{Connection, Row};

use super::{
    delivery::{DeliveryRow, delivery_columns, place_number},
    envelope::{self, mail_columns},
    session,
};
use crate::{
    error::Answer,
    key::{DeliveryNo, branch_bytes, mail_bytes},
};

/// What all queries have in common: what is found first differs, and in what order.
macro_rules! select_mail {
    ($tables:literal, $condition:literal, $order:literal) => {
        concat!(
            "SELECT ",
            delivery_columns!(),
            ", m.no, ",
            mail_columns!(),
            " FROM ",
            $tables,
            " WHERE m.session = ?1 AND d.no > ?2 AND (?3 >> d.state) & 1
                AND (?4 IS NULL OR d.recipient = ?4) AND (?5 IS NULL OR m.sender = ?5)
                AND ",
            $condition,
            " ORDER BY ",
            $order,
            " LIMIT ?7"
        )
    };
}

/// Those of one mail.
const OF_MAIL: &str = select_mail!(
    "mail m CROSS JOIN delivery d ON d.no >= m.no AND d.no < m.no + m.deliveries",
    "m.id = ?6",
    "m.no, d.no"
);

/// Those that are on the way from one branch.
const UNSENT: &str = select_mail!(
    "delivery d INDEXED BY delivery_unsent CROSS JOIN mail m ON m.no = d.mail",
    "d.sender = ?5 AND d.state <= 1",
    "d.no"
);

/// Those that wait for one branch.
const WAITING: &str = select_mail!(
    "delivery d INDEXED BY delivery_waiting CROSS JOIN mail m ON m.no = d.mail",
    "d.recipient = ?4 AND d.state <= 2",
    "d.no"
);

/// Those of a session, from the mail on that has the first of them.
const OF_SESSION: &str = select_mail!(
    "mail m INDEXED BY mail_session
     CROSS JOIN delivery d ON d.no >= m.no AND d.no < m.no + m.deliveries",
    "m.no >= coalesce((SELECT max(no) FROM mail WHERE session = ?1 AND no <= ?2 + 1), 0)",
    "m.no, d.no"
);

/// The deliveries of a session that `query` means, in order.
pub(crate) fn read(db: &Connection, id: SessionId, query: &MailQuery) -> Answer<Vec<Delivery>> {
    let session = session::find(db, id)?;
    let limit = i64::try_from(query.limit.min(READ_MAIL_MAX)).unwrap_or(i64::MAX);
    let after = i64::try_from(query.after).unwrap_or(i64::MAX);
    let bytes = |branch: Option<BranchId>| branch.map(branch_bytes);
    let mut statement = db.prepare_cached(sql(query))?;
    let mut rows = statement.query((
        session,
        after,
        places(query)?,
        bytes(query.recipient),
        bytes(query.sender),
        query.mail.map(mail_bytes),
        limit,
    ))?;
    let mut known = None;
    let mut deliveries = Vec::new();
    while let Some(row) = rows.next()? {
        deliveries.push(delivery(row, &mut known)?);
    }
    Ok(deliveries)
}

/// The statement that has the least to look at.
fn sql(query: &MailQuery) -> &'static str {
    let only = |is: fn(MailPlace) -> bool| {
        !query.places.is_empty() && query.places.iter().all(|place| is(*place))
    };
    match (query.mail, query.recipient, query.sender) {
        (Some(_), ..) => OF_MAIL,
        (None, _, Some(_)) if only(MailPlace::is_unsent) => UNSENT,
        (None, Some(_), _) if only(MailPlace::is_waiting) => WAITING,
        _ => OF_SESSION,
    }
}

/// The places that `query` means: the bits at their numbers.
fn places(query: &MailQuery) -> Answer<i64> {
    if query.places.is_empty() {
        return Ok(-1);
    }
    query.places.iter().try_fold(0, |places, place| Ok(places | 1 << place_number(*place)?))
}

/// The delivery in `row`. `known` is the mail of the one before: many have one mail.
fn delivery(row: &Row<'_>, known: &mut Option<(DeliveryNo, Arc<Mail>)>) -> Answer<Delivery> {
    let DeliveryRow { no, recipient, state, since, delivered } = DeliveryRow::read(row)?;
    let first: DeliveryNo = row.get(7)?;
    let mail = match known {
        Some((known, mail)) if *known == first => Arc::clone(mail),
        _ => Arc::new(envelope::decode(row, 8)?),
    };
    *known = Some((first, Arc::clone(&mail)));
    Ok(Delivery { no: no.get(), mail, recipient, state, since, delivered })
}
