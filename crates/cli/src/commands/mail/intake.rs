//! What came of taking mail in.

use std::{collections::BTreeMap, sync::Arc};

use branchwork::{
    Branch, BranchNames, Error, Session,
    core::{id::OpId, store::Conflict},
    mail::{Delivery, LeftReason, Mail, Package, Receive, Received, Taken},
};
use serde_json::{Value, json};

use super::{NONE_WAITS, delivery, failure};
use crate::{
    exit::Failure,
    output::{self, envelope_value, preview},
    place::Place,
    provider,
    world::World,
};

/// What came of taking mail in.
pub(crate) struct Intake {
    taken: Vec<Taken>,
    left: Vec<Kept>,
    head: Option<OpId>,
}

/// A mail that was not taken in.
struct Kept {
    mail: Arc<Mail>,
    /// Why, in a word.
    reason: &'static str,
    /// What went wrong, when something did.
    failure: Option<Failure>,
}

impl Intake {
    /// Takes in what `receive` says, which is of `branch`.
    pub(crate) async fn of(
        world: &World,
        (session, branch): (&Session, &Branch),
        receive: Receive,
    ) -> Result<Self, Failure> {
        let unknown = register_providers(world, session, branch).await?;
        let Received { taken, left, head } = receive.await?;
        let left = left.into_iter().map(|left| {
            let (reason, failure) = match left.reason {
                LeftReason::NotAccepted => ("not_accepted", None),
                LeftReason::Expired => ("expired", None),
                LeftReason::Failed(error) => ("failed", Some(why(error, &unknown))),
                _ => ("left", None),
            };
            Kept { mail: left.mail, reason, failure }
        });
        Ok(Self { taken, left: left.collect(), head })
    }

    /// Counts what was wanted and is not taken in as a failure, also what did not wait any more.
    pub(super) async fn require(
        &mut self,
        place: &Place,
        wanted: &[Delivery],
        names: &BranchNames,
    ) -> Result<(), Failure> {
        for Delivery { mail, recipient, .. } in wanted {
            let has_failed = |kept: &Kept| kept.mail.id == mail.id && kept.failure.is_some();
            if self.taken.iter().any(|taken| taken.mail.id == mail.id)
                || self.left.iter().any(has_failed)
            {
                continue;
            }
            let actual = delivery(place, &mail.id.to_string()).await?.state.place();
            let (mail_id, recipient) = (mail.id, *recipient);
            let moved = Conflict::MailMoved { mail: mail_id, recipient, actual: Some(actual) };
            let failure = Some(failure(moved.into(), names));
            self.left.retain(|kept| kept.mail.id != mail.id);
            self.left.push(Kept { mail: Arc::clone(mail), reason: actual.as_str(), failure });
        }
        Ok(())
    }

    /// It as `mail receive --json` prints it.
    pub(super) fn value(&self, names: &BranchNames) -> Value {
        let taken = self.taken.iter().map(|Taken { mail, receipt, messages }| {
            let mut value = envelope_value(mail, names);
            output::set(&mut value, "receipt", receipt.to_string());
            let messages = messages.iter().map(ToString::to_string);
            output::set(&mut value, "messages", messages.collect::<Vec<_>>());
            value
        });
        let left = self.left.iter().map(|kept| {
            let mut value = envelope_value(&kept.mail, names);
            output::set(&mut value, "reason", kept.reason);
            if let Some(failure) = &kept.failure {
                output::set(&mut value, "problem", failure.to_string());
            }
            value
        });
        json!({
            "taken": taken.collect::<Vec<_>>(),
            "left": left.collect::<Vec<_>>(),
            "head": self.head.map(|head| head.to_string()),
        })
    }

    /// Prints it for a person, a line a mail.
    pub(crate) fn print(&self, world: &World, names: &BranchNames) -> Result<(), Failure> {
        for Taken { mail, .. } in &self.taken {
            output::line(&line(world, "taken", mail, names))?;
        }
        for Kept { mail, reason, failure } in &self.left {
            let left = line(world, "left", mail, names);
            let why = failure.as_ref().map_or_else(|| (*reason).to_owned(), ToString::to_string);
            output::line(&format!("{left} ({})", output::one_line(&why)))?;
        }
        if self.taken.is_empty() && self.left.is_empty() {
            world.note(NONE_WAITS);
        }
        Ok(())
    }

    /// What was not taken in and should have been.
    pub(super) fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.left.iter().filter_map(|kept| kept.failure.as_ref())
    }

    /// How many mails were looked at.
    pub(super) const fn count(&self) -> usize {
        self.taken.len() + self.left.len()
    }

    /// Fails when a mail was not taken in that should have been.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        check_all(self.failures(), self.count())
    }
}

/// Fails as the first of `failures` does, of `count` mails that were looked at.
pub(super) fn check_all<'a>(
    failures: impl Iterator<Item = &'a Failure>,
    count: usize,
) -> Result<(), Failure> {
    let failures: Vec<_> = failures.collect();
    let Some(first) = failures.first() else { return Ok(()) };
    let failed = failures.len();
    let message = format!("{failed} of {count} mails were not taken in; the first: {first}");
    Err(Failure::clone(first).with_message(message))
}

fn line(world: &World, what: &str, mail: &Mail, names: &BranchNames) -> String {
    let (from, category) = (names.name(mail.sender), mail.package.category());
    let id = world.paint.dim(&mail.id.to_string());
    format!("{what} {id} from {from}  {category}: {}", preview(&mail.package))
}

/// Makes the providers known that the mail of `branch` names; answers why some cannot be.
async fn register_providers(
    world: &World,
    session: &Session,
    branch: &Branch,
) -> Result<BTreeMap<String, Failure>, Failure> {
    let mut unknown = BTreeMap::new();
    for delivery in branch.inbox().await? {
        let Package::Provider(name) = &delivery.mail.package else { continue };
        if let Err(failure) = provider::register(session.engine(), world, name) {
            unknown.insert(name.clone(), failure);
        }
    }
    Ok(unknown)
}

/// Why a mail could not be taken in: of a provider, why it is not known here.
fn why(error: Error, unknown: &BTreeMap<String, Failure>) -> Failure {
    let known = match &error {
        Error::NoProvider { name, .. } => unknown.get(name).cloned(),
        _ => None,
    };
    known.unwrap_or_else(|| error.into())
}
