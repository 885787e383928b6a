//! Envelopes: the rows of mail, decoded.

use branchwork_core::{
    clock::Timestamp,
    codec::{self, CodecError, MailStamp},
    id::MailId,
    mail::Mail,
    store::StoreError,
};
use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::{
    error::Answer,
    key::{DeliveryNo, SessionNo, branch_id, mail_bytes, mail_id},
};

/// The columns that [`decode`] reads, of a table `m`.
macro_rules! mail_columns {
    () => {
        "m.id, m.sender, m.sent, m.expires, m.envelope"
    };
}
pub(crate) use mail_columns;

/// Where the deliveries of a mail are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MailRow {
    /// The first one.
    pub(crate) no: DeliveryNo,
    pub(crate) session: SessionNo,
    /// How many.
    pub(crate) deliveries: i64,
}

impl MailRow {
    /// The number behind its last delivery.
    pub(crate) const fn end(&self) -> DeliveryNo {
        self.no.plus(self.deliveries)
    }
}

/// The mail with this identifier, of whatever session.
pub(crate) fn find(db: &Connection, id: MailId) -> Answer<Option<MailRow>> {
    let mut statement =
        db.prepare_cached("SELECT no, session, deliveries FROM mail WHERE id = ?1")?;
    let found = statement.query_row([mail_bytes(id)], |row| {
        Ok(MailRow { no: row.get(0)?, session: row.get(1)?, deliveries: row.get(2)? })
    });
    Ok(found.optional()?)
}

/// The mail whose first delivery has that number.
pub(crate) fn read(db: &Connection, no: DeliveryNo) -> Answer<Option<Mail>> {
    let mut statement =
        db.prepare_cached(concat!("SELECT ", mail_columns!(), " FROM mail m WHERE m.no = ?1"))?;
    let mut rows = statement.query([no])?;
    rows.next()?.map(|row| decode(row, 0)).transpose()
}

/// The mail in `row`, which has [`mail_columns`] from `first` on.
pub(crate) fn decode(row: &Row<'_>, first: usize) -> Answer<Mail> {
    let stamp = MailStamp {
        id: mail_id(row.get(first)?),
        sender: branch_id(row.get(first + 1)?),
        sent: Timestamp::from_micros(row.get(first + 2)?),
        expires: row.get::<_, Option<_>>(first + 3)?.map(Timestamp::from_micros),
    };
    let envelope = row.get_ref(first + 4)?.as_bytes()?;
    let damaged = |error: CodecError| {
        let problem = format!("mail {} cannot be decoded", stamp.id);
        StoreError::Corrupt { problem, source: Some(Box::new(error)) }
    };
    Ok(codec::decode_mail(codec::VERSION, stamp, envelope).map_err(damaged)?)
}
