//! Deliveries: their rows, and the states in them.

use branchwork_core::{
    clock::Timestamp,
    id::BranchId,
    mail::{MailPlace, MailState},
    store::StoreError,
};
use rusqlite::{Connection, Row};

use super::envelope::MailRow;
use crate::{
    error::{Answer, Failure},
    key::{DeliveryNo, branch_bytes, branch_id, receipt_bytes, receipt_op},
};

/// Each place is at the number that stands for it in a file. The numbers never change; the indexes of
/// the schema know them.
const PLACES: [MailPlace; 7] = [
    MailPlace::Outbox,
    MailPlace::Transit,
    MailPlace::Inbox,
    MailPlace::Applied,
    MailPlace::Refused,
    MailPlace::Expired,
    MailPlace::DeadLetter,
];

/// The columns that [`DeliveryRow::read`] reads, of a table `d`, before any others.
macro_rules! delivery_columns {
    () => {
        "d.no, d.recipient, d.state, d.since, d.delivered, d.reason, d.receipt"
    };
}
pub(crate) use delivery_columns;

/// The delivery of a mail in a range of numbers to a recipient.
macro_rules! select_delivery {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            delivery_columns!(),
            " FROM delivery d WHERE d.no >= ?1 AND d.no < ?2 AND d.recipient = ?3",
            $condition
        )
    };
}

/// One delivery, without its mail.
#[derive(Debug)]
pub(crate) struct DeliveryRow {
    pub(crate) no: DeliveryNo,
    pub(crate) recipient: BranchId,
    pub(crate) state: MailState,
    pub(crate) since: Timestamp,
    pub(crate) delivered: Option<Timestamp>,
}

impl DeliveryRow {
    pub(crate) fn read(row: &Row<'_>) -> Answer<Self> {
        Ok(Self {
            no: row.get(0)?,
            recipient: branch_id(row.get(1)?),
            state: read_state(row)?,
            since: Timestamp::from_micros(row.get(3)?),
            delivered: row.get::<_, Option<_>>(4)?.map(Timestamp::from_micros),
        })
    }
}

fn read_state(row: &Row<'_>) -> Answer<MailState> {
    let (reason, receipt): (Option<String>, Option<[u8; 16]>) = (row.get(5)?, row.get(6)?);
    let receipt = receipt.map(receipt_op);
    match (place(row.get(2)?), reason, receipt) {
        (Some(MailPlace::Outbox), ..) => Ok(MailState::Outbox),
        (Some(MailPlace::Transit), ..) => Ok(MailState::Transit),
        (Some(MailPlace::Inbox), ..) => Ok(MailState::Inbox),
        (Some(MailPlace::Applied), _, Some(receipt)) => Ok(MailState::Applied { receipt }),
        (Some(MailPlace::Refused), Some(reason), _) => Ok(MailState::Refused { reason }),
        (Some(MailPlace::Expired), ..) => Ok(MailState::Expired),
        (Some(MailPlace::DeadLetter), Some(reason), _) => Ok(MailState::DeadLetter { reason }),
        _ => {
            let no: DeliveryNo = row.get(0)?;
            let problem = format!("delivery {} is in no state that there is", no.get());
            Err(StoreError::corrupt(problem).into())
        }
    }
}

fn place(number: i64) -> Option<MailPlace> {
    usize::try_from(number).ok().and_then(|number| PLACES.get(number)).copied()
}

/// The number that stands for a place in a file.
pub(crate) fn place_number(place: MailPlace) -> Answer<i64> {
    let number = PLACES.iter().position(|known| *known == place);
    let unknown = || Failure::from(StoreError::invalid(format!("mail in `{place}` is not known")));
    number.and_then(|number| i64::try_from(number).ok()).ok_or_else(unknown)
}

/// What a state is in the columns of a row.
#[derive(Debug)]
pub(crate) struct StateColumns<'a> {
    pub(crate) place: i64,
    pub(crate) reason: Option<&'a str>,
    pub(crate) receipt: Option<[u8; 16]>,
}

impl<'a> StateColumns<'a> {
    pub(crate) fn of(state: &'a MailState) -> Answer<Self> {
        let receipt = state.receipt().map(receipt_bytes);
        Ok(Self { place: place_number(state.place())?, reason: state.reason(), receipt })
    }
}

/// The delivery of a mail to `recipient`; `None` when it is not for that branch.
pub(crate) fn find(
    db: &Connection,
    mail: &MailRow,
    recipient: BranchId,
) -> Answer<Option<DeliveryRow>> {
    // What waits is found by its index, however many recipients the mail has.
    let waiting = select_delivery!(" AND d.state <= 2");
    match find_by(db, waiting, mail, recipient)? {
        None => find_by(db, select_delivery!(""), mail, recipient),
        found => Ok(found),
    }
}

fn find_by(
    db: &Connection,
    sql: &str,
    mail: &MailRow,
    recipient: BranchId,
) -> Answer<Option<DeliveryRow>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query((mail.no, mail.end(), branch_bytes(recipient)))?;
    rows.next()?.map(DeliveryRow::read).transpose()
}
