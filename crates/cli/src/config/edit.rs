//! Reading and writing single settings.

use std::{fs, io::Write as _, path::Path};

use toml_edit::{DocumentMut, Item, Table, TomlError, Value};

use super::{BUDGET, CALLS, Config, SETTINGS, bad, file, problem};
use crate::{exit::Failure, paths};

/// The parts of a setting's name, when there is such a setting.
fn parts(key: &str) -> Result<Vec<&str>, Failure> {
    let parts: Vec<_> = key.split('.').collect();
    let known = match parts.as_slice() {
        ["model"] => true,
        ["aliases", name]
        | ["providers", name, "base_url" | "protocol" | "key_env" | "key_file"]
        | ["mcp-servers", name, "command" | "url"] => !name.is_empty(),
        ["providers", name, key] => !name.is_empty() && is_in(&CALLS, key),
        ["budget", key] => is_in(&BUDGET, key),
        _ => false,
    };
    if known {
        return Ok(parts);
    }
    let names = SETTINGS.iter().map(|(name, _)| (*name).to_owned());
    let calls = CALLS.iter().map(|(name, _)| format!("providers.NAME.{name}"));
    let budget = BUDGET.iter().map(|(name, _)| format!("budget.{name}"));
    let names: Vec<_> = names.chain(calls).chain(budget).collect();
    Err(Failure::usage(format!("there is no setting `{key}`"))
        .with_hint(format!("there are {}", names.join(", "))))
}

fn is_in(settings: &[(&str, &str)], key: &str) -> bool {
    settings.iter().any(|(name, _)| *name == key)
}

/// What a person writes for a setting: a number, a list or `true` where it is one, else a text.
fn valued(parts: &[&str], text: &str) -> Value {
    let may_be_other = match parts {
        ["providers", _, key] => is_in(&CALLS, key),
        ["budget", ..] => true,
        _ => false,
    };
    let other = text.parse().ok().filter(|_| may_be_other);
    other.unwrap_or_else(|| text.into())
}

/// The setting as the file has it.
pub(crate) fn get(key: &str) -> Result<Option<String>, Failure> {
    let (path, text) = file()?;
    let document: DocumentMut =
        text.parse().map_err(|error: TomlError| bad(&path, &problem(&text, &error)))?;
    let mut item = document.as_item();
    for part in parts(key)? {
        match item.get(part) {
            Some(inner) => item = inner,
            None => return Ok(None),
        }
    }
    let other = || Some(item.as_value()?.clone().decorated("", "").to_string());
    Ok(item.as_str().map(str::to_owned).or_else(other))
}

/// Writes a setting. What else the file holds stays, its comments too.
pub(crate) fn set(key: &str, text: &str) -> Result<(), Failure> {
    let (path, before) = file()?;
    let mut document: DocumentMut =
        before.parse().map_err(|error: TomlError| bad(&path, &problem(&before, &error)))?;
    let parts = parts(key)?;
    let (last, tables) = parts.split_last().ok_or_else(|| Failure::usage("no setting is named"))?;
    let mut table = document.as_table_mut();
    for name in tables {
        let item = table.entry(name).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        table = item.as_table_mut().ok_or_else(|| bad(&path, &format!("`{name}` is no table")))?;
    }
    table.insert(last, Item::Value(valued(&parts, text)));
    let after = document.to_string();
    Config::parse(&after).map_err(|problem| bad(&path, &problem))?;
    write(&path, &after)
}

/// Replaces the file as a whole or not at all.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    paths::make_folder_of(path)?;
    let new = path.with_extension("toml.new");
    let mut file = fs::File::create(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    Ok(())
}
