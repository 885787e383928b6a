//! The stored patch of a configuration: `null` clears, absent keeps.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::config::{Change, ConfigPatch};

/// A [`Change`]: absent keeps, `null` clears, a value sets.
#[derive(Default)]
pub(super) struct StoredChange<T>(Change<T>);

impl<T> StoredChange<T> {
    const fn is_keep(&self) -> bool {
        self.0.is_keep()
    }
}

impl<T: Serialize> Serialize for StoredChange<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Change::Keep | Change::Clear => serializer.serialize_none(),
            Change::Set(value) => serializer.serialize_some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for StoredChange<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::<T>::deserialize(deserializer)?;
        Ok(Self(value.map_or(Change::Clear, Change::Set)))
    }
}

macro_rules! stored_patch {
    ($($field:ident: $type:ty),* $(,)?) => {
        #[derive(Serialize, Deserialize, Default)]
        #[serde(deny_unknown_fields)]
        pub(super) struct StoredPatch {
            $(
                #[serde(default = "keep", skip_serializing_if = "StoredChange::is_keep")]
                $field: StoredChange<$type>,
            )*
            #[serde(default, skip_serializing_if = "Map::is_empty")]
            extras: Map<String, Value>,
        }

        impl StoredPatch {
            /// Whether it changes nothing.
            pub(super) fn is_empty(&self) -> bool {
                $(self.$field.is_keep() &&)* self.extras.is_empty()
            }
        }

        impl From<&ConfigPatch> for StoredPatch {
            fn from(patch: &ConfigPatch) -> Self {
                Self {
                    $($field: StoredChange(patch.$field.clone()),)*
                    extras: patch.extras.clone(),
                }
            }
        }

        impl From<StoredPatch> for ConfigPatch {
            fn from(patch: StoredPatch) -> Self {
                Self { $($field: patch.$field.0,)* extras: patch.extras }
            }
        }
    };
}

/// What the branches of a session begin with.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredDefaults<'a> {
    #[serde(default, skip_serializing_if = "StoredPatch::is_empty")]
    pub(super) config: StoredPatch,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) system: Option<Cow<'a, str>>,
}

const fn keep<T>() -> StoredChange<T> {
    StoredChange(Change::Keep)
}

stored_patch! {
    provider: String,
    model: String,
    temperature: f64,
    top_p: f64,
    max_tokens: u32,
    stop: Vec<String>,
    seed: i64,
    presence_penalty: f64,
    frequency_penalty: f64,
    reasoning_effort: String,
    response_schema: Value,
    logprobs: u8,
    sender: String,
    tools: Vec<String>,
}
