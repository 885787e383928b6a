//! The provider against a real HTTP server on loopback, and against some of another make.

#[cfg(test)]
mod aimock;
#[cfg(test)]
mod anthropic;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod gemini;
#[cfg(test)]
mod legality;
#[cfg(test)]
mod listener;
#[cfg(test)]
mod ollama;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod recording;
#[cfg(test)]
mod responses;
#[cfg(test)]
mod server;
#[cfg(test)]
mod telemetry;
