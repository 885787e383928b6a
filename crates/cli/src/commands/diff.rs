//! `branchwork diff`.

use branchwork::{
    Branch, Session,
    core::message::Message,
    diff::{Diff, Edit, Line, Mark, Side},
};
use serde_json::{Map, Value, json};

use super::usage::totals_value;
use crate::{
    args::DiffArgs,
    exit::Failure,
    output::{self, Paint, message_value},
    place,
    world::World,
};

pub(super) async fn run(world: &World, args: DiffArgs) -> Result<(), Failure> {
    let engine = world.existing_engine()?;
    let left = place::branch(engine, Some(&args.left)).await?;
    let right = place::branch(engine, Some(&args.right)).await?;
    if world.global.json {
        let diff = left.session.diff(&left.branch, &right.branch).await?;
        return Ok(output::json(&diff_value(&diff))?);
    }
    print(world, &left.session, (&left.branch, &right.branch)).await
}

/// Prints how two branches differ.
pub(crate) async fn print(
    world: &World,
    session: &Session,
    (left, right): (&Branch, &Branch),
) -> Result<(), Failure> {
    for line in session.diff(left, right).await?.lines() {
        output::line(&painted(&line, world.paint))?;
    }
    Ok(())
}

fn painted(line: &Line, paint: Paint) -> String {
    match line.mark {
        Mark::Left => paint.removed(&line.to_string()),
        Mark::Right => paint.added(&line.to_string()),
        Mark::Both if line.text.is_same() => line.to_string(),
        Mark::Both => {
            let pieces = line.text.pieces().map(|(mark, text)| match mark {
                Mark::Left => paint.removed(&format!("[-{text}-]")),
                Mark::Right => paint.added(&format!("{{+{text}+}}")),
                Mark::Both => text.to_owned(),
            });
            format!("{} {}", line.sign(), pieces.collect::<String>().replace('\n', "\n  "))
        }
    }
}

fn diff_value(diff: &Diff) -> Value {
    json!({
        "ancestor": diff.ancestor.map(|ancestor| ancestor.to_string()),
        "shared": diff.shared,
        "left": side_value(&diff.left),
        "right": side_value(&diff.right),
    })
}

fn side_value(side: &Side) -> Value {
    let delta = &side.delta;
    let group = |group: &Vec<_>| ids(group);
    let config: Map<_, _> = delta
        .settings
        .iter()
        .map(|change| {
            let value = json!({ "before": change.before, "after": change.after });
            (change.name.clone(), value)
        })
        .collect();
    json!({
        "branch": side.name,
        "head": side.head.map(|head| head.to_string()),
        "messages": delta.messages().map(|message| message_value(message)).collect::<Vec<_>>(),
        "groups": delta.groups.iter().map(group).collect::<Vec<_>>(),
        "edits": delta.edits.iter().map(edit_value).collect::<Vec<_>>(),
        "config": config,
        "tools": { "added": delta.tools.added, "removed": delta.tools.removed },
        "usage": totals_value(&side.usage),
    })
}

fn ids(messages: &[impl AsRef<Message>]) -> Vec<String> {
    messages.iter().map(|message| message.as_ref().id.to_string()).collect()
}

fn edit_value(edit: &Edit) -> Value {
    let text = |message: &Option<_>| message.as_deref().map(Message::text);
    json!({
        "message": edit.message.to_string(),
        "kind": edit.kind.as_str(),
        "before": text(&edit.before),
        "after": text(&edit.after),
    })
}
