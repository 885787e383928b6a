//! A file that must not exist yet, and is there whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use branchwork_core::clock::Timestamp;

use super::{Format, Tabular};
use crate::time;

/// Where an export goes.
#[derive(Debug, Clone)]
#[must_use]
pub struct Destination {
    folder: PathBuf,
    name: String,
    stamp: Option<(Timestamp, Side)>,
    folder_is_new: bool,
}

#[derive(Debug, Clone, Copy)]
enum Side {
    Before,
    After,
}

impl Destination {
    /// The file `name` in `folder`, which is made when it is not there.
    pub fn new(folder: impl Into<PathBuf>, name: impl Into<String>) -> Self {
        Self { folder: folder.into(), name: name.into(), stamp: None, folder_is_new: false }
    }

    /// Puts a time behind the name, before its ending: `messages_20261126101503.csv`.
    pub const fn with_timestamp(mut self, at: Timestamp) -> Self {
        self.stamp = Some((at, Side::After));
        self
    }

    /// Puts a time before the name: `20261126101503_messages.csv`.
    pub const fn with_time_prefix(mut self, at: Timestamp) -> Self {
        self.stamp = Some((at, Side::Before));
        self
    }

    /// Refuses a folder that is there.
    pub const fn with_new_folder(mut self) -> Self {
        self.folder_is_new = true;
        self
    }

    /// Where the file will be.
    pub fn path(&self) -> PathBuf {
        let (stem, ending) = match self.name.rsplit_once('.') {
            Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
            _ => (self.name.as_str(), String::new()),
        };
        let name = match self.stamp {
            None => self.name.clone(),
            Some((at, Side::Before)) => format!("{}_{}", time::compact(at), self.name),
            Some((at, Side::After)) => format!("{stem}_{}{ending}", time::compact(at)),
        };
        self.folder.join(name)
    }

    /// Where the file of the branch that is called `stem` will be.
    pub(super) fn path_of(&self, stem: &str) -> PathBuf {
        Self { name: format!("{stem}_{}", self.name), ..self.clone() }.path()
    }

    /// Makes the folder, as it was said.
    pub(super) fn make_folder(&self) -> io::Result<()> {
        if self.folder_is_new {
            fs::create_dir(&self.folder)
        } else {
            fs::create_dir_all(&self.folder)
        }
    }

    /// Writes the table of `rows` and answers its path. It appears when it is whole and synced.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write).
    pub fn write_rows<R: Tabular>(
        &self,
        format: Format,
        rows: impl IntoIterator<Item = R>,
    ) -> io::Result<PathBuf> {
        self.write(|out| format.write(rows, out).map_err(io::Error::other))
    }

    /// Writes the file by `write` and answers its path. It appears when it is whole and synced.
    ///
    /// # Errors
    ///
    /// What the file system or `write` said. Nothing is there then, and a file that was there stays
    /// as it was: that is an error of the kind [`io::ErrorKind::AlreadyExists`].
    pub fn write(
        &self,
        write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
    ) -> io::Result<PathBuf> {
        self.make_folder()?;
        let path = self.path();
        let mut file = NewFile::create(&path)?;
        write(&mut file)?;
        file.publish()?;
        Ok(path)
    }
}

/// A new file, which appears under its name when it is whole: when it is [published](Self::publish).
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    partial: PathBuf,
    out: BufWriter<File>,
}

impl NewFile {
    /// Begins the file `path`, beside its place.
    ///
    /// # Errors
    ///
    /// Of the kind [`io::ErrorKind::AlreadyExists`] when something is there; else what the file
    /// system said.
    pub fn create(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        if fs::symlink_metadata(&path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
        let partial = path.with_file_name(format!(".{name}.partial-{}", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&partial)?;
        Ok(Self { path, partial, out: BufWriter::new(file) })
    }

    /// Syncs the file and gives it its name, unless something has that name by now.
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create); nothing is there then.
    pub fn publish(mut self) -> io::Result<()> {
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        // Unlike a rename, a link never takes the place of a file.
        fs::hard_link(&self.partial, &self.path)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // It has its name by now, or it is of no use.
        drop(fs::remove_file(&self.partial));
    }
}
