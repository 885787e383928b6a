//! Rows as Arrow record batches, and as Parquet.

use std::{
    io::{self, BufRead, Write},
    sync::Arc,
};

use arrow_array::{
    Array as _, ArrayRef, Float64Array, LargeStringArray, RecordBatch, UInt64Array,
    cast::AsArray as _,
};
use arrow_schema::{DataType, Field, Schema};
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    basic::Compression,
    file::properties::WriterProperties,
};
use serde_json::{Map, Value};

use super::{
    Column, Kind, TableError, Tabular,
    format::Read,
    row::{NAMES, Row},
};

/// Rows of one record batch.
const BATCH: usize = 8_192;

/// `rows` as one Arrow record batch: texts as `LargeUtf8`, whole numbers as `UInt64`, others as `Float64`;
/// what is not known is null.
///
/// # Errors
///
/// [`TableError::Io`] when the rows are more than a batch can hold.
pub fn record_batch<R: Tabular>(rows: &[R]) -> Result<RecordBatch, TableError> {
    let objects = rows.iter().map(object).collect::<Result<Vec<_>, _>>()?;
    let arrays = R::COLUMNS.iter().map(|column| array(*column, &objects)).collect();
    RecordBatch::try_new(Arc::new(schema::<R>()), arrays).map_err(unwritable)
}

/// Writes `rows` in batches, so that memory does not grow with them.
pub(super) fn write<R: Tabular>(
    rows: impl IntoIterator<Item = R>,
    out: &mut (dyn Write + Send),
) -> Result<(), TableError> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let schema = Arc::new(schema::<R>());
    let mut writer = ArrowWriter::try_new(out, schema, Some(properties)).map_err(unwritable)?;
    let mut rows = rows.into_iter();
    loop {
        let batch: Vec<R> = rows.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        writer.write(&record_batch(&batch)?).map_err(unwritable)?;
    }
    writer.close().map(drop).map_err(unwritable)
}

/// The rows of a file; reads all of it.
pub(super) fn read(table: &mut dyn BufRead) -> Result<Vec<Result<Read, TableError>>, TableError> {
    let mut bytes = Vec::new();
    table.read_to_end(&mut bytes).map_err(TableError::reading)?;
    let unreadable = |error: &dyn std::error::Error| {
        TableError::unknown(format!("is no Parquet that can be read: {error}"))
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes))
        .map_err(|error| unreadable(&error))?;
    let reader = builder.build().map_err(|error| unreadable(&error))?;
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|error| unreadable(&error))?;
        read_batch(&batch, &mut rows)?;
    }
    Ok(rows)
}

fn schema<R: Tabular>() -> Schema {
    let field = |column: &Column| {
        let (kind, optional) = match column.kind {
            Kind::Text => (DataType::LargeUtf8, false),
            Kind::OptionalText => (DataType::LargeUtf8, true),
            Kind::Whole => (DataType::UInt64, false),
            Kind::OptionalWhole => (DataType::UInt64, true),
            Kind::OptionalNumber => (DataType::Float64, true),
        };
        Field::new(column.name, kind, optional)
    };
    Schema::new(R::COLUMNS.iter().map(field).collect::<Vec<_>>())
}

fn object<R: Tabular>(row: &R) -> Result<Map<String, Value>, TableError> {
    match serde_json::to_value(row) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(TableError::unknown("has rows that are no objects")),
        Err(error) => Err(unwritable(error)),
    }
}

fn array(column: Column, rows: &[Map<String, Value>]) -> ArrayRef {
    let values = rows.iter().map(|row| row.get(column.name));
    match column.kind {
        Kind::Text | Kind::OptionalText => Arc::new(
            values.map(|value| value.and_then(Value::as_str)).collect::<LargeStringArray>(),
        ),
        Kind::Whole | Kind::OptionalWhole => {
            Arc::new(values.map(|value| value.and_then(Value::as_u64)).collect::<UInt64Array>())
        }
        Kind::OptionalNumber => {
            Arc::new(values.map(|value| value.and_then(Value::as_f64)).collect::<Float64Array>())
        }
    }
}

fn read_batch(
    batch: &RecordBatch,
    rows: &mut Vec<Result<Read, TableError>>,
) -> Result<(), TableError> {
    let mut columns = Vec::with_capacity(NAMES.len());
    for name in NAMES {
        let column = batch.column_by_name(name);
        let column =
            column.ok_or_else(|| TableError::unknown(format!("has no column `{name}`")))?;
        columns.push(texts(name, column)?);
    }
    let names = batch.schema_ref().fields().iter().map(|field| field.name().as_str());
    if let Some(other) = names.into_iter().find(|name| !NAMES.contains(name)) {
        return Err(TableError::unknown(format!("has the unknown column `{other}`")));
    }
    let [ids, timestamps, roles, senders, contents] = columns.as_slice() else { return Ok(()) };
    let fields = ids.iter().zip(timestamps).zip(roles).zip(senders).zip(contents);
    for ((((node_id, timestamp), role), sender), content) in fields {
        let row = (|| {
            Some(Row {
                node_id: node_id.clone()?,
                timestamp: timestamp.clone()?,
                role: role.clone()?,
                sender: sender.clone()?,
                content: content.clone()?,
            })
        })();
        rows.push(Ok(row.ok_or_else(|| "has a column without a value".to_owned())));
    }
    Ok(())
}

/// The texts of a column, in whichever way they are laid out.
fn texts(name: &str, column: &ArrayRef) -> Result<Vec<Option<String>>, TableError> {
    fn owned<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> Vec<Option<String>> {
        texts.map(|text| text.map(str::to_owned)).collect()
    }
    match column.data_type() {
        DataType::Utf8 => Ok(owned(column.as_string::<i32>().iter())),
        DataType::LargeUtf8 => Ok(owned(column.as_string::<i64>().iter())),
        DataType::Utf8View => Ok(owned(column.as_string_view().iter())),
        other => {
            Err(TableError::unknown(format!("has a column `{name}` of type {other}, not of text")))
        }
    }
}

fn unwritable(error: impl std::error::Error + Send + Sync + 'static) -> TableError {
    TableError::writing(io::Error::other(error))
}
