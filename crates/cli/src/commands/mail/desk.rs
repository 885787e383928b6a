//! `branchwork mail expire`, `readdress` and `sync`: the mail of a whole session.

use branchwork::{
    BranchNames, Error, Session,
    core::id::BranchId,
    mail::{Delivery, MailState},
};
use serde_json::{Value, json};

use super::{
    failure,
    intake::{Intake, check_all},
    list::{self, report, report_one},
    not_for, recipients,
};
use crate::{
    exit::Failure,
    output::{self, delivery_value},
    world::World,
};

pub(super) async fn expire(world: &World, session: &str) -> Result<(), Failure> {
    let session = super::session(world, session).await?;
    let expired = session.expire().await?;
    report(world, &session, ("expired", &expired)).await
}

pub(super) async fn readdress(
    world: &World,
    (session, mail): (&str, &str),
    from: Option<&str>,
    to: &str,
) -> Result<(), Failure> {
    let session = super::session(world, session).await?;
    let deliveries = session.find_mail(mail).await?;
    let names = session.branch_names().await?;
    let delivery = chosen(&deliveries, from, &names)?;
    let to = session.branch(to).await?;
    let readdressed = session.readdress(&delivery, &to).await;
    readdressed.map_err(|error| failure(error, &names))?;
    let moved = Delivery { recipient: to.id(), state: MailState::Inbox, ..delivery };
    report_one(world, &session, &moved).await
}

/// The delivery to the branch that `from` names, which may be gone; the only one when it is not said.
fn chosen(
    deliveries: &[Delivery],
    from: Option<&str>,
    names: &BranchNames,
) -> Result<Delivery, Failure> {
    let Some(from) = from else {
        return match deliveries {
            [only] => Ok(only.clone()),
            several => {
                let message = format!("the mail is for {} branches", several.len());
                let all = recipients(several, names);
                Err(Failure::usage(message).with_hint(format!("say --from which: {all}")))
            }
        };
    };
    let is_named = |one: &&Delivery| names.name(one.recipient) == from;
    let begins_so = |one: &&Delivery| one.recipient.to_string().starts_with(from);
    if let Some(named) = deliveries.iter().find(is_named) {
        return Ok(named.clone());
    }
    let prefixed: Vec<_> = deliveries.iter().filter(begins_so).collect();
    match prefixed.as_slice() {
        [] => Err(not_for(deliveries, from, names)),
        [found] => Ok(Delivery::clone(found)),
        several => {
            let candidates = several.iter().map(|one| one.recipient.to_string()).collect();
            let (what, reference) = ("branch", from.to_owned());
            Err(Error::Ambiguous { what, reference, candidates }.into())
        }
    }
}

pub(super) async fn sync(world: &World, session: &str, receive: bool) -> Result<(), Failure> {
    let session = super::session(world, session).await?;
    let sent = session.collect_send_all().await?;
    let received = if receive { Some(receive_all(world, &session).await?) } else { None };
    let names = session.branch_names().await?;
    if world.global.json {
        let sent: Vec<Value> = sent.iter().map(|one| delivery_value(one, &names)).collect();
        let mut value = json!({ "sent": sent });
        if let Some(received) = &received {
            let received = received.iter().map(|one| received_value(one, &names));
            output::set(&mut value, "received", received.collect::<Vec<_>>());
        }
        output::json(&value)?;
    } else {
        list::print(world, &session, &sent).await?;
        for (branch, intake) in received.iter().flatten() {
            print(world, (branch, intake), &names)?;
        }
    }
    check(received.as_deref().unwrap_or_default())
}

/// A branch, and what came of taking its mail in.
type Received = (String, Result<Intake, Failure>);

/// Lets every branch take in its mail; one that cannot keeps no other from it.
async fn receive_all(world: &World, session: &Session) -> Result<Vec<Received>, Failure> {
    let mut all = Vec::new();
    for record in session.branches().await? {
        let received = receive_on(world, session, record.id).await;
        all.push((record.name, received));
    }
    Ok(all)
}

async fn receive_on(world: &World, session: &Session, id: BranchId) -> Result<Intake, Failure> {
    let branch = session.branch(&id.to_string()).await?;
    Intake::of(world, (session, &branch), branch.receive()).await
}

fn received_value((branch, intake): &Received, names: &BranchNames) -> Value {
    let mut value = match intake {
        Ok(intake) => intake.value(names),
        Err(failure) => json!({ "problem": failure.to_string() }),
    };
    output::set(&mut value, "branch", branch.as_str());
    value
}

fn print(
    world: &World,
    (branch, intake): (&str, &Result<Intake, Failure>),
    names: &BranchNames,
) -> Result<(), Failure> {
    match intake {
        Ok(intake) if intake.count() == 0 => Ok(()),
        Ok(intake) => {
            output::line(&format!("{branch}:"))?;
            intake.print(world, names)
        }
        Err(failure) => {
            Ok(output::line(&format!("{branch}: {}", output::one_line(&failure.to_string())))?)
        }
    }
}

/// Fails when a branch could not take its mail in, or not all of it.
fn check(received: &[Received]) -> Result<(), Failure> {
    let failed =
        received.iter().find_map(|(branch, intake)| Some((branch, intake.as_ref().err()?)));
    if let Some((branch, failure)) = failed {
        let message = format!("the mail of branch `{branch}` was not taken in: {failure}");
        return Err(failure.clone().with_message(message));
    }
    let intakes = || received.iter().filter_map(|(_, intake)| intake.as_ref().ok());
    let count = intakes().map(Intake::count).sum();
    check_all(intakes().flat_map(Intake::failures), count)
}
