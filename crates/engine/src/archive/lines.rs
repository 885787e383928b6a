//! The lines of an archive, one at a time.

use std::io::BufRead;

use branchwork_core::codec;

use super::{
    ArchiveError,
    line::{Line, MARK, VERSION},
};
use crate::error::Result;

/// The lines of an archive.
pub(super) struct Lines<'a> {
    archive: &'a mut (dyn BufRead + Send),
    /// The line that was read last.
    pub(super) text: String,
    /// Its number, from 1.
    pub(super) number: u64,
    /// How many of those were not empty.
    pub(super) count: u64,
}

impl<'a> Lines<'a> {
    /// Nothing of `archive` is read yet.
    pub(super) const fn of(archive: &'a mut (dyn BufRead + Send)) -> Self {
        Self { archive, text: String::new(), number: 0, count: 0 }
    }

    /// Reads the next line that is not empty; answers whether there is one.
    pub(super) fn next(&mut self) -> Result<bool> {
        loop {
            self.text.clear();
            self.number += 1;
            let length = self.archive.read_line(&mut self.text).map_err(ArchiveError::reading)?;
            if length == 0 {
                return Ok(false);
            }
            if !self.text.trim().is_empty() {
                self.count += 1;
                return Ok(true);
            }
        }
    }

    /// Reads the first line; answers the version of the codec.
    pub(super) fn mark(&mut self) -> Result<u32> {
        let unknown = |problem: String| ArchiveError::Unknown { problem };
        if !self.next()? {
            return Err(unknown("is empty".to_owned()).into());
        }
        match serde_json::from_str(&self.text) {
            Ok(Line::Archive { of, version: VERSION, codec }) if of == MARK => {
                if codec > codec::VERSION {
                    return Err(unknown(format!("holds ops of the newer version {codec}")).into());
                }
                Ok(codec)
            }
            Ok(Line::Archive { of, version, .. }) if of == MARK => {
                Err(unknown(format!("is of version {version}, and {VERSION} is known")).into())
            }
            _ => Err(unknown("is no archive of branchwork".to_owned()).into()),
        }
    }
}
