//! `branchwork mail send`.

use branchwork::{
    Error,
    mail::{Addresses, Delivery, Letter, MailPlace},
};
use serde_json::json;

use super::{category, contents, named, recipients};
use crate::{
    args::SendArgs,
    exit::Failure,
    output::{self, mail_value},
    place::{self, Place},
    world::World,
};

pub(super) async fn run(world: &World, args: SendArgs) -> Result<(), Failure> {
    let category = category(&args.category)?;
    let place = place::branch(world.existing_engine()?, Some(&args.place)).await?;
    let answered = match &args.reply_to {
        Some(mail) => place.session.find_mail(mail).await?.into_iter().next(),
        None => None,
    };
    let to = addresses(&place, &args, answered.as_ref()).await?;
    let contents = contents::read(world, &place, category, args.data).await?;
    let mut letter = place.branch.send(to, contents);
    if let Some(answered) = answered {
        letter = letter.reply_to(answered.mail.id);
    }
    if let Some(time) = args.ttl {
        letter = letter.expires_in(time);
    }
    if args.queue {
        letter = letter.queued();
    }
    let to = if args.queue { MailPlace::Outbox } else { MailPlace::Inbox };
    post(world, &place, letter, to).await
}

/// Who gets it: who is named, all others, or who sent what is answered.
async fn addresses(
    place: &Place,
    args: &SendArgs,
    answered: Option<&Delivery>,
) -> Result<Addresses, Failure> {
    if args.all {
        return Ok(Addresses::Others);
    }
    if let (true, Some(answered)) = (args.to.is_empty(), answered) {
        return Ok(answered.mail.sender.into());
    }
    Ok(named(&args.to, &place.session.branches().await?).into())
}

/// Sends it, and says what went where.
async fn post(
    world: &World,
    place: &Place,
    letter: Letter,
    state: MailPlace,
) -> Result<(), Failure> {
    let mail = letter.await.map_err(failure)?;
    let deliveries = place.session.find_mail(&mail.id.to_string()).await?;
    let names = place.session.branch_names().await?;
    if !world.global.json {
        let to = recipients(&deliveries, &names);
        return Ok(output::line(&format!("{} to {to} ({state})", mail.id))?);
    }
    let to = deliveries.iter().map(|delivery| names.name(delivery.recipient));
    let mut value = mail_value(&mail, &names);
    output::set(&mut value, "to", to.collect::<Vec<_>>());
    output::set(&mut value, "state", state.as_str());
    Ok(output::json(&json!({ "mail": value }))?)
}

/// Why nothing was sent, in the words of the command line.
fn failure(error: Error) -> Failure {
    match error {
        Error::BadOption { option: "expires_in", problem } => {
            Failure::usage(format!("--ttl cannot be used: {problem}"))
        }
        error => error.into(),
    }
}
