//! `branchwork mail …`: what the branches of a session send each other.

mod contents;
mod desk;
mod intake;
mod list;
mod receive;
mod refuse;
mod send;
mod show;

use branchwork::{
    BranchNames, Error, Session,
    core::{
        nearest::nearest,
        store::{BranchRecord, Conflict},
    },
    mail::{Category, Delivery, MailPlace},
};

pub(crate) use self::{intake::Intake, list::print as print_list};
use crate::{
    args::MailCommand,
    exit::{Code, Failure},
    output,
    place::{self, Place},
    world::World,
};

/// What is said where nothing waits.
pub(crate) const NONE_WAITS: &str = "no mail waits";

pub(super) async fn run(world: &World, command: MailCommand) -> Result<(), Failure> {
    match command {
        MailCommand::Send(args) => send::run(world, args).await,
        MailCommand::Inbox { place, all, outbox } => {
            let which = match (all, outbox) {
                (true, _) => list::Which::All,
                (_, true) => list::Which::Outbox,
                _ => list::Which::Inbox,
            };
            list::of_branch(world, &place, which).await
        }
        MailCommand::Receive(args) => receive::run(world, args).await,
        MailCommand::Refuse { place, mail, reason } => {
            refuse::run(world, (&place, &mail), reason).await
        }
        MailCommand::Show { session, mail } => show::run(world, &session, &mail).await,
        MailCommand::DeadLetters { session } => list::dead_letters(world, &session).await,
        MailCommand::Expire { session } => desk::expire(world, &session).await,
        MailCommand::Readdress { session, mail, from, to } => {
            desk::readdress(world, (&session, &mail), from.as_deref(), &to).await
        }
        MailCommand::Sync { session, receive } => desk::sync(world, &session, receive).await,
    }
}

async fn session(world: &World, name: &str) -> Result<Session, Failure> {
    place::session(world.existing_engine()?, Some(name)).await
}

/// The category of that name.
fn category(name: &str) -> Result<Category, Failure> {
    Category::from_name(name).ok_or_else(|| {
        let names = Category::ALL.map(Category::as_str);
        let near = nearest(name, names.into_iter());
        let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        let message = format!("there is no category `{}`", output::one_line(name));
        Failure::usage(message).with_hint(format!("{near}there are {}", names.join(", ")))
    })
}

/// The branches that were said, each as it is referred to; commas part them, unless a name holds one.
fn named(said: &[String], branches: &[BranchRecord]) -> Vec<String> {
    let mut all = Vec::new();
    for text in said {
        if branches.iter().any(|branch| branch.name == *text) {
            all.push(text.clone());
        } else {
            all.extend(text.split(',').map(|name| name.trim().to_owned()));
        }
    }
    all
}

/// The mail that is named, as it is for the branch.
async fn delivery(place: &Place, mail: &str) -> Result<Delivery, Failure> {
    let deliveries = place.session.find_mail(mail).await?;
    let own = deliveries.iter().find(|delivery| delivery.recipient == place.branch.id());
    if let Some(own) = own {
        return Ok(own.clone());
    }
    let names = place.session.branch_names().await?;
    Err(not_for(&deliveries, &names.name(place.branch.id()), &names))
}

/// Says that a mail is not for `branch`, and for whom it is.
fn not_for(deliveries: &[Delivery], branch: &str, names: &BranchNames) -> Failure {
    let id = deliveries.first().map(|delivery| delivery.mail.id.to_string()).unwrap_or_default();
    let message = format!("mail {id} is not for branch `{}`", output::one_line(branch));
    Failure::new(Code::NotFound, message)
        .with_hint(format!("it is for {}", recipients(deliveries, names)))
}

/// Who a mail is for.
fn recipients(deliveries: &[Delivery], names: &BranchNames) -> String {
    let names = deliveries.iter().map(|delivery| names.name(delivery.recipient));
    names.collect::<Vec<_>>().join(", ")
}

/// Why mail did not go on, in the names of branches.
fn failure(error: Error, names: &BranchNames) -> Failure {
    let Error::Conflict(Conflict::MailMoved { mail, recipient, actual }) = error else {
        return error.into();
    };
    let place = actual.map_or("not there", MailPlace::as_str);
    let message = format!("mail {mail} for branch `{}` is {place}", names.name(recipient));
    Failure::from(error).with_message(message)
}
