//! A recorder that writes a file.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Exchange, Recorder,
    line::{Head, Line, MARK, VERSION},
};

/// Bytes of a recording: what would make it longer is left out.
pub(super) const RECORDING_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Bytes of the first line at most.
const HEAD_BYTES_MAX: u64 = 200;

/// Writes exchanges into a file of JSON Lines that only its owner can read, one line each, as they end.
///
/// Keys are taken out; what was said is in it, as it was. Writing blocks for as long as the system takes the
/// line.
#[derive(Debug)]
pub struct FileRecorder {
    // A std mutex: held for one write.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    bytes: u64,
    left_out: u64,
    failure: Option<io::Error>,
}

impl FileRecorder {
    /// Makes the file, or goes on behind what was recorded into it.
    ///
    /// # Errors
    ///
    /// What the system says; [`io::ErrorKind::InvalidData`] when the file is there and is no recording.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        let mut bytes = file.seek(SeekFrom::End(0))?;
        if bytes == 0 {
            let head = Head { recording: MARK.to_owned(), version: VERSION };
            let mut line = serde_json::to_vec(&head)?;
            line.push(b'\n');
            file.write_all(&line)?;
            bytes = line.len() as u64;
        } else {
            check_head(&mut file)?;
        }
        let state = State { file, bytes, left_out: 0, failure: None };
        Ok(Self { state: Mutex::new(state) })
    }

    /// Writes an exchange.
    ///
    /// # Errors
    ///
    /// What the system says; [`io::ErrorKind::FileTooLarge`] when it would make the recording longer than
    /// 512 MiB. Nothing of it is in the file then, unless the system took a part of it.
    pub fn write(&self, exchange: Exchange) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Line::from(exchange))?;
        line.push(b'\n');
        let mut state = self.state();
        let bytes = state.bytes.saturating_add(line.len() as u64);
        if bytes > RECORDING_BYTES_MAX {
            state.left_out += 1;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        // In one piece, so that another process that appends does not write into it.
        state.file.write_all(&line)?;
        state.bytes = bytes;
        Ok(())
    }

    /// How many exchanges were left out, as the recording would have become too long.
    pub fn left_out(&self) -> u64 {
        self.state().left_out
    }

    /// What went wrong first; once.
    pub fn take_failure(&self) -> Option<io::Error> {
        self.state().failure.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder for FileRecorder {
    fn record(&self, exchange: Exchange) {
        if let Err(error) = self.write(exchange) {
            self.state().failure.get_or_insert(error);
        }
    }
}

/// Checks that a file is a recording of this version.
fn check_head(file: &mut File) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    io::Read::take(file, HEAD_BYTES_MAX).read_to_end(&mut head)?;
    let first = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let head = serde_json::from_slice::<Head>(first).ok();
    let is_ours = head.is_some_and(|head| head.recording == MARK && head.version == VERSION);
    if is_ours {
        return Ok(());
    }
    let problem = "the file is there, and is no recording of what goes over the wire";
    Err(io::Error::new(io::ErrorKind::InvalidData, problem))
}
