//! The schema and its migrations: forward only, each in one transaction, after a backup.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use branchwork_core::{codec, store::StoreError};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::{
    backup,
    error::{Answer, Failure},
    probe::{cannot_open, refuse},
};

/// `BrWk`: marks a file as one of ours.
pub(crate) const APPLICATION_ID: u32 = u32::from_be_bytes(*b"BrWk");

/// One script for each version; a file of version *n* has gone through the first *n*.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_calls.sql"),
    include_str!("../migrations/0003_defaults.sql"),
    include_str!("../migrations/0004_search.sql"),
    include_str!("../migrations/0005_mail.sql"),
];

// The tables have no column for the version of the codec: all rows are of the first one.
// A second one needs a migration that adds it.
const _: () = assert!(codec::VERSION == 1, "BUG: the schema keeps one codec version only");

/// Backups of one version that are kept beside a file.
const BACKUPS_MAX: u32 = 100;

/// The version of the newest schema.
pub(crate) fn newest_version() -> u32 {
    version_after(MIGRATIONS)
}

/// The version of the schema of a file; 0 when it has none.
pub(crate) fn user_version(db: &Connection) -> rusqlite::Result<u32> {
    db.prepare_cached("PRAGMA user_version")?.query_row((), |row| row.get(0))
}

/// Refuses a file that was written by a newer program.
pub(crate) const fn check_version(found: u32, known: u32) -> Result<(), StoreError> {
    if found > known { Err(StoreError::TooNew { found, known }) } else { Ok(()) }
}

/// Begins to write, when no newer program changed the schema since the file was opened.
pub(crate) fn begin(db: &mut Connection) -> Answer<Transaction<'_>> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    check_version(user_version(&transaction)?, newest_version())?;
    Ok(transaction)
}

/// Brings the file to the newest of `migrations`.
///
/// Another process may do the same at the same time: the later one finds it done.
pub(crate) fn migrate(
    db: &mut Connection,
    path: &Path,
    migrations: &[&str],
) -> Result<(), StoreError> {
    let failed = |error| cannot_open(path, "cannot be brought to the newest schema", error);
    if user_version(db).map_err(failed)? < version_after(migrations) {
        let lock = TransactionBehavior::Immediate;
        let transaction = db.transaction_with_behavior(lock).map_err(failed)?;
        // Only now nobody else can change it any more.
        let version = user_version(&transaction).map_err(failed)?;
        let missing = usize::try_from(version).ok().and_then(|version| migrations.get(version..));
        let missing = missing.unwrap_or_default();
        if version > 0 && !missing.is_empty() {
            keep_backup(path, version)?;
        }
        apply(transaction, missing, version_after(migrations)).map_err(failed)?;
    }
    check_version(user_version(db).map_err(failed)?, version_after(migrations))
}

/// Runs `scripts`, all or none of them, and notes the version they lead to.
fn apply(transaction: Transaction<'_>, scripts: &[&str], version: u32) -> rusqlite::Result<()> {
    if scripts.is_empty() {
        return Ok(());
    }
    scripts.iter().try_for_each(|script| transaction.execute_batch(script))?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}

/// Copies the file beside itself. The caller holds the lock for writing.
fn keep_backup(path: &Path, version: u32) -> Result<(), StoreError> {
    let free = (1..=BACKUPS_MAX).map(|count| backup_path(path, version, count));
    let to = free
        .into_iter()
        .find(|path| !path.exists())
        .ok_or_else(|| refuse(path, "has too many backups beside it"))?;
    let failed = |error| cannot_open(path, "cannot be backed up before its migration", error);
    let from = Connection::open(path).map_err(failed)?;
    backup::copy(&from, &to).map_err(Failure::into_error)
}

fn backup_path(path: &Path, version: u32, count: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".backup-v{version}"));
    if count > 1 {
        name.push(format!("-{count}"));
    }
    PathBuf::from(name)
}

fn version_after(migrations: &[&str]) -> u32 {
    u32::try_from(migrations.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Barrier, thread};

    use tempfile::TempDir;

    use super::*;

    const SECOND: &str = "CREATE TABLE note (no INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
        INSERT INTO note SELECT no, name FROM session;";

    /// A file of version 1 with a session in it.
    fn old_file() -> (TempDir, PathBuf) {
        let directory = TempDir::new().expect("there is a place for temporary files");
        let path = directory.path().join("chats.db");
        let mut db = open(&path);
        migrate(&mut db, &path, &MIGRATIONS[..1]).expect("it is migrated");
        db.execute_batch(
            "INSERT INTO session (id, name, created, touched) VALUES (zeroblob(16), 'trip', 1, 1)",
        )
        .expect("it is written");
        (directory, path)
    }

    fn open(path: &Path) -> Connection {
        let db = Connection::open(path).expect("it opens");
        db.pragma_update(None, "journal_mode", "WAL").expect("it is set");
        db.busy_timeout(std::time::Duration::from_secs(10)).expect("it is set");
        db
    }

    fn names(directory: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(directory.path()).expect("it is there");
        let names = entries.map(|entry| entry.expect("it is read").file_name());
        let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn with_second() -> [&'static str; 2] {
        [MIGRATIONS[0], SECOND]
    }

    #[test]
    fn a_new_file_goes_through_all_of_them_and_has_no_backup() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("chats.db");
        let mut db = open(&path);
        migrate(&mut db, &path, MIGRATIONS).expect("it is migrated");
        assert_eq!(user_version(&db), Ok(newest_version()));
        drop(db);
        assert_eq!(names(&directory), ["chats.db"]);
    }

    #[test]
    fn an_old_file_is_backed_up_and_brought_to_the_newest_schema() {
        let (directory, path) = old_file();
        for _ in 0..2 {
            let mut db = open(&path);
            migrate(&mut db, &path, &with_second()).expect("it is migrated");
            let note: String =
                db.query_row("SELECT text FROM note", (), |row| row.get(0)).expect("it is there");
            assert_eq!((note.as_str(), user_version(&db)), ("trip", Ok(2)));
        }
        assert_eq!(names(&directory), ["chats.db", "chats.db.backup-v1"]);
        let backup = open(&directory.path().join("chats.db.backup-v1"));
        let name: String = backup
            .query_row("SELECT name FROM session", (), |row| row.get(0))
            .expect("it is there");
        assert_eq!((name.as_str(), user_version(&backup)), ("trip", Ok(1)));
        let refused = migrate(&mut open(&path), &path, &MIGRATIONS[..1]);
        assert!(matches!(refused, Err(StoreError::TooNew { found: 2, known: 1 })), "{refused:?}");
    }

    #[test]
    fn a_migration_that_fails_changes_nothing_and_no_backup_is_overwritten() {
        let (directory, path) = old_file();
        let broken =
            [MIGRATIONS[0], SECOND, "CREATE TABLE note_2 (no INTEGER); SELECT * FROM nothing"];
        let refused = migrate(&mut open(&path), &path, &broken);
        assert!(matches!(refused, Err(StoreError::CannotOpen { .. })), "{refused:?}");
        let db = open(&path);
        assert_eq!(user_version(&db), Ok(1));
        assert!(db.prepare("SELECT * FROM note").is_err());
        drop(db);
        migrate(&mut open(&path), &path, &with_second()).expect("it is migrated");
        assert_eq!(names(&directory), ["chats.db", "chats.db.backup-v1", "chats.db.backup-v1-2"]);
    }

    fn migrate_together(path: &Path, start: &Barrier) {
        let mut db = open(path);
        start.wait();
        migrate(&mut db, path, &with_second()).expect("it is migrated");
    }

    #[test]
    fn of_many_that_migrate_at_once_one_does_it() {
        let (directory, path) = old_file();
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| migrate_together(&path, &start));
            }
        });
        assert_eq!(names(&directory), ["chats.db", "chats.db.backup-v1"]);
    }
}
