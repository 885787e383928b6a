//! Reading and writing single settings.

use std::{fs, io::Write as _, path::Path};

use toml_edit::{DocumentMut, Item, Table, TomlError, value};

use super::{Config, SETTINGS, bad, file, problem};
use crate::{exit::Failure, paths};

/// The parts of a setting's name, when there is such a setting.
fn parts(key: &str) -> Result<Vec<&str>, Failure> {
    let parts: Vec<_> = key.split('.').collect();
    let known = match parts.as_slice() {
        ["model"] => true,
        ["aliases", name]
        | ["providers", name, "base_url" | "key_env" | "key_file"]
        | ["mcp-servers", name, "command" | "url"] => !name.is_empty(),
        _ => false,
    };
    if known {
        return Ok(parts);
    }
    let names: Vec<_> = SETTINGS.iter().map(|(name, _)| *name).collect();
    Err(Failure::usage(format!("there is no setting `{key}`"))
        .with_hint(format!("there are {}", names.join(", "))))
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
    Ok(item.as_str().map(str::to_owned))
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
    table.insert(last, value(text));
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
