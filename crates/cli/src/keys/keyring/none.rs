//! No keyring.

use branchwork::providers::Secret;

use crate::exit::Failure;

/// Whether there is one to look into.
pub(crate) const IS_BUILT: bool = false;

/// The key of a provider: none.
#[expect(clippy::unnecessary_wraps, reason = "as in a program that was built with the keyring")]
pub(crate) fn get(_provider: &str) -> Result<Option<Secret>, Failure> {
    Ok(None)
}

/// Says that there is no keyring.
pub(crate) fn set(_provider: &str, _key: &Secret) -> Result<(), Failure> {
    Err(not_built())
}

/// Says that there is no keyring.
pub(crate) fn delete(_provider: &str) -> Result<bool, Failure> {
    Err(not_built())
}

fn not_built() -> Failure {
    Failure::usage("this program was built without the keyring of the system")
        .with_hint("build it on Linux with `--features keyring`, or leave `--keyring` out")
}
