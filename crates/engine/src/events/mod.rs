//! What happens on a branch, numbered, for readers that come late and come back.
//!
//! - [`Event`] is one thing that happened; [`Branch::events`](crate::Branch::events) reads those that are
//!   durable, [`Branch::follow`](crate::Branch::follow) goes on with what comes, whatever flow makes it.
//! - The number of a durable event is the revision of the branch: the head moved for the *n*th time. So
//!   nothing is stored for it, and it is the same in every process, after every crash.
//! - Pieces of an answer that is being made are live: they carry the number before the answer's, and a
//!   reader that comes back with it hears them again from their beginning, or the whole answer.

mod event;
mod feed;
mod follow;
mod log;

pub(crate) use self::feed::Feed;
pub use self::{
    event::{Event, EventKind},
    follow::Follow,
};
