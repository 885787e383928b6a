//! What went wrong, told by what the caller can do about it.

mod fault;
mod reporter;
#[cfg(test)]
mod tests;

pub(crate) use self::reporter::Reporter;
