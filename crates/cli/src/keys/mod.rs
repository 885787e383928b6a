//! Keys of providers: where they are looked for, and where they are kept.
//!
//! A key is looked for in the environment, in the file that the configuration names for its provider, in
//! `keys.toml`, and in the keyring of the system: the first one is sent. Here it is read into a
//! [`Secret`](branchwork::providers::Secret), and nothing shows it from there on.

mod file;
mod input;
pub(crate) mod keyring;
mod place;
mod private;
mod prompt;

pub(crate) use self::{
    file::{KeysFile, file},
    input::read,
    place::{Found, Place, find, missing, places},
};
