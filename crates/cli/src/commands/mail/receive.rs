//! `branchwork mail receive`.

use branchwork::mail::Category;

use super::{Intake, category, delivery, named};
use crate::{args::ReceiveArgs, exit::Failure, output, place, world::World};

pub(super) async fn run(world: &World, args: ReceiveArgs) -> Result<(), Failure> {
    let accept: Vec<Category> =
        args.accept.iter().map(|name| category(name)).collect::<Result<_, _>>()?;
    let place = place::branch(world.existing_engine()?, Some(&args.place)).await?;
    let mut wanted = Vec::new();
    for mail in &args.mails {
        wanted.push(delivery(&place, mail).await?);
    }
    let mut receive = place.branch.receive();
    if !args.from.is_empty() {
        receive = receive.from(named(&args.from, &place.session.branches().await?));
    }
    if !accept.is_empty() {
        receive = receive.accept(accept);
    }
    if !wanted.is_empty() {
        receive = receive.only(wanted.iter().map(|delivery| delivery.mail.id));
    }
    let mut intake = Intake::of(world, (&place.session, &place.branch), receive).await?;
    let names = place.session.branch_names().await?;
    intake.require(&place, &wanted, &names).await?;
    if world.global.json {
        output::json(&intake.value(&names))?;
    } else {
        intake.print(world, &names)?;
    }
    intake.check()
}
