//! Spans and metrics, exported to a collector on loopback that reads what was sent.

#[cfg(test)]
mod collector;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod spans;
