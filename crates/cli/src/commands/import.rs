//! `branchwork import`: an archive, or a table of messages.

use std::{
    fs::File,
    io::{BufRead, BufReader, Cursor, Read as _},
    path::Path,
};

use branchwork::{
    archive::{ImportOptions, Skipped},
    core::store::SessionRecord,
    table::{Format as Table, TableOptions},
};
use serde_json::json;

use super::table_format;
use crate::{
    args::{Format, ImportArgs},
    exit::{Code, Failure},
    output,
    world::World,
};

/// What an import made.
struct Made {
    session: SessionRecord,
    branches: u64,
    messages: u64,
    skipped: Vec<Skipped>,
}

pub(super) async fn run(world: &World, args: ImportArgs) -> Result<(), Failure> {
    let mut input = open(&args.file)?;
    let format = match args.format {
        Some(format) => format,
        None => guess(&args.file, &mut input)?,
    };
    let made = match format {
        Format::Archive => archive(world, &args, &mut *input).await?,
        Format::Markdown => {
            return Err(Failure::usage("Markdown is for people: it is not read back")
                .with_hint("import what `export --format archive` or a table wrote"));
        }
        format => table(world, &args, table_format(format)?, &mut *input).await?,
    };
    report(world, &made)
}

fn open(path: &Path) -> Result<Box<dyn BufRead + Send>, Failure> {
    if path == Path::new("-") {
        let mut text = Vec::new();
        std::io::stdin().lock().read_to_end(&mut text)?;
        return Ok(Box::new(Cursor::new(text)));
    }
    let cannot = |error: std::io::Error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => Code::NotFound,
            _ => Code::Failure,
        };
        Failure::new(code, format!("{} cannot be read: {error}", path.display()))
    };
    let file = File::open(path).map_err(cannot)?;
    if file.metadata().map_err(cannot)?.is_dir() {
        return Err(Failure::usage(format!("{} is a folder", path.display())));
    }
    Ok(Box::new(BufReader::with_capacity(256 * 1024, file)))
}

/// The format by the ending of the name, and by how the file begins.
fn guess(path: &Path, input: &mut Box<dyn BufRead + Send>) -> Result<Format, Failure> {
    let beginning = input.fill_buf()?;
    if beginning.starts_with(b"{\"archive\"") {
        return Ok(Format::Archive);
    }
    if beginning.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match (ending.to_ascii_lowercase().as_str(), beginning.first()) {
        ("csv", _) => Ok(Format::Csv),
        (_, Some(b'[')) => Ok(Format::Json),
        (_, Some(b'{')) => Ok(Format::Jsonl),
        _ => Err(Failure::usage(format!("it is not clear what {} is", path.display()))
            .with_hint("say it: --format archive, csv, json or jsonl")),
    }
}

async fn archive(
    world: &World,
    args: &ImportArgs,
    input: &mut (dyn BufRead + Send),
) -> Result<Made, Failure> {
    let options = ImportOptions::new();
    let options = if args.skip_bad { options.with_skip_bad() } else { options };
    let options = match &args.session {
        Some(name) => options.with_name(name),
        None => options,
    };
    let engine = world.engine()?;
    let imported = engine.import(input, &options).await?;
    let session = engine.open_session(&imported.session.to_string()).await?.record().await?;
    let (branches, messages) = (imported.branches, imported.messages);
    Ok(Made { session, branches, messages, skipped: imported.skipped })
}

async fn table(
    world: &World,
    args: &ImportArgs,
    format: Table,
    input: &mut (dyn BufRead + Send),
) -> Result<Made, Failure> {
    let options = TableOptions::new();
    let options = if args.skip_bad { options.with_skip_bad() } else { options };
    let engine = world.engine()?;
    let builder = match &args.session {
        Some(name) => engine.session(name),
        None => engine.unnamed_session(),
    };
    let session = builder.create().await?;
    match session.default_branch().import_table(format, input, &options).await {
        Ok(imported) => {
            let session = session.record().await?;
            let (messages, skipped) = (imported.messages, imported.skipped);
            Ok(Made { session, branches: 1, messages, skipped })
        }
        Err(error) => {
            // What cannot be read leaves no session behind.
            session.delete().await?;
            Err(error.into())
        }
    }
}

fn report(world: &World, made: &Made) -> Result<(), Failure> {
    let name = made.session.name.clone().unwrap_or_else(|| made.session.id.to_string());
    let skipped = made
        .skipped
        .iter()
        .map(|Skipped { line, problem }| json!({ "line": line, "problem": problem }));
    if world.global.json {
        return Ok(output::json(&json!({
            "sessions": [{ "id": made.session.id.to_string(), "name": made.session.name }],
            "branches": made.branches,
            "messages": made.messages,
            "skipped": skipped.collect::<Vec<_>>(),
        }))?);
    }
    for Skipped { line, problem } in &made.skipped {
        world.note(&format!("left out: line {line} {}", output::one_line(problem)));
    }
    let (branches, messages) = (made.branches, made.messages);
    Ok(output::line(&format!("{name}: {branches} branches, {messages} messages"))?)
}
