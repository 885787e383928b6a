//! Names of models: where they are in a path, and what their generation takes.

use std::fmt::Write as _;

use branchwork_core::config::Config;

/// How the names of models begin that are older than Gemini 3, or follow the rules of those.
const BEFORE_3: [&str; 4] = ["gemini-1", "gemini-2", "gemini-robotics-er-1.5", "learnlm-"];

/// How the names of the open models begin that Google serves beside them.
const GEMMA: &str = "gemma-";

/// Where models are: `models` when the name does not say so.
const COLLECTIONS: [&str; 2] = ["models", "tunedModels"];

/// Models that go by the same rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// They take a budget of thoughts, check no signatures and refuse identifiers of calls.
    Before3,
    /// Since Gemini 3: they take a level of thoughts, and calls must be signed.
    Gemini3,
    /// Open models: they take a level of thoughts, and refuse thoughts and signatures.
    Gemma,
}

/// A model, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Model<'a> {
    collection: &'static str,
    /// The name within the collection.
    name: &'a str,
}

impl<'a> Model<'a> {
    /// The model of that name, with or without `models/` before it.
    pub(super) fn named(name: &'a str) -> Self {
        let within = COLLECTIONS.iter().find_map(|collection| {
            let name = name.strip_prefix(collection)?.strip_prefix('/')?;
            Some(Self { collection, name })
        });
        within.unwrap_or(Self { collection: "models", name })
    }

    /// The model that `config` chooses.
    pub(super) fn of(config: &'a Config) -> Self {
        Self::named(config.model.as_deref().unwrap_or_default())
    }

    /// Where it is, as a path. Whatever the name holds, it is one segment of it.
    pub(super) fn path(self) -> String {
        let mut path = format!("/{}/", self.collection);
        for byte in self.name.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                path.push(char::from(byte));
            } else {
                // A string takes all.
                _ = write!(path, "%{byte:02X}");
            }
        }
        path
    }

    /// By which rules it goes. A name we do not know is one of tomorrow, unless it is of a model that
    /// somebody tuned.
    pub(super) fn family(self) -> Family {
        if self.collection == "tunedModels" || BEFORE_3.iter().any(|old| self.name.starts_with(old))
        {
            Family::Before3
        } else if self.name.starts_with(GEMMA) {
            Family::Gemma
        } else {
            Family::Gemini3
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_outside_is_one_segment_of_the_path() {
        for (name, path) in [
            ("gemini-2.5-flash", "/models/gemini-2.5-flash"),
            ("models/gemini-2.5-flash", "/models/gemini-2.5-flash"),
            ("tunedModels/mine-1", "/tunedModels/mine-1"),
            ("tunedModels", "/models/tunedModels"),
            ("../../v1/files", "/models/..%2F..%2Fv1%2Ffiles"),
            ("a:countTokens?key=b#c", "/models/a%3AcountTokens%3Fkey%3Db%23c"),
            ("a%2Fb c", "/models/a%252Fb%20c"),
            ("é\n", "/models/%C3%A9%0A"),
            ("models/models/a", "/models/models%2Fa"),
        ] {
            assert_eq!(Model::named(name).path(), path);
        }
    }

    #[test]
    fn old_open_and_unknown_models_are_told_apart() {
        for (name, family) in [
            ("gemini-1.5-pro", Family::Before3),
            ("models/gemini-2.5-flash", Family::Before3),
            ("gemini-2.0-flash-001", Family::Before3),
            ("gemini-robotics-er-1.5-preview", Family::Before3),
            ("tunedModels/x", Family::Before3),
            ("gemma-4-31b-it", Family::Gemma),
            ("gemini-3-pro-preview", Family::Gemini3),
            ("gemini-3.8-flash", Family::Gemini3),
            ("gemini-4-argon", Family::Gemini3),
            ("gemini-flash-latest", Family::Gemini3),
        ] {
            assert_eq!(Model::named(name).family(), family, "{name}");
        }
    }
}
