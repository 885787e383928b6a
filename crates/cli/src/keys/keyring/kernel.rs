//! The keyring of the Linux kernel: that of the user, which all processes of one person share.
//!
//! No file holds what is in it. A key is gone when the machine starts anew.

use branchwork::providers::Secret;
use linux_keyutils::{Key, KeyError, KeyRing, KeyRingIdentifier};

use crate::{
    exit::{Code, Failure},
    keys::input,
};

/// Whether there is one to look into.
pub(crate) const IS_BUILT: bool = true;

/// What the names of our keys begin with, among those of other programs.
const PREFIX: &str = "branchwork:";

/// The key of a provider.
pub(crate) fn get(provider: &str) -> Result<Option<Secret>, Failure> {
    let Some(key) = find(provider)? else { return Ok(None) };
    let bytes = key.read_to_vec().map_err(unusable)?;
    input::checked(&String::from_utf8_lossy(&bytes)).map(Some)
}

/// Keeps the key of a provider, in place of an earlier one.
pub(crate) fn set(provider: &str, key: &Secret) -> Result<(), Failure> {
    let added = ring().and_then(|ring| ring.add_key(&name(provider), key.reveal()));
    added.map(drop).map_err(unusable)
}

/// Takes the key of a provider away; answers whether there was one.
pub(crate) fn delete(provider: &str) -> Result<bool, Failure> {
    let Some(key) = find(provider)? else { return Ok(false) };
    key.invalidate().map_err(unusable)?;
    Ok(true)
}

fn find(provider: &str) -> Result<Option<Key>, Failure> {
    match ring().and_then(|ring| ring.search(&name(provider))) {
        Ok(key) => Ok(Some(key)),
        Err(KeyError::KeyDoesNotExist | KeyError::KeyRevoked | KeyError::KeyExpired) => Ok(None),
        Err(error) => Err(unusable(error)),
    }
}

/// The keyring of the user. It is linked to that of this process: not every session leads to it, and what no
/// keyring of a process leads to cannot be read.
fn ring() -> Result<KeyRing, KeyError> {
    let user = KeyRing::from_special_id(KeyRingIdentifier::User, true)?;
    KeyRing::from_special_id(KeyRingIdentifier::Process, true)?.link_keyring(user)?;
    Ok(user)
}

fn name(provider: &str) -> String {
    format!("{PREFIX}{provider}")
}

/// Not every container has a keyring.
fn unusable(error: KeyError) -> Failure {
    Failure::new(Code::Failure, format!("the keyring cannot be used: {error}"))
        .with_hint("without `--keyring` a key is kept in a file that nobody else can read")
}
