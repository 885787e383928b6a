//! Reading: a few threads, each with a connection that cannot write.

mod pool;

pub(crate) use self::pool::Readers;
