//! The keyring of the system, where this program was built with it.

#[cfg(all(feature = "keyring", target_os = "linux"))]
mod kernel;
#[cfg(not(all(feature = "keyring", target_os = "linux")))]
mod none;

#[cfg(all(feature = "keyring", target_os = "linux"))]
pub(crate) use self::kernel::{IS_BUILT, delete, get, set};
#[cfg(not(all(feature = "keyring", target_os = "linux")))]
pub(crate) use self::none::{IS_BUILT, delete, get, set};
