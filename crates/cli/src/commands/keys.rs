//! `branchwork keys …`.

use branchwork::core::nearest::nearest;
use serde_json::{Value, json};

use crate::{
    args::{KeysCommand, WhoseKey},
    config::Config,
    exit::{Code, Failure},
    keys::{self, KeysFile, Place, keyring},
    output, provider,
    world::World,
};

pub(super) fn run(world: &World, command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::Set { whose, surplus } if surplus.is_empty() => set(world, &whose),
        KeysCommand::Set { .. } => Err(Failure::usage("a key is never taken from the command line")
            .with_hint(
                "give it when you are asked for it, or pipe it in; and get a new one, as this one was seen",
            )),
        KeysCommand::List => list(world),
        KeysCommand::Delete(whose) => delete(world, &whose),
        KeysCommand::Path => {
            let path = keys::file()?.display().to_string();
            if world.global.json {
                return Ok(output::json(&json!({ "path": path }))?);
            }
            Ok(output::line(&path)?)
        }
    }
}

fn set(world: &World, whose: &WhoseKey) -> Result<(), Failure> {
    let provider = &whose.provider;
    if !provider::is_known(&world.config, provider) {
        return Err(unknown(&world.config, provider));
    }
    let key = keys::read(provider)?;
    let place = if whose.keyring {
        keyring::set(provider, &key)?;
        Place::Keyring
    } else {
        Place::KeysFile(KeysFile::set(provider, &key)?)
    };
    tell(world, &format!("the key of {provider} is kept in {place}"), "set", whose, &place)?;
    if let Some(found) = keys::find(&world.config, provider)?.filter(|found| found.place != place) {
        world.note(&format!("but {} has one too, and comes first", found.place));
    }
    Ok(())
}

fn delete(world: &World, whose: &WhoseKey) -> Result<(), Failure> {
    let provider = &whose.provider;
    let (place, was_there) = if whose.keyring {
        (Place::Keyring, keyring::delete(provider)?)
    } else {
        (Place::KeysFile(keys::file()?), KeysFile::delete(provider)?)
    };
    let left = keys::find(&world.config, provider)?.map(|found| found.place);
    if !was_there {
        if !provider::is_known(&world.config, provider) {
            return Err(unknown(&world.config, provider));
        }
        let failure = Failure::new(Code::NotFound, format!("no key of {provider} is in {place}"));
        return Err(match left {
            Some(left) => failure.with_hint(format!("there is one in {left}")),
            None => failure,
        });
    }
    tell(
        world,
        &format!("the key of {provider} is no longer in {place}"),
        "deleted",
        whose,
        &place,
    )?;
    if let Some(left) = left {
        world.note(&format!("but there is one in {left}"));
    }
    Ok(())
}

/// Says what was done.
fn tell(
    world: &World,
    done: &str,
    word: &str,
    whose: &WhoseKey,
    place: &Place,
) -> Result<(), Failure> {
    if world.global.json {
        let value = json!({ word: whose.provider, "place": place.kind(), "at": place.at() });
        return Ok(output::json(&value)?);
    }
    world.note(done);
    Ok(())
}

/// One place that has a key, or that cannot be looked into.
struct Row<'n> {
    provider: &'n str,
    place: Place,
    /// Whether this is the key that is sent.
    is_used: bool,
    problem: Option<String>,
}

fn list(world: &World) -> Result<(), Failure> {
    let file = KeysFile::read()?;
    let names = provider::names(&world.config);
    let strangers = file.names().filter(|name| !names.contains(name)).count();
    let mut rows = Vec::new();
    for name in names {
        rows.extend(rows_of(&world.config, name)?);
    }
    if world.global.json {
        let rows: Vec<Value> = rows.iter().map(Row::value).collect();
        return Ok(output::json(&json!({ "keys": rows, "strangers": strangers }))?);
    }
    for row in &rows {
        output::line(&row.line())?;
    }
    if strangers > 0 {
        // Such a name may be a key in the wrong place: it is not shown.
        let place = Place::KeysFile(keys::file()?);
        world.note(&format!("{place} has {strangers} more, of no provider that is known"));
    }
    Ok(())
}

fn rows_of<'n>(config: &Config, provider: &'n str) -> Result<Vec<Row<'n>>, Failure> {
    let mut rows = Vec::new();
    let mut is_used = true;
    for place in keys::places(config, provider)? {
        let (has_key, problem) = match place.look(provider) {
            Ok(key) => (key.is_some(), None),
            // It would be said of every provider; `doctor` says it once.
            Err(_unusable) if place == Place::Keyring => (false, None),
            Err(failure) => (false, Some(failure.to_string())),
        };
        if has_key || problem.is_some() {
            rows.push(Row { provider, place, is_used: has_key && is_used, problem });
            // What cannot be looked into stops the search.
            is_used = false;
        }
    }
    Ok(rows)
}

impl Row<'_> {
    fn value(&self) -> Value {
        let Self { provider, place, is_used, problem } = self;
        json!({
            "provider": provider, "place": place.kind(), "at": place.at(), "used": is_used,
            "problem": problem,
        })
    }

    fn line(&self) -> String {
        let Self { provider, place, is_used, problem } = self;
        match problem {
            Some(problem) => format!("{provider}  {place}: {}", output::one_line(problem)),
            None if *is_used => format!("{provider}  {place}"),
            None => format!("{provider}  {place}, which is not used: another comes first"),
        }
    }
}

/// The name is not repeated: it may be a key that was given in its place.
fn unknown(config: &Config, name: &str) -> Failure {
    let names = provider::names(config);
    let failure = Failure::new(Code::Provider, "there is no provider of that name");
    if let Some(near) = nearest(name, names.iter().copied()) {
        return failure.with_hint(format!("did you mean `{near}`?"));
    }
    let names: Vec<&str> = names.into_iter().collect();
    failure.with_hint(format!("there are {}", names.join(", ")))
}
