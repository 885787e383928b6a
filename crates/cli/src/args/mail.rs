//! Commands on mail.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::duration;

/// Commands on what the branches of a session send each other.
#[derive(Debug, Subcommand)]
pub(crate) enum MailCommand {
    /// Send something to other branches.
    Send(SendArgs),
    /// List the mail that waits for a branch.
    Inbox {
        /// `session`, `session@branch`.
        place: String,
        /// All that was ever sent to the branch, and what became of it.
        #[arg(long, conflicts_with = "outbox")]
        all: bool,
        /// What the branch sent and is not delivered yet.
        #[arg(long)]
        outbox: bool,
    },
    /// Take in the mail that waits for a branch.
    ///
    /// Texts, data and messages are appended, settings and providers change the configuration. `undo` takes
    /// it back, and it waits again. What cannot be taken in is left, and the command fails.
    Receive(ReceiveArgs),
    /// Send a mail that waits back; it stays on record.
    Refuse {
        /// `session`, `session@branch`.
        place: String,
        /// The mail, by its identifier or a prefix of it.
        mail: String,
        /// Why.
        #[arg(long, value_name = "TEXT", default_value = "a person refused it")]
        reason: String,
    },
    /// Show a mail: what is in it, and how far it is to each of its recipients.
    Show {
        /// The session.
        session: String,
        /// The mail, by its identifier or a prefix of it.
        mail: String,
    },
    /// List the mail that cannot be delivered, as its branch was deleted.
    DeadLetters {
        /// The session.
        session: String,
    },
    /// Note which mail waits for longer than it may.
    ///
    /// It could not be taken in anyway.
    Expire {
        /// The session.
        session: String,
    },
    /// Give a mail that waits, or is a dead letter, to another branch.
    Readdress {
        /// The session.
        session: String,
        /// The mail, by its identifier or a prefix of it.
        mail: String,
        /// The branch it is for, also one that is gone; needed when it is for several.
        #[arg(long, value_name = "BRANCH")]
        from: Option<String>,
        /// The branch that gets it.
        #[arg(long, value_name = "BRANCH")]
        to: String,
    },
    /// Collect all mail from the outboxes and deliver it.
    Sync {
        /// The session.
        session: String,
        /// Then let every branch take in what waits for it.
        #[arg(long)]
        receive: bool,
    },
}

/// What to send, and to whom.
#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// The branch that sends: `session`, `session@branch`.
    pub(crate) place: String,
    /// What to send, by its category: a text; JSON; messages of the sender (`~0`, identifiers, prefixes);
    /// settings (`name=value`, or a JSON object); the name of a provider or of a signal. `-` reads standard
    /// input.
    #[arg(required = true)]
    pub(crate) data: Vec<String>,
    /// The branches to send it to, with commas between them; can be given several times.
    #[arg(long, value_name = "BRANCH", required_unless_present_any = ["all", "reply_to"])]
    pub(crate) to: Vec<String>,
    /// Send it to all other branches.
    #[arg(long, conflicts_with = "to")]
    pub(crate) all: bool,
    /// What it is: `text`, `data`, `messages`, `model_config`, `provider`, `signal`; programs also send
    /// `tools`.
    #[arg(long, value_name = "CATEGORY", default_value = "text")]
    pub(crate) category: String,
    /// How long it can be taken in: `90s`, `15m`, `2h`, `7d`; for ever when not said.
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) ttl: Option<Duration>,
    /// The mail that it answers; it goes to who sent that when nobody else is said.
    #[arg(long, value_name = "MAIL")]
    pub(crate) reply_to: Option<String>,
    /// Leave it in the outbox, until `mail sync`, or until more is sent to the same branch at once.
    #[arg(long)]
    pub(crate) queue: bool,
}

/// What to take in, and where.
#[derive(Debug, Args)]
pub(crate) struct ReceiveArgs {
    /// `session`, `session@branch`.
    pub(crate) place: String,
    /// Only these mails, by identifier or a prefix of it; each must be there to take.
    #[arg(value_name = "MAIL", conflicts_with_all = ["from", "accept"])]
    pub(crate) mails: Vec<String>,
    /// Only what these branches sent, with commas between them; can be given several times.
    #[arg(long, value_name = "BRANCH")]
    pub(crate) from: Vec<String>,
    /// Only mail of these categories, as for `send`, with commas between them.
    #[arg(long, value_name = "CATEGORY", value_delimiter = ',')]
    pub(crate) accept: Vec<String>,
}
