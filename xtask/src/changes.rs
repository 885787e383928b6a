//! The form of the fragments of the changelog.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The kinds of changes.
const KINDS: [&str; 4] = ["Added: ", "Changed: ", "Breaking: ", "Fixed: "];

/// What the changelog says as long as nothing was released.
const NOTHING_RELEASED: &str = "No version has been released yet.";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What is wrong with the text of a fragment.
fn problem(text: &str, is_released: bool) -> Option<String> {
    let paragraphs = text.trim_end().split("\n\n");
    let kind = |paragraph: &&str| KINDS.iter().find(|kind| paragraph.starts_with(**kind));
    if let Some(other) = paragraphs.clone().find(|paragraph| kind(paragraph).is_none()) {
        return Some(format!("a paragraph begins with none of {KINDS:?}: {other}"));
    }
    let breaks = |paragraph: &str| paragraph.starts_with("Breaking");
    let is_early = !is_released && paragraphs.clone().any(breaks);
    is_early.then(|| "nothing was released that could break".to_owned())
}

#[test]
fn fragments_of_the_changelog_have_one_form() {
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let is_released = !changelog.contains(NOTHING_RELEASED);
    let mut problems = Vec::new();
    for entry in fs::read_dir(root().join("changes/unreleased")).unwrap() {
        let path = entry.unwrap().path();
        let found = problem(&fs::read_to_string(&path).unwrap(), is_released);
        problems.extend(found.map(|found| format!("{}: {found}", path.display())));
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn other_forms_are_named() {
    assert_eq!(problem("Added: one.\n\nFixed: two,\nand more.\n", false), None);
    assert_eq!(problem("Breaking: one.\n", true), None);
    assert!(problem("Breaking: one.\n", false).is_some());
    for text in ["- **added:** one.\n", "Added: one.\n\n\nAdded: two.\n", "added: one.\n", ""] {
        assert!(problem(text, true).is_some(), "{text}");
    }
}
