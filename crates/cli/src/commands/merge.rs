//! `branchwork merge`.

use std::io::IsTerminal as _;

use branchwork::{
    Branch, Merge, MergePlan, Merged,
    core::config::ConfigPatch,
    merge::{MergeConflict, MergePolicy},
};
use serde_json::{Value, json};

use super::confirm_or;
use crate::{
    args::{BudgetArgs, MergeArgs, MergeMode, Policy},
    budget::{self, Asks},
    exit::Failure,
    input, output,
    place::{self, Place},
    provider,
    world::World,
};

pub(super) async fn run(world: &World, args: MergeArgs) -> Result<(), Failure> {
    check(&args)?;
    let place = place::named_branch(world.existing_engine()?, &args.from).await?;
    let into = place.session.branch(&args.into).await?;
    let merge = place.session.merge(&place.branch).into(&into);
    let merge = match args.policy {
        None | Some(Policy::Ours) => merge.policy(MergePolicy::Ours),
        Some(Policy::Theirs) => merge.policy(MergePolicy::Theirs),
    };
    let merge = if args.delete_source { merge.delete_source() } else { merge };
    let (dry_run, yes, is_approved) = (args.dry_run, args.yes, args.text.is_some());
    let plan = in_mode(world, &place, merge, args).await?.plan().await?;
    if dry_run {
        return print_plan(world, &plan);
    }
    if let Some(summary) = plan.summary().filter(|_| !is_approved) {
        output::complain(summary);
        confirm_or("tell this", yes, "nothing was merged")?;
    }
    print_merged(world, &into, &plan.apply().await?).await
}

/// Refuses options that would be without effect, and what nobody could approve of.
fn check(args: &MergeArgs) -> Result<(), Failure> {
    let is_summary = args.mode == MergeMode::Summary;
    let wishes = args.wish.model.is_some() || args.wish.base_url.is_some();
    if !is_summary && (args.text.is_some() || wishes) {
        let message = "--text, --model and --base-url are for a summary";
        return Err(Failure::usage(message).with_hint("say --mode summary"));
    }
    if args.yes && (!is_summary || args.text.is_some()) {
        return Err(Failure::usage("--yes is for the summary of a model"));
    }
    if args.mode == MergeMode::FastForward && args.policy.is_some() {
        return Err(Failure::usage("a fast-forward takes all there is, whatever the --policy"));
    }
    let wants_approval = is_summary && args.text.is_none() && !args.yes && !args.dry_run;
    if wants_approval && !std::io::stdin().is_terminal() {
        let failure = Failure::usage("the summary of a model wants to be approved");
        return Err(failure.with_hint("give --yes to take it as it is, or the summary with --text"));
    }
    Ok(())
}

async fn in_mode(
    world: &World,
    from: &Place,
    merge: Merge,
    args: MergeArgs,
) -> Result<Merge, Failure> {
    Ok(match (args.mode, args.text) {
        (MergeMode::Interleave, _) => merge.interleave(),
        (MergeMode::FastForward, _) => merge.fast_forward(),
        (MergeMode::Summary, Some(text)) => {
            let text = input::text_or_stdin(text)?;
            if text.trim().is_empty() {
                return Err(Failure::usage("the summary is empty"));
            }
            merge.summary(text)
        }
        (MergeMode::Summary, None) => {
            let own = from.branch.view().await?.config().clone();
            let target = provider::resolve(world, &args.wish, Some(&own)).await?;
            let limit = budget::limit(world, &BudgetArgs::default())?;
            budget::set(limit, (&from.session, &from.branch), Asks::Aside).await?;
            merge.summary_by(target.register(world.existing_engine()?, ConfigPatch::new()))
        }
        (MergeMode::Append, _) => merge,
    })
}

/// Says what would be done.
pub(super) fn print_plan(world: &World, plan: &MergePlan) -> Result<(), Failure> {
    if world.global.json {
        return Ok(output::json(&json!({
            "added": texts(plan.brought()),
            "skipped": texts(plan.skipped()),
            "conflicts": conflict_values(plan.conflicts()),
            "head": plan.head().map(|head| head.to_string()),
            "summary": plan.summary(),
            "dry_run": true,
        }))?);
    }
    for message in plan.messages() {
        let text = output::one_line(&message.text());
        output::line(&world.paint.added(&format!("+ {}: {text}", message.role())))?;
    }
    if plan.is_nothing() {
        world.note("nothing would be merged");
    }
    note_conflicts(world, plan.conflicts());
    Ok(())
}

/// Says what was done.
pub(crate) async fn print_merged(
    world: &World,
    into: &Branch,
    merged: &Merged,
) -> Result<(), Failure> {
    if world.global.json {
        return Ok(output::json(&json!({
            "added": texts(merged.added.iter()),
            "skipped": texts(merged.skipped.iter()),
            "conflicts": conflict_values(&merged.conflicts),
            "head": merged.head.map(|head| head.to_string()),
        }))?);
    }
    let record = into.record().await?;
    let (added, name) = (merged.added.len(), output::one_line(&record.name));
    output::line(&format!("{name}: {added} messages came, {} there now", record.messages))?;
    note_conflicts(world, &merged.conflicts);
    Ok(())
}

/// Says what the branches do not agree on.
fn note_conflicts(world: &World, conflicts: &[MergeConflict]) {
    for conflict in conflicts {
        let say =
            |value: &Option<Value>| value.as_ref().map_or("not there".to_owned(), Value::to_string);
        let MergeConflict { on, ours, theirs, taken, .. } = conflict;
        let (ours, theirs) = (say(ours), say(theirs));
        let line = format!("{on}: ours {ours}, theirs {theirs}; {} taken", taken.as_str());
        world.note(&output::one_line(&line));
    }
}

fn texts<T: ToString>(ids: impl IntoIterator<Item = T>) -> Vec<String> {
    ids.into_iter().map(|id| id.to_string()).collect()
}

fn conflict_values(conflicts: &[MergeConflict]) -> Vec<Value> {
    let value = |conflict: &MergeConflict| {
        json!({
            "on": conflict.on.to_string(),
            "base": conflict.base,
            "ours": conflict.ours,
            "theirs": conflict.theirs,
            "taken": conflict.taken.as_str(),
        })
    };
    conflicts.iter().map(value).collect()
}
