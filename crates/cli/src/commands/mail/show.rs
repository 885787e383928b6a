//! `branchwork mail show`.

use branchwork::{
    BranchNames, Session,
    mail::{Delivery, Package, Receipt},
    time::rfc3339,
};
use serde_json::{Value, json};

use crate::{
    commands::config_branch,
    exit::Failure,
    output::{
        self, contents_value, delivery_value, mail_value, print_message, state_now, state_text,
    },
    world::World,
};

/// A delivery, and what the branch that took it in says of it.
type Told = (Delivery, Option<Receipt>);

pub(super) async fn run(world: &World, session: &str, mail: &str) -> Result<(), Failure> {
    let session = super::session(world, session).await?;
    let deliveries = session.find_mail(mail).await?;
    let names = session.branch_names().await?;
    let mut told = Vec::with_capacity(deliveries.len());
    for delivery in deliveries {
        let receipt = receipt(&session, &delivery).await?;
        told.push((delivery, receipt));
    }
    if world.global.json { print_json(&told, &names) } else { print(world, &told, &names) }
}

/// What is known of a mail that was taken in, by a branch that is still there.
async fn receipt(session: &Session, delivery: &Delivery) -> Result<Option<Receipt>, Failure> {
    if delivery.state.receipt().is_none() {
        return Ok(None);
    }
    match session.branch(&delivery.recipient.to_string()).await {
        Ok(branch) => Ok(branch.receipt(delivery.mail.id).await?),
        Err(branchwork::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn print_json(told: &[Told], names: &BranchNames) -> Result<(), Failure> {
    let Some((first, _)) = told.first() else { return Ok(()) };
    let mut value = mail_value(&first.mail, names);
    output::set(&mut value, "contents", contents_value(&first.mail.package));
    let deliveries = told.iter().map(|told| told_value(told, names));
    output::set(&mut value, "deliveries", deliveries.collect::<Vec<_>>());
    Ok(output::json(&json!({ "mail": value }))?)
}

fn told_value((delivery, receipt): &Told, names: &BranchNames) -> Value {
    let known = delivery_value(delivery, names);
    let fields = ["to", "state", "reason"].into_iter();
    let mut value: Value =
        fields.filter_map(|name| Some((name.to_owned(), known.get(name)?.clone()))).collect();
    output::set(&mut value, "since", rfc3339(state_now(delivery).1));
    if let Some(delivered) = delivery.delivered {
        output::set(&mut value, "delivered", rfc3339(delivered));
    }
    match (receipt, delivery.state.receipt()) {
        (Some(receipt), _) => output::set(&mut value, "receipt", receipt_value(receipt)),
        // The branch is gone, and its history with it.
        (None, Some(op)) => output::set(&mut value, "receipt", json!({ "op": op.to_string() })),
        (None, None) => {}
    }
    value
}

fn receipt_value(receipt: &Receipt) -> Value {
    json!({
        "op": receipt.op.to_string(),
        "at": rfc3339(receipt.at),
        "messages": receipt.messages.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "seen_in": receipt.seen_in.map(|answer| answer.to_string()),
    })
}

fn print(world: &World, told: &[Told], names: &BranchNames) -> Result<(), Failure> {
    let Some((first, _)) = told.first() else { return Ok(()) };
    let mail = &first.mail;
    let field = |name: &str, value: &str| output::line(&format!("{name:9}  {value}"));
    field("mail", &mail.id.to_string())?;
    field("from", &names.name(mail.sender))?;
    field("category", mail.package.category().as_str())?;
    field("at", &rfc3339(mail.sent))?;
    if let Some(expires) = mail.expires {
        field("expires", &rfc3339(expires))?;
    }
    if let Some(answered) = mail.reply_to {
        field("reply to", &answered.to_string())?;
    }
    for (delivery, receipt) in told {
        let (name, since) = (names.name(delivery.recipient), rfc3339(state_now(delivery).1));
        field("to", &format!("{name}: {} since {since}", state_text(delivery)))?;
        if let Some(Receipt { op, messages, seen_in, .. }) = receipt {
            let seen = seen_in.map(|answer| format!(", seen in {answer}")).unwrap_or_default();
            field("receipt", &format!("{op}, {} messages{seen}", messages.len()))?;
        }
    }
    output::line("")?;
    print_contents(world, &mail.package)
}

fn print_contents(world: &World, package: &Package) -> Result<(), Failure> {
    match package {
        Package::Messages(messages) => {
            Ok(messages.iter().try_for_each(|message| print_message(message, world.paint))?)
        }
        Package::Tools(names) => Ok(names.iter().try_for_each(|name| output::line(name))?),
        Package::ModelConfig(patch) => config_branch::print(&patch.settings()),
        Package::Text(text) | Package::Provider(text) | Package::Signal(text) => {
            Ok(output::line(text)?)
        }
        package => Ok(output::line(&format!("{:#}", contents_value(package)))?),
    }
}
