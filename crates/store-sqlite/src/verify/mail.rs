//! Mail: envelopes that can be read, deliveries that are all there, and states that fit their columns.

use branchwork_core::store::StoreError;
use rusqlite::{Connection, Row};

use super::Problems;
use crate::{
    error::{Answer, Failure},
    key::{DeliveryNo, SessionNo, mail_id, receipt_op},
    query::{
        envelope::{self, mail_columns},
        lineage::find_op,
    },
};

/// Each finds the identifiers of mails with one problem.
const MAIL_CHECKS: [(&str, &str); 2] = [
    (
        "it has not the deliveries that it says",
        "SELECT m.id FROM mail m WHERE m.deliveries < 1 OR m.deliveries <> (
             SELECT count(*) FROM delivery d
             WHERE d.no >= m.no AND d.no < m.no + m.deliveries AND d.mail = m.no
         )",
    ),
    (
        "it is for one branch twice",
        "SELECT DISTINCT m.id FROM mail m JOIN delivery d ON d.mail = m.no
         GROUP BY m.no, d.recipient HAVING count(*) > 1",
    ),
];

/// Each finds the numbers of deliveries with one problem.
const DELIVERY_CHECKS: [(&str, &str); 7] = [
    (
        "it lies outside of its mail",
        "SELECT d.no FROM delivery d LEFT JOIN mail m ON m.no = d.mail
         WHERE m.no IS NULL OR d.no < m.no OR d.no >= m.no + m.deliveries",
    ),
    ("it is in no state that there is", "SELECT no FROM delivery WHERE state NOT BETWEEN 0 AND 6"),
    (
        "it has a receipt and is not applied, or is and has none",
        "SELECT no FROM delivery WHERE (state = 3) <> (receipt IS NOT NULL)",
    ),
    (
        "it has a reason where there is none, or none where there must be one",
        "SELECT no FROM delivery WHERE (state IN (4, 6)) <> (reason IS NOT NULL)",
    ),
    (
        "it came to its recipient without a time, or has one and did not",
        "SELECT no FROM delivery
         WHERE (state IN (2, 4) AND delivered IS NULL) OR (state <= 1 AND delivered IS NOT NULL)",
    ),
    (
        "it names a sender and is not on the way, or is and names not that of its mail",
        "SELECT d.no FROM delivery d JOIN mail m ON m.no = d.mail
         WHERE d.sender IS NOT iif(d.state <= 1, m.sender, NULL)",
    ),
    (
        "it waits for a branch that is not there",
        "SELECT d.no FROM delivery d
         JOIN mail m ON m.no = d.mail
         JOIN session s ON s.no = m.session AND s.deleted IS NULL
         LEFT JOIN branch b ON b.id = d.recipient AND b.session = m.session AND b.deleted IS NULL
         WHERE d.state <= 2 AND b.no IS NULL",
    ),
];

pub(super) fn check(db: &Connection, problems: &mut Problems) -> Answer<()> {
    for (problem, sql) in MAIL_CHECKS {
        let id = |row: &Row<'_>| Ok(mail_id(row.get(0)?));
        for id in db.prepare(sql)?.query_map((), id)? {
            problems.push(format!("mail {}: {problem}", id?));
        }
    }
    for (problem, sql) in DELIVERY_CHECKS {
        let no = |row: &Row<'_>| row.get::<_, DeliveryNo>(0);
        for no in db.prepare(sql)?.query_map((), no)? {
            problems.push(format!("delivery {}: {problem}", no?.get()));
        }
    }
    check_envelopes(db, problems)?;
    check_receipts(db, problems)
}

fn check_envelopes(db: &Connection, problems: &mut Problems) -> Answer<()> {
    let mut statement = db.prepare(concat!("SELECT ", mail_columns!(), " FROM mail m"))?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        match envelope::decode(row, 0).map_err(Failure::into_error) {
            Err(StoreError::Corrupt { problem, .. }) => problems.push(problem),
            result => drop(result?),
        }
    }
    Ok(())
}

/// Receipts of branches that are there: their ops are too.
fn check_receipts(db: &Connection, problems: &mut Problems) -> Answer<()> {
    let mut statement = db.prepare(
        "SELECT d.no, b.session, d.receipt FROM delivery d
         JOIN mail m ON m.no = d.mail
         JOIN session s ON s.no = m.session AND s.deleted IS NULL
         JOIN branch b ON b.id = d.recipient AND b.session = m.session AND b.deleted IS NULL
         WHERE d.receipt IS NOT NULL",
    )?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let (no, session): (DeliveryNo, SessionNo) = (row.get(0)?, row.get(1)?);
        let receipt = receipt_op(row.get(2)?);
        if find_op(db, session, receipt)?.is_none() {
            problems.push(format!("delivery {}: its receipt {receipt} is not there", no.get()));
        }
    }
    Ok(())
}
