//! `branchwork mail inbox` and `branchwork mail dead-letters`.

use branchwork::{
    Session,
    mail::{Delivery, MailQuery},
};
use serde_json::{Value, json};

use crate::{
    exit::Failure,
    output::{self, delivery_line, delivery_value},
    place,
    world::World,
};

/// Which mail of a branch.
pub(super) enum Which {
    /// What waits for it.
    Inbox,
    /// What it sent and is not delivered.
    Outbox,
    /// What was sent to it, whatever became of it.
    All,
}

pub(super) async fn of_branch(world: &World, text: &str, which: Which) -> Result<(), Failure> {
    let place = place::branch(world.existing_engine()?, Some(text)).await?;
    let found = match which {
        Which::Inbox => place.branch.inbox().await?,
        Which::Outbox => place.branch.outbox().await?,
        Which::All => all(&place.session, MailQuery::new().to(place.branch.id())).await?,
    };
    report(world, &place.session, ("mails", &found)).await
}

pub(super) async fn dead_letters(world: &World, session: &str) -> Result<(), Failure> {
    let session = super::session(world, session).await?;
    let found = session.dead_letters().await?;
    report(world, &session, ("mails", &found)).await
}

/// All deliveries that `query` means, page by page.
async fn all(session: &Session, mut query: MailQuery) -> Result<Vec<Delivery>, Failure> {
    let mut found = Vec::new();
    loop {
        let page = session.mail(&query).await?;
        let Some(last) = page.last() else { return Ok(found) };
        query.after = last.no;
        found.extend(page);
    }
}

/// Says which deliveries there are, under a name.
pub(super) async fn report(
    world: &World,
    session: &Session,
    (name, found): (&str, &[Delivery]),
) -> Result<(), Failure> {
    if !world.global.json {
        return print(world, session, found).await;
    }
    let names = session.branch_names().await?;
    let mut value = json!({});
    let mails: Vec<Value> = found.iter().map(|one| delivery_value(one, &names)).collect();
    output::set(&mut value, name, mails);
    Ok(output::json(&value)?)
}

/// Says what became of one delivery.
pub(super) async fn report_one(
    world: &World,
    session: &Session,
    delivery: &Delivery,
) -> Result<(), Failure> {
    if !world.global.json {
        return print(world, session, std::slice::from_ref(delivery)).await;
    }
    let names = session.branch_names().await?;
    Ok(output::json(&json!({ "mail": delivery_value(delivery, &names) }))?)
}

/// Prints deliveries for a person, one a line.
pub(crate) async fn print(
    world: &World,
    session: &Session,
    found: &[Delivery],
) -> Result<(), Failure> {
    let names = session.branch_names().await?;
    for delivery in found {
        output::line(&delivery_line(delivery, &names, world.paint))?;
    }
    Ok(())
}
