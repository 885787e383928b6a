//! What a run begins with: the fixtures of other tests, and a few inputs of each target.

use std::{
    collections::BTreeSet,
    env, fs, io,
    path::{Path, PathBuf},
    process,
};

use crate::Target;

/// The variable that says where seeds are to be written.
const FOLDER: &str = "BRANCHWORK_FUZZ_SEEDS";

/// Bytes of the longest word of a dictionary.
const WORD_MAX: usize = 40;

/// Writes the seeds of a target, and the words in them, into the folder that the environment names, and ends
/// the program. Without one it does nothing.
pub fn write_if_asked<T: Target>() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    match write(&T::seeds(), &folder) {
        Ok(()) => process::exit(0),
        Err(error) => {
            eprintln!("{} cannot be written: {error}", folder.display());
            process::exit(1);
        }
    }
}

fn write(seeds: &[Vec<u8>], folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("seed-{number:03}")), seed)?;
    }
    fs::write(folder.with_extension("dict"), dictionary(seeds))
}

/// The names and short texts of JSON in `seeds`, as libFuzzer reads them.
fn dictionary(seeds: &[Vec<u8>]) -> String {
    let mut words = BTreeSet::new();
    for seed in seeds {
        let quoted = seed.split(|byte| *byte == b'"').skip(1).step_by(2);
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-: ".contains(byte);
        let is_word =
            |word: &&[u8]| !word.is_empty() && word.len() <= WORD_MAX && word.iter().all(is_plain);
        words.extend(quoted.filter(is_word).map(|word| String::from_utf8_lossy(word).into_owned()));
    }
    // A file of no words is refused: a remark is enough.
    let lines = words.iter().map(|word| format!("\"\\\"{word}\\\"\"\n"));
    ["# words\n".to_owned()].into_iter().chain(lines).collect()
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")
}

/// The recorded answers in those folders of the fixtures of the providers.
pub(crate) fn recorded(folders: &[&str]) -> Vec<Vec<u8>> {
    let fixtures = crates().join("providers/tests/fixtures");
    folders
        .iter()
        .flat_map(|folder| files(&fixtures.join(folder), &["sse", "ndjson", "json"]))
        .collect()
}

/// The golden files of the codec.
pub(crate) fn golden() -> Vec<Vec<u8>> {
    files(&crates().join("core/tests/golden/v1"), &["jsonl"])
}

/// Tables that LionAGI wrote.
pub(crate) fn tables() -> Vec<Vec<u8>> {
    let fixtures = crates().join("engine/tests/fixtures/lionagi");
    let folders = fs::read_dir(fixtures).into_iter().flatten().flatten().map(|entry| entry.path());
    folders.flat_map(|folder| files(&folder, &["csv", "json", "jsonl"])).collect()
}

/// The files of a folder whose names end so, by name.
fn files(folder: &Path, endings: &[&str]) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let ends = |path: &PathBuf| {
        path.extension()
            .and_then(|ending| ending.to_str())
            .is_some_and(|ending| endings.contains(&ending))
    };
    let mut paths: Vec<_> = entries.filter(ends).collect();
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}
