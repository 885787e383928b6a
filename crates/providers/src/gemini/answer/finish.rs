//! Why answers end.

use branchwork_core::provider::Finish;

/// What the end of an answer means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    Finished(Finish),
    /// The model wrote what nobody can use; asked again, it may do better.
    Garbled,
    /// The request has a fault that stays.
    Refused,
}

/// What `reason` means.
pub(super) fn end_of(reason: &str) -> End {
    End::Finished(match reason {
        "STOP" => Finish::Stop,
        "MAX_TOKENS" | "CONTINUATION" => Finish::Length,
        // What gateways say where Gemini says `STOP`.
        "FUNCTION_CALL" => Finish::ToolCalls,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "MODEL_ARMOR"
        | "ESCALATION"
        | "PUP_LIMITED_DISABLED" => Finish::ContentFilter,
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "MALFORMED_RESPONSE" => {
            return End::Garbled;
        }
        "MISSING_THOUGHT_SIGNATURE" => return End::Refused,
        other => Finish::Other(other.to_owned()),
    })
}
