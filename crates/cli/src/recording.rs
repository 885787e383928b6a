//! `--record`: what goes over the wire is kept in a file.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use branchwork::providers::{Exchange, FileRecorder, HttpOptions, Recorder};

use crate::{
    exit::{Code, Failure},
    output,
};

/// Writes what it is told of into a file. What cannot be written is told once, and the call goes on.
#[derive(Debug)]
struct Noting {
    file: FileRecorder,
    path: PathBuf,
    has_failed: AtomicBool,
}

impl Recorder for Noting {
    fn record(&self, exchange: Exchange) {
        if let Err(error) = self.file.write(exchange)
            && !self.has_failed.swap(true, Ordering::Relaxed)
        {
            output::complain(&format!("{} lacks an exchange: {error}", self.path.display()));
        }
    }
}

/// `options` of a provider whose exchanges are recorded into `path`, when one is given.
pub(crate) fn recorded(options: HttpOptions, path: Option<&Path>) -> Result<HttpOptions, Failure> {
    let Some(path) = path else { return Ok(options) };
    let file = FileRecorder::open(path).map_err(|error| {
        let message = format!("{} cannot be recorded into: {error}", path.display());
        match error.kind() {
            ErrorKind::InvalidData => Failure::new(Code::Conflict, message)
                .with_hint("name a file that is not there, or a recording to go on with"),
            _ => Failure::new(Code::Failure, message),
        }
    })?;
    let (path, has_failed) = (path.to_owned(), AtomicBool::new(false));
    Ok(options.with_recorder(Arc::new(Noting { file, path, has_failed })))
}
