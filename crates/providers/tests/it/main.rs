//! The provider against a real HTTP server on loopback.

#[cfg(test)]
mod calls;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod legality;
#[cfg(test)]
mod responses;
#[cfg(test)]
mod server;
