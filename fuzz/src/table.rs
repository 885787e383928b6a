//! Tables of messages: one is imported and its rows come back, or is refused and nothing is appended.

use branchwork::{
    Branch, Error,
    table::{Format, Row, TableOptions},
};

use crate::{
    Target, seeds,
    world::{done, engine, say},
};

/// Lines of a table; above many more it is appended in several commits.
const LINES_MAX: usize = 1_000;

/// Every form of tables that is built.
const FORMATS: &[Format] = &[
    Format::Csv,
    Format::Json,
    Format::JsonLines,
    #[cfg(feature = "parquet")]
    Format::Parquet,
];

/// Tables as texts: an array or lines of JSON, else CSV.
pub struct Tables;

impl Target for Tables {
    fn seeds() -> Vec<Vec<u8>> {
        let own = [Format::Csv, Format::Json, Format::JsonLines].map(written);
        seeds::tables().into_iter().chain(own).collect()
    }

    fn check(data: &[u8]) {
        let format = match data.first() {
            Some(b'[') => Format::Json,
            Some(b'{') => Format::JsonLines,
            _ => Format::Csv,
        };
        check_as(format, data);
    }
}

/// Checks a table of that form.
pub(crate) fn check_as(format: Format, data: &[u8]) {
    if data.iter().filter(|byte| **byte == b'\n').count() < LINES_MAX {
        done(check(format, data, &TableOptions::new()));
        done(check(format, data, &TableOptions::new().with_skip_bad()));
    }
}

async fn check(format: Format, data: &[u8], options: &TableOptions) {
    let branch = new_branch().await;
    say(&branch, "It stays.").await;
    let before = branch.rows().await.expect("memory can be read");
    let imported = branch.import_table(format, &mut &data[..], options).await;
    let after = branch.rows().await.expect("memory can be read");
    assert_eq!(after.get(..1), Some(&before[..]), "a message is changed");
    match imported {
        Ok(imported) => {
            // A call that nobody answered is closed by a row more.
            assert!(after.len() as u64 > imported.messages, "{imported:?}");
            check_rows(&after[1..]).await;
        }
        Err(Error::Table(_)) => assert_eq!(after, before, "a refused table is appended in part"),
        Err(error) => panic!("a table is refused in other words: {error:?}"),
    }
}

/// Rows are written in every form, read again, and are the same.
async fn check_rows(rows: &[Row]) {
    for format in FORMATS {
        let mut table = Vec::new();
        format.write(rows.to_vec(), &mut table).expect("memory can be written");
        let branch = new_branch().await;
        let imported = branch.import_table(*format, &mut &table[..], &TableOptions::new()).await;
        assert!(imported.is_ok(), "{format:?} is refused: {imported:?}: {rows:?}");
        assert_eq!(branch.rows().await.expect("memory can be read"), rows, "as {format:?}");
    }
}

async fn new_branch() -> Branch {
    engine(1).session("table").create().await.expect("it is new").default_branch()
}

/// A table of a few messages, as our own programs write it.
pub(crate) fn written(format: Format) -> Vec<u8> {
    done(async {
        let branch = new_branch().await;
        for text in ["one", "two, \"three\"\nfour", "=five"] {
            say(&branch, text).await;
        }
        let rows = branch.rows().await.expect("it can be read");
        let mut table = Vec::new();
        format.write(rows, &mut table).expect("it can be written");
        table
    })
}
