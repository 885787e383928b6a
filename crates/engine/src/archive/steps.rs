//! The steps by which a delivery comes to where an archive tells that it is.

use branchwork_core::{
    clock::Timestamp,
    id::MailId,
    mail::{MailChange, MailPlace, MailState},
};

use super::mail_line::Stage;

/// More than any delivery needs: to another branch, into the inbox, out of it, and in again.
const STEPS_MAX: usize = 6;

/// One change of a delivery.
enum Step {
    /// It goes there.
    To(MailState, Timestamp),
    /// It comes into the inbox anew, or into that of another branch.
    Anew(Timestamp),
}

/// The changes, one after the other, that bring a delivery of `mail` from `here` to `told`. There are none
/// when it is there, or went on since. An error says that it went another way.
pub(super) fn steps(mail: MailId, here: &Stage, told: &Stage) -> Result<Vec<MailChange>, String> {
    let mut changes = Vec::new();
    if is_further(here, told) {
        return Ok(changes);
    }
    let mut at = here.clone();
    while (at.recipient, &at.state, at.since) != (told.recipient, &told.state, told.since) {
        match next(&at, told).filter(|_| changes.len() < STEPS_MAX) {
            Some(step) => changes.push(go(mail, &mut at, told, step)),
            None if here.since == told.since => return Ok(Vec::new()),
            None => {
                let problem = format!("tells of mail {mail}, which went another way here");
                return Err(format!("{problem}: it is `{}`", here.state.place()));
            }
        }
    }
    Ok(changes)
}

/// Whether what is known here happened after what is told.
fn is_further(here: &Stage, told: &Stage) -> bool {
    let (place, to) = (here.state.place(), told.state.place());
    let came = to.is_unsent() && !place.is_unsent();
    // An import that was cut off leaves deliveries in these, at the time of what comes next.
    let may_be_cut_off = place.is_waiting() || place == MailPlace::Expired;
    came || here.since > told.since || (here.since == told.since && !may_be_cut_off)
}

fn next(at: &Stage, told: &Stage) -> Option<Step> {
    let (place, to) = (at.state.place(), told.state.place());
    let arrival = arrival(at, told);
    let inbox = Step::To(MailState::Inbox, arrival);
    if at.recipient != told.recipient {
        return match place {
            MailPlace::Refused | MailPlace::Expired => None,
            MailPlace::Applied => Some(inbox),
            _ => Some(Step::Anew(arrival)),
        };
    }
    let is_due_first =
        at.delivered.is_none() && told.delivered.is_some() && place != MailPlace::Expired;
    if at.state.may_become(&told.state) && !is_due_first {
        return Some(Step::To(told.state.clone(), told.since));
    }
    match place {
        MailPlace::Outbox | MailPlace::Transit if is_due_first => Some(inbox),
        // It was taken in after its time, by a receipt that was taken back before.
        MailPlace::Outbox | MailPlace::Transit if to == MailPlace::Applied => {
            Some(Step::To(MailState::Expired, told.since))
        }
        MailPlace::Applied => Some(inbox),
        MailPlace::DeadLetter => Some(Step::Anew(arrival)),
        MailPlace::Inbox if to == MailPlace::Inbox => Some(Step::Anew(told.since)),
        _ => None,
    }
}

/// When it came into the inbox; what came there before does so again.
fn arrival(at: &Stage, told: &Stage) -> Timestamp {
    match (at.delivered, told.delivered) {
        (None, Some(delivered)) => delivered,
        _ => told.since,
    }
}

/// The change that `step` is, which is made to `at`.
fn go(mail: MailId, at: &mut Stage, told: &Stage, step: Step) -> MailChange {
    let before = at.clone();
    let (state, since) = match step {
        Step::To(state, since) => (state, since),
        Step::Anew(since) => {
            let (from, to) = (before.recipient, told.recipient);
            (at.recipient, at.state, at.since) = (to, MailState::Inbox, since);
            at.delivered = at.delivered.or(Some(since));
            return MailChange::Readdress { mail, from, to, at: since };
        }
    };
    if state == MailState::Inbox {
        at.delivered = at.delivered.or(Some(since));
    }
    (at.state, at.since) = (state.clone(), since);
    let (recipient, from) = (before.recipient, before.state);
    MailChange::Move { mail, recipient, from, to: state, at: since }
}
