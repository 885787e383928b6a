//! `branchwork mail refuse`.

use super::{delivery, failure, list::report_one};
use crate::{exit::Failure, place, world::World};

pub(super) async fn run(
    world: &World,
    (text, mail): (&str, &str),
    reason: String,
) -> Result<(), Failure> {
    let place = place::branch(world.existing_engine()?, Some(text)).await?;
    let mail = delivery(&place, mail).await?.mail.id;
    let refused = place.branch.refuse(mail, reason).await;
    let names = place.session.branch_names().await?;
    let refused = refused.map_err(|error| failure(error, &names))?;
    report_one(world, &place.session, &refused).await
}
