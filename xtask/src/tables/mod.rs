//! The documents that say which tests show what: made of data files and of the names of the tests.
//!
//! | module | holds |
//! |---|---|
//! | `document` | the documents, rendered from their sheets |
//! | `sheet` | a data file: rows under titles |
//! | `scenario` | the scenarios that a test is named by |
//! | `suite` | the tests of the workspace, and where they are |

mod document;
mod scenario;
mod sheet;
mod suite;

pub(crate) use self::document::write;
