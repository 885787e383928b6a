//! `branchwork export`: a whole session, or the messages of a branch.

use std::{
    io::{self, BufWriter, Write, stdout},
    path::Path,
};

use branchwork::table::{Format as Table, NewFile};
use serde_json::json;

use crate::{
    args::{ExportArgs, Format},
    exit::{Code, Failure},
    output,
    place::{self, Place},
    world::World,
};

pub(super) async fn run(world: &World, args: ExportArgs) -> Result<(), Failure> {
    let place = place::branch(world.existing_engine()?, Some(&args.place)).await?;
    let format = match args.format {
        Some(Format::Archive) | None => None,
        Some(Format::Csv) => Some(Table::Csv),
        Some(Format::Json) => Some(Table::Json),
        Some(Format::Jsonl) => Some(Table::JsonLines),
    };
    if format.is_none() && args.place.contains('@') {
        return Err(Failure::usage("an archive is of a whole session, and a branch is named")
            .with_hint("name the session, or give --format csv, json or jsonl"));
    }
    if args.output == Path::new("-") {
        let mut out = BufWriter::new(stdout());
        write(&place, format, &mut out).await?;
        return Ok(out.flush()?);
    }
    let cannot = |error| cannot_write(&args.output, &error);
    let mut file = NewFile::create(&args.output).map_err(cannot)?;
    write(&place, format, &mut file).await?;
    file.publish().map_err(cannot)?;
    if world.global.json {
        let session = place.session.id().to_string();
        output::json(&json!({ "session": session, "file": args.output.display().to_string() }))?;
    }
    Ok(())
}

/// Writes the branch in `format`, or the whole session.
async fn write(
    place: &Place,
    format: Option<Table>,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let Some(format) = format else {
        place.session.export(out).await?;
        return Ok(());
    };
    let rows = place.branch.rows().await?;
    Ok(format.write(rows, out).map_err(branchwork::Error::from)?)
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
