//! Items of tools that the server ran, and whether they go back.

use std::collections::BTreeSet;

use branchwork_core::message::{Native, Part};
use serde_json::Value;

use super::thought::is_sealed;
use crate::{responses::PROTOCOL, rules::Rule};

/// What the item of an output is called, after the name of its call.
const OUTPUT: &str = "_output";

/// The items of an answer that are paired by a `call_id`: their types, and the identifiers.
#[derive(Debug)]
pub(super) struct Pairs<'a>(BTreeSet<(&'a str, &'a str)>);

impl<'a> Pairs<'a> {
    /// Those among the parts of an answer.
    pub(super) fn among(parts: &'a [Part]) -> Self {
        let blocks = parts.iter().filter_map(|part| match part {
            Part::Native(native) if native.protocol == PROTOCOL => Some(&native.block),
            _ => None,
        });
        let lasting = blocks.filter(|block| !ran_in_container(block));
        Self(lasting.filter_map(|block| Some((kind_of(block)?, call_id_of(block)?))).collect())
    }

    /// Whether `block` lacks the other item of its pair: a call waits for what we do not have, or an output
    /// stands alone.
    fn is_without_other(&self, block: &Value) -> bool {
        let (Some(kind), Some(call_id)) = (kind_of(block), call_id_of(block)) else { return false };
        match kind.strip_suffix(OUTPUT) {
            Some(call) => !self.0.contains(&(call, call_id)),
            None if kind.ends_with("_call") => {
                !self.0.contains(&(&*format!("{kind}{OUTPUT}"), call_id))
            }
            None => false,
        }
    }
}

/// The rule by which `native` does not go back to `model`; `None` when it does.
pub(super) fn ban(native: &Native, pairs: &Pairs<'_>, model: &str) -> Option<Rule> {
    if native.protocol != PROTOCOL {
        return Some(Rule::NativeLeftOut);
    }
    if is_sealed(&native.block) && native.model != model {
        return Some(Rule::NativeOfOtherModelLeftOut);
    }
    if ran_in_container(&native.block) {
        return Some(Rule::ContainerCallLeftOut);
    }
    pairs.is_without_other(&native.block).then_some(Rule::UnpairedNativeLeftOut)
}

/// Whether it names a container, which is gone some minutes later.
fn ran_in_container(block: &Value) -> bool {
    let names_one = |value: &Value| value.get("container_id").is_some_and(Value::is_string);
    names_one(block) || block.get("environment").is_some_and(names_one)
}

/// What kind of item it is.
pub(super) fn kind_of(block: &Value) -> Option<&str> {
    block.get("type").and_then(Value::as_str)
}

fn call_id_of(block: &Value) -> Option<&str> {
    block.get("call_id").and_then(Value::as_str)
}
