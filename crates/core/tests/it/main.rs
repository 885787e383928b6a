//! Tests of the core through its public face.

mod codec;
mod turn_groups;
mod view;
