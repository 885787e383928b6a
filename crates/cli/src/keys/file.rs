//! `keys.toml`: a line `PROVIDER = "KEY"` for each.

use std::path::{Path, PathBuf};

use branchwork::providers::Secret;
use toml_edit::{Document, DocumentMut, value};

use super::{input, private};
use crate::{config, exit::Failure, paths};

/// What the file begins with when it is made.
const HEAD: &str =
    "# Keys of providers: `branchwork keys set PROVIDER`. For nobody else to read.\n";

/// Where the file is.
pub(crate) fn file() -> Result<PathBuf, Failure> {
    Ok(paths::config_file()?.with_file_name("keys.toml"))
}

/// The file, read and checked. It has no `Debug`: what it was read from shows everything.
pub(crate) struct KeysFile {
    document: DocumentMut,
    is_there: bool,
}

impl KeysFile {
    /// Reads the file; no file is no keys.
    pub(crate) fn read() -> Result<Self, Failure> {
        let path = file()?;
        let Some(text) = private::read(&path)? else {
            return Ok(Self { document: DocumentMut::new(), is_there: false });
        };
        let document = parse(text.reveal()).map_err(|problem| wrong(&path, &problem))?;
        Ok(Self { document, is_there: true })
    }

    /// The key of a provider.
    pub(crate) fn get(&self, provider: &str) -> Option<Secret> {
        self.document.get(provider)?.as_str().map(Secret::new)
    }

    /// Whose keys it holds. A name may be a key that was written in the wrong place.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.document.iter().map(|(name, _)| name)
    }

    /// Whether there is such a file.
    pub(crate) const fn is_there(&self) -> bool {
        self.is_there
    }

    /// Keeps the key of a provider, in place of an earlier one. What else the file holds stays.
    pub(crate) fn set(provider: &str, key: &Secret) -> Result<PathBuf, Failure> {
        let path = file()?;
        let _lock = private::lock(&path)?;
        let mut keys = Self::read()?;
        if let Some(item) = keys.document.get_mut(provider) {
            // The comment behind the key stays.
            let decor = item.as_value().map(|before| before.decor().clone());
            *item = value(key.reveal());
            if let (Some(decor), Some(after)) = (decor, item.as_value_mut()) {
                *after.decor_mut() = decor;
            }
        } else {
            keys.document.insert(provider, value(key.reveal()));
        }
        let head = if keys.is_there { "" } else { HEAD };
        private::replace(&path, &format!("{head}{}", keys.document))?;
        Ok(path)
    }

    /// Takes the key of a provider away; answers whether there was one.
    pub(crate) fn delete(provider: &str) -> Result<bool, Failure> {
        let path = file()?;
        if !Self::read()?.is_there {
            return Ok(false);
        }
        let _lock = private::lock(&path)?;
        let mut keys = Self::read()?;
        let was_there = keys.document.remove(provider).is_some();
        if was_there {
            private::replace(&path, &keys.document.to_string())?;
        }
        Ok(was_there)
    }
}

/// The entries, each a key. What is wrong is told by its line alone: any part of it may be a key.
fn parse(text: &str) -> Result<DocumentMut, String> {
    let document = Document::parse(text).map_err(|error| config::problem(text, &error))?;
    for (name, item) in document.iter() {
        let key = item.as_str().map(input::checked);
        if matches!(key, Some(Ok(_))) {
            continue;
        }
        let span = document.key(name).and_then(toml_edit::Key::span);
        let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        return Err(format!("line {line}: expected `PROVIDER = \"KEY\"`"));
    }
    Ok(document.into_mut())
}

fn wrong(path: &Path, problem: &str) -> Failure {
    Failure::usage(format!("the file of keys {} is wrong: {problem}", path.display())).with_hint(
        "correct it, or take it away and give the keys anew: `branchwork keys set PROVIDER`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_by_its_line_and_shows_no_key() {
        let good = "# ours\nopenai = \"sk-1\" # the old one\n\n'my lab' = 'sk-2'\n";
        assert_eq!(parse(good).unwrap().to_string(), good);
        for (line, text) in [
            (1, "openai = sk-planted"),
            (1, "sk-planted"),
            (2, "a = 'b'\nopenai = \"sk-planted"),
            (2, "a = 'sk-planted'\na = 'sk-planted'"),
            (3, "a = 'b'\n\n[sk-planted]\nc = 'd'"),
            (1, "sk-planted = 1"),
            (1, "openai = ['sk-planted']"),
            (1, "openai = ''"),
            (1, "openai = 'sk planted'"),
            (1, "openai = \"sk\\nplanted\""),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(&format!("line {line}: ")), "{text}: {error}");
            assert!(!error.contains("planted"), "{error}");
        }
    }
}
