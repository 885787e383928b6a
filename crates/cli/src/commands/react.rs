//! `branchwork react`: a model reasons and acts in turns until the task is done.

use std::process::ExitCode;

use branchwork::Branch;

use super::ask::{self, Asked, answer_value, stopped};
use crate::{
    args::ReactArgs,
    budget::{self, Asks},
    exit::{Code, Failure},
    mcp, output,
    world::World,
};

pub(super) async fn run(world: &World, args: ReactArgs) -> Result<ExitCode, Failure> {
    let asking = args.ask();
    let task = ask::prompt_of(&asking)?;
    let limit = budget::limit(world, &asking.calls.budget)?;
    let wanted = if args.tools.tools.is_empty() { mcp::all() } else { args.tools.tools };
    let offered = mcp::offered(world, &wanted).await?;
    let Asked { session, branch, config, .. } = ask::find(world, &asking).await?;
    budget::set(limit, (&session, &branch), Asks::Here).await?;
    let tools = mcp::register(offered.as_ref(), &session)?;
    let before = branch.view().await?.len();
    let react = branch.react(task).with_tools(tools).with_config(config);
    let react = match args.rounds {
        Some(rounds) => react.with_rounds(rounds),
        None => react,
    };
    let reply = tokio::select! {
        reply = react.into_future() => reply,
        () = stopped() => {
            world.note("interrupted; what had come is kept");
            return Ok(Code::Interrupted.exit());
        }
    };
    if world.global.json {
        let value = answer_value(&session.id().to_string(), &branch.record().await?.name, &reply?);
        output::json(&value)?;
        return Ok(ExitCode::SUCCESS);
    }
    show_calls(world, &branch, before).await?;
    output::line(reply?.text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// The calls of the turns and their results, in their order.
async fn show_calls(world: &World, branch: &Branch, before: usize) -> Result<(), Failure> {
    for message in branch.view().await?.messages().skip(before) {
        world.notes(&output::message_lines(message));
    }
    Ok(())
}
