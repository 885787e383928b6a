//! Where the key of a provider is looked for, in which order.

use std::{fmt, path::PathBuf};

use branchwork::providers::{Secret, preset};

use super::{KeysFile, file, input, keyring, private};
use crate::{
    config::Config,
    env,
    exit::{Code, Failure},
    paths,
};

/// A place that may hold the key of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The variable that the configuration names, else that of the provider's own tools.
    Variable(String),
    /// The file that the configuration names.
    KeyFile(PathBuf),
    /// `keys.toml`.
    KeysFile(PathBuf),
    /// The keyring of the system.
    Keyring,
}

/// A key, and where it is.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) key: Secret,
    pub(crate) place: Place,
}

/// Where the key of `provider` may be, in order: the first place that has one counts.
pub(crate) fn places(config: &Config, provider: &str) -> Result<Vec<Place>, Failure> {
    let own = config.providers.get(provider);
    let mut places = Vec::new();
    places.extend(variable(config, provider).map(Place::Variable));
    if let Some(path) = own.and_then(|own| own.key_file.as_ref()) {
        places.push(Place::KeyFile(paths::from_config(path)?));
    }
    // Without a home there is no such file.
    places.extend(file().ok().map(Place::KeysFile));
    if keyring::IS_BUILT {
        places.push(Place::Keyring);
    }
    Ok(places)
}

/// The key of `provider`. A keyring that cannot be used is none: the other places are enough.
pub(crate) fn find(config: &Config, provider: &str) -> Result<Option<Found>, Failure> {
    for place in places(config, provider)? {
        let key = match place.look(provider) {
            Err(_unusable) if place == Place::Keyring => None,
            looked => looked?,
        };
        if let Some(key) = key {
            return Ok(Some(Found { key, place }));
        }
    }
    Ok(None)
}

/// Says that the key of `provider` is missing, and how to give it.
pub(crate) fn missing(config: &Config, provider: &str) -> Failure {
    let set = match variable(config, provider) {
        Some(variable) => format!("set {variable}, or keep it: `branchwork keys set {provider}`"),
        None => format!("keep it: `branchwork keys set {provider}`"),
    };
    let hint = match keyring::get(provider) {
        Err(unusable) => format!("{set}\n{unusable}"),
        Ok(_) => set,
    };
    Failure::new(Code::Provider, format!("the provider `{provider}` wants a key")).with_hint(hint)
}

/// The variable that may hold the key of `provider`.
fn variable(config: &Config, provider: &str) -> Option<String> {
    let named = config.providers.get(provider).and_then(|own| own.key_env.clone());
    let usual = || preset(provider).map(|preset| preset.key_variable.to_owned());
    named.or_else(usual).filter(|variable| !variable.is_empty())
}

impl Place {
    /// What is there.
    pub(crate) fn look(&self, provider: &str) -> Result<Option<Secret>, Failure> {
        match self {
            // Blanks are no key, as nothing is none.
            Self::Variable(name) => {
                Ok(env::text(name).map(Secret::new).filter(|key| !key.is_empty()))
            }
            Self::KeyFile(path) => match private::read(path)? {
                Some(text) => input::checked(text.reveal()).map(Some).map_err(|failure| {
                    let message = format!("{}: {failure}", path.display());
                    failure.with_message(message)
                }),
                None => Err(Failure::usage(format!("there is no file {}", path.display()))
                    .with_hint(format!(
                        "`key_file` of `{provider}` in the configuration names it"
                    ))),
            },
            Self::KeysFile(_) => Ok(KeysFile::read()?.get(provider)),
            Self::Keyring => keyring::get(provider),
        }
    }

    /// What kind of place it is, in a word.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Variable(_) => "environment",
            Self::KeyFile(_) => "key_file",
            Self::KeysFile(_) => "keys_file",
            Self::Keyring => "keyring",
        }
    }

    /// Which of its kind it is.
    pub(crate) fn at(&self) -> Option<String> {
        match self {
            Self::Variable(name) => Some(name.clone()),
            Self::KeyFile(path) | Self::KeysFile(path) => Some(path.display().to_string()),
            Self::Keyring => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::KeyFile(path) | Self::KeysFile(path) => write!(f, "the file {}", path.display()),
            Self::Keyring => f.write_str("the keyring"),
        }
    }
}
