//! The reference in `docs/` is what the program says of itself.

use std::path::Path;

use crate::support::{Home, text_of};

#[test]
fn the_reference_is_up_to_date() {
    let ran = Home::new().run(&["__reference"]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/cli.md");
    assert!(
        text_of(&path) == ran.out,
        "docs/reference/cli.md is not what the program says: \
         cargo run -q -p branchwork-cli -- __reference > docs/reference/cli.md"
    );
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = Home::new().run(&["completions", shell]);
        assert!(ran.code == 0 && ran.out.contains("branchwork"), "{shell}");
    }
}
