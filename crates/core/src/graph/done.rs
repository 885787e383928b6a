//! What named steps of flows gave.

use serde_json::Value;

use crate::{
    limits,
    message::{DraftError, check_name, depth_within},
};

/// What a named step of a flow gave. It is there once, so that the step does not run again.
#[derive(Debug, Clone, PartialEq)]
pub struct StepResult {
    /// The flow.
    pub flow: String,
    /// The step.
    pub step: String,
    /// What it gave.
    pub value: Value,
}

impl StepResult {
    /// Checks names and size.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with what would be right.
    pub fn check(&self) -> Result<(), DraftError> {
        for (what, name) in [("the flow", &self.flow), ("the step", &self.step)] {
            check_name(name).map_err(|problem| DraftError::BadName { what, problem })?;
        }
        if !depth_within(&self.value, limits::JSON_DEPTH_MAX) {
            return Err(DraftError::TooDeep { max: limits::JSON_DEPTH_MAX });
        }
        let (bytes, max) = (self.value.to_string().len(), limits::STEP_RESULT_BYTES_MAX);
        if bytes > max { Err(DraftError::ResultTooLong { bytes, max }) } else { Ok(()) }
    }
}
