//! `branchwork export`: a whole session, messages, or the call log.

use std::{
    io::{self, BufWriter, Write, stdout},
    path::Path,
};

use branchwork::{
    BaseBranch as _,
    table::{Destination, Format as Table, NewFile},
};
use serde_json::json;

use super::table_format;
use crate::{
    args::{ExportArgs, Format},
    exit::{Code, Failure},
    output,
    place::{self, Place},
    world::World,
};

/// What helps when a form does not fit.
const TABLES: &str = "give --format csv, json or jsonl";

/// What is written.
enum What {
    Archive,
    Messages(Table),
    Calls(Table),
    Transcript,
}

pub(super) async fn run(world: &World, args: ExportArgs) -> Result<(), Failure> {
    let place = place::branch(world.existing_engine()?, Some(&args.place)).await?;
    let what = what(&args)?;
    if args.all_branches {
        return every_branch(world, &place, &what, &args).await;
    }
    if args.output == Path::new("-") {
        let mut out = BufWriter::new(stdout());
        write(&place, &what, &mut out).await?;
        return Ok(out.flush()?);
    }
    let cannot = |error| cannot_write(&args.output, &error);
    let mut file = NewFile::create(&args.output).map_err(cannot)?;
    write(&place, &what, &mut file).await?;
    file.publish().map_err(cannot)?;
    if world.global.json {
        let session = place.session.id().to_string();
        output::json(&json!({ "session": session, "file": args.output.display().to_string() }))?;
    }
    Ok(())
}

/// What is asked for; a failure when it cannot be had so.
fn what(args: &ExportArgs) -> Result<What, Failure> {
    let format = args.format.unwrap_or(Format::Archive);
    let whole = |what: &str| {
        Failure::usage(format!("{what} is of a whole session, and a branch is named"))
            .with_hint("name the session, or give --format csv, json or jsonl")
    };
    let is_branch = args.place.contains('@');
    match format {
        Format::Archive | Format::Markdown if args.calls => {
            Err(Failure::usage("the call log is a table").with_hint(TABLES))
        }
        Format::Archive if args.all_branches => {
            Err(Failure::usage("an archive is of all branches, in one file")
                .with_hint("leave --all-branches out, or give --format csv, json or jsonl"))
        }
        _ if args.calls && is_branch => Err(whole("the call log")),
        _ if args.all_branches && is_branch => Err(whole("--all-branches")),
        Format::Archive if is_branch => Err(whole("an archive")),
        Format::Archive => Ok(What::Archive),
        Format::Markdown => Ok(What::Transcript),
        format if args.calls => Ok(What::Calls(table_format(format)?)),
        format => Ok(What::Messages(table_format(format)?)),
    }
}

async fn write(place: &Place, what: &What, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    match what {
        What::Archive => drop(place.session.export(out).await?),
        What::Transcript => out.write_all(place.branch.markdown().await?.as_bytes())?,
        What::Messages(format) => {
            let rows = place.branch.rows().await?;
            format.write(rows, out).map_err(branchwork::Error::from)?;
        }
        What::Calls(format) => {
            let rows = place.session.call_rows().await?;
            format.write(rows, out).map_err(branchwork::Error::from)?;
        }
    }
    Ok(())
}

/// Writes every branch to a file of its own: `main_messages.csv`.
async fn every_branch(
    world: &World,
    place: &Place,
    what: &What,
    args: &ExportArgs,
) -> Result<(), Failure> {
    let What::Messages(format) = what else {
        return Err(Failure::usage("--all-branches writes tables").with_hint(TABLES));
    };
    if args.output == Path::new("-") {
        return Err(
            Failure::usage("--all-branches writes files").with_hint("name a folder: -o FOLDER")
        );
    }
    let to = Destination::new(&args.output, format!("messages.{}", format.ending()));
    let files = place.session.export_tables(*format, &to, |_| true).await?;
    let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    if world.global.json {
        let session = place.session.id().to_string();
        return Ok(output::json(&json!({ "session": session, "files": files }))?);
    }
    Ok(files.iter().try_for_each(|file| output::line(file))?)
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::new(Code::Conflict, format!("{path} exists already"))
                .with_hint("it is not overwritten")
        }
        _ => Failure::new(Code::Failure, format!("{path} cannot be written: {error}")),
    }
}
