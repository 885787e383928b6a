//! Arguments of `branchwork keys`.

use clap::{Args, Subcommand};

/// Commands on the keys of providers.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Keep the key of a provider: it is asked for and not shown, or read from standard input.
    ///
    /// It is never an argument. Arguments are seen by everybody who lists the processes of the machine, and
    /// stay in the history of the shell.
    Set {
        #[command(flatten)]
        whose: WhoseKey,
        /// What should not be here.
        #[arg(hide = true, allow_hyphen_values = true)]
        surplus: Vec<String>,
    },
    /// List which providers have a key, and where; nothing of any key is shown.
    List,
    /// Take a key away that was kept.
    #[command(visible_alias = "remove")]
    Delete(WhoseKey),
    /// Print where the file of keys is.
    Path,
}

/// Whose key, and where it is kept.
#[derive(Debug, Args)]
pub(crate) struct WhoseKey {
    /// The provider: a known one, or one of the configuration file.
    pub(crate) provider: String,
    /// In the keyring of the system, in place of the file of keys.
    #[arg(long)]
    pub(crate) keyring: bool,
}
