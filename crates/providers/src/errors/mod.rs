//! What went wrong, told by what the caller can do about it.

mod fault;
mod reporter;
mod signs;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    reporter::Reporter,
    signs::{is_error, says_error},
};
