//! `fan-out`, and a prompt with `-n`: many answers, each on a fork of its own.

use std::process::ExitCode;

use branchwork::{
    Branch, Chat,
    core::{config::ConfigPatch, provider::Finish},
    flows::{FanOut, FanOutItem},
    reference::ModelReference,
};
use serde_json::{Value, json};

use super::ask::{stopped, usage_value};
use crate::{
    args::{FanOutArgs, Wish},
    budget::{self, Asks},
    exit::{Code, Failure},
    input, mcp, output, place,
    provider::{self, Target},
    world::World,
};

/// Asks every instruction with every context and every model.
pub(crate) async fn run(world: &World, args: FanOutArgs) -> Result<ExitCode, Failure> {
    let instructions = instructions(args.instructions)?;
    let limit = budget::limit(world, &args.calls.budget)?;
    let calls = if args.samples > 1 { args.calls.without_cache("-n")? } else { args.calls };
    let place = place::branch(world.existing_engine()?, Some(&args.place)).await?;
    let offered = mcp::offered(world, &args.tools.tools).await?;
    let (branch, tools) = (place.branch, mcp::register(offered.as_ref(), &place.session)?);
    let patch = args.parameters.patch();
    patch.check().map_err(branchwork::Error::from)?;
    let (base_url, record) = (args.base_url, args.record);
    let wish = Wish { base_url, record, ..Wish::default() }.with(&calls);
    let (config, models) = targets(world, &branch, (&args.model, wish), patch).await?;
    budget::set(limit, (&place.session, &branch), Asks::OnForks).await?;
    let fan_out = branch.fan_out(instructions).contexts(args.context);
    let fan_out = fan_out.model_references(models.clone());
    let fan_out = fan_out.samples(args.samples).concurrency(args.concurrency);
    let fan_out =
        fan_out.each(move |chat| chat.with_config(config.clone()).with_tools(tools.clone()));
    show(world, &branch, &models, fan_out).await
}

/// Asks one prompt several times.
pub(super) async fn samples(
    world: &World,
    (branch, prompt): (&Branch, String),
    count: usize,
    each: impl Fn(Chat) -> Chat + Send + Sync + 'static,
) -> Result<ExitCode, Failure> {
    show(world, branch, &[], branch.fan_out([prompt]).samples(count).each(each)).await
}

/// The instructions; for `-` the lines of standard input that are not empty.
fn instructions(arguments: Vec<String>) -> Result<Vec<String>, Failure> {
    let mut instructions = Vec::new();
    for argument in arguments {
        if argument == "-" {
            let lines = input::stdin()?;
            let lines = lines.lines().filter(|line| !line.trim().is_empty());
            instructions.extend(lines.map(str::to_owned));
        } else if argument.trim().is_empty() {
            return Err(Failure::usage("an instruction is empty"));
        } else {
            instructions.push(argument);
        }
    }
    Ok(instructions)
}

/// Makes the providers known. Answers what holds for every chat, and the models.
async fn targets(
    world: &World,
    branch: &Branch,
    (models, wish): (&[String], Wish),
    patch: ConfigPatch,
) -> Result<(ConfigPatch, Vec<ModelReference>), Failure> {
    let own = branch.view().await?.config().clone();
    let resolve = async |model: Option<&String>| -> Result<Target, Failure> {
        let wish = Wish { model: model.cloned(), ..wish.clone() };
        provider::resolve(world, &wish, Some(&own)).await
    };
    let engine = world.existing_engine()?;
    if models.is_empty() {
        return Ok((resolve(None).await?.register(engine, patch), Vec::new()));
    }
    let mut references = Vec::new();
    for model in models {
        let Target { handle, provider, model } = resolve(Some(model)).await?;
        engine.register(provider.clone(), handle);
        references.push(ModelReference { provider: Some(provider), model });
    }
    Ok((patch, references))
}

/// Prints the answers in the order of what was asked, once all are there or Ctrl-C comes.
async fn show(
    world: &World,
    branch: &Branch,
    models: &[ModelReference],
    fan_out: FanOut,
) -> Result<ExitCode, Failure> {
    let items = tokio::select! {
        items = fan_out.into_future() => items?,
        () = stopped() => {
            world.note("interrupted; what had come is kept on the forks");
            return Ok(Code::Interrupted.exit());
        }
    };
    let mut values = Vec::new();
    let (mut failed, mut code) = (0, None);
    let count = items.len();
    for mut item in items {
        item.model = item.model.map(|told| label(models, told));
        let fork = match &item.branch {
            Some(fork) => Some(fork.record().await?.name),
            None => None,
        };
        if world.global.json {
            values.push(value(&item, fork.as_deref()));
        } else {
            print(world, &item, fork.as_deref())?;
        }
        if let Err(error) = item.outcome {
            failed += 1;
            code.get_or_insert(Failure::from(error));
        }
    }
    if world.global.json {
        let session = branch.session_id().to_string();
        let name = branch.record().await?.name;
        output::json(&json!({ "session": session, "branch": name, "items": values }))?;
    }
    match code {
        None => Ok(ExitCode::SUCCESS),
        Some(failure) => {
            let message = format!("{failed} of {count} failed; the first: {failure}");
            Err(failure.with_message(message))
        }
    }
}

/// What a model is called: a server that has no name but its URL is left out.
fn label(models: &[ModelReference], told: String) -> String {
    let is_url = |provider: &String| provider.contains("://");
    let mut unnamed = models.iter().filter(|model| model.provider.as_ref().is_some_and(is_url));
    unnamed.find(|model| model.to_string() == told).map_or(told, |model| model.model.clone())
}

/// One answer below a line that says what it is of.
fn print(world: &World, item: &FanOutItem, fork: Option<&str>) -> Result<(), Failure> {
    let sample = format!("sample {}", item.sample + 1);
    let context = item.context.as_ref().map(Value::to_string);
    let parts = [
        fork.map(str::to_owned),
        Some(output::one_line(&item.instruction)),
        item.model.clone(),
        context,
        Some(sample),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    output::line(&world.paint.bold(&parts.join(" · ")))?;
    for result in item.outcome.iter().flat_map(|reply| &reply.results) {
        world.notes(&output::message_lines(result));
    }
    match &item.outcome {
        Ok(reply) => output::line(reply.text.trim_end())?,
        Err(error) => output::line(&format!("failed: {}", output::one_line(&error.to_string())))?,
    }
    Ok(output::line("")?)
}

/// One answer as `--json` prints it.
fn value(item: &FanOutItem, fork: Option<&str>) -> Value {
    let reply = item.outcome.as_ref().ok();
    json!({
        "branch": fork,
        "instruction": item.instruction,
        "context": item.context,
        "model": item.model,
        "sample": item.sample,
        "message": reply.map(|reply| reply.message.id.to_string()),
        "text": reply.map(|reply| &reply.text),
        "finish": reply.and_then(|reply| reply.finish.as_ref()).map(Finish::as_str),
        "usage": reply.and_then(|reply| reply.usage).map(usage_value),
        "error": item.outcome.as_ref().err().map(ToString::to_string),
    })
}
