//! Which columns of a table say something of a paper, and their cells as JSON values.
//!
//! Dictionaries are resolved, days and times become `YYYY-MM-DD`; types without a counterpart in
//! JSON records become null.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrowPrimitiveType, RecordBatch};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use jiff::Span;
use jiff::civil::Date;
use serde_json::{Map, Value};

use super::columns;
use crate::frame::MAX_LINE_BYTES;
use crate::json::keys::{IDS, PLAIN_TEXTS, TEXTS, TITLES};
use crate::reject::Rejection;
use crate::text::{arxiv_number, whole_number};

const DAY_SECONDS: i64 = 86_400;

/// Size of a value besides its text.
const VALUE_BYTES: usize = 8;

/// A row as the fields of a record.
pub(crate) struct TableRow {
    pub(crate) fields: Vec<(String, Value)>,
    /// Their size.
    pub(crate) n_bytes: usize,
    /// Nothing was left out because it is too long.
    pub(crate) is_whole: bool,
}

/// How much larger a row may still become: it may hold the same text a million times.
struct RowBudget {
    n_left: usize,
    is_enough: bool,
    /// Bytes are a text, whose broken characters are shown as such.
    is_text: bool,
}

impl RowBudget {
    fn new() -> RowBudget {
        RowBudget {
            n_left: MAX_LINE_BYTES,
            is_enough: true,
            is_text: false,
        }
    }

    /// Reserves room for a value with this much text, if there is enough.
    fn takes(&mut self, n_bytes: usize) -> bool {
        match self.n_left.checked_sub(n_bytes + VALUE_BYTES) {
            Some(n_left) if self.is_enough => self.n_left = n_left,
            _ => self.is_enough = false,
        }
        self.is_enough
    }

    fn text(&mut self, text: &str) -> Value {
        if self.takes(text.len()) {
            text.into()
        } else {
            Value::Null
        }
    }
}

/// The columns that are read.
pub(crate) struct ReadColumns {
    /// Each with its place and its [plain](crate::json::keys::plain_key) name.
    columns: Vec<(usize, String)>,
    /// The place of the column with the ids, if there is one.
    id: Option<usize>,
    /// The ids are floats.
    pub(crate) has_float_ids: bool,
    /// No column holds titles.
    pub(crate) is_untitled: bool,
    /// The places of those with views of texts, which may come as views of bytes.
    text_views: Vec<usize>,
}

impl ReadColumns {
    /// Chooses the columns of a schema, some of them possibly `set`, or explains why there is
    /// nothing to read.
    pub(crate) fn choose(schema: &Schema, set: &[(String, String)]) -> Result<ReadColumns, String> {
        let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        let mut columns = columns::choose(&names, set)?;
        let id = settle(&mut columns, schema, &IDS, is_id)?;
        let is_untitled = settle(&mut columns, schema, &TITLES, is_text)?.is_none();
        settle(&mut columns, schema, &TEXTS, is_text)?;
        let names = names.join(", ");
        let has_text = columns
            .iter()
            .any(|(_, name)| PLAIN_TEXTS.contains(&name.as_str()));
        if is_untitled && !has_text {
            let none = format!("no column is called `title` or `text` (its columns: {names})");
            return Err(none);
        }
        if is_untitled && id.is_none() {
            return Err(format!("no column is called `id` (its columns: {names})"));
        }
        let is_float = |idx: usize| schema.field(idx).data_type().is_floating();
        let has_views = |idx: &usize| holds_text_views(schema.field(*idx).data_type());
        let places = columns.iter().map(|(idx, _)| *idx);
        Ok(ReadColumns {
            text_views: places.filter(has_views).collect(),
            columns,
            id,
            has_float_ids: id.is_some_and(is_float),
            is_untitled,
        })
    }

    /// Their places in the schema.
    pub(crate) fn indices(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().map(|(idx, _)| *idx)
    }

    /// One row of a batch as the fields of a record.
    pub(crate) fn row(&self, batch: &RecordBatch, row: usize) -> TableRow {
        let mut room = RowBudget::new();
        let cell = |(idx, name): &(usize, String)| {
            room.is_text = self.text_views.contains(idx);
            (name.clone(), cell(batch.column(*idx), row, &mut room))
        };
        TableRow {
            fields: self.columns.iter().map(cell).collect(),
            n_bytes: MAX_LINE_BYTES - room.n_left,
            is_whole: room.is_enough,
        }
    }

    /// What is wrong with the id of a row: a number that is not whole, bytes that are not text.
    pub(crate) fn wrong_id(&self, batch: &RecordBatch, row: usize) -> Option<Rejection> {
        let ids = batch.column(self.id?);
        if !self.has_float_ids && !is_binary(ids.data_type()) {
            return None;
        }
        let found = match (ids.data_type(), cell(ids, row, &mut RowBudget::new())) {
            (_, Value::Number(number)) if number.is_f64() => {
                let spelling = whole_number::spelling(&number);
                let is_id = !spelling.contains('.') || arxiv_number::repair(&spelling).is_some();
                (!is_id).then_some("a number that is not whole")
            }
            (found, Value::Null) if is_binary(found) && !ids.is_null(row) => {
                Some("bytes that are not UTF-8")
            }
            _ => None,
        };
        found.map(|found| Rejection::WrongType { field: "id", found })
    }

    /// Explains that the ids are numbers and that none in this batch is whole.
    pub(crate) fn refuse_fractions(&self, batch: &RecordBatch) -> Result<(), String> {
        let Some(idx) = self.id.filter(|_| self.has_float_ids) else {
            return Ok(());
        };
        let ids = batch.column(idx);
        let mut rows = (0..batch.num_rows()).filter(|row| !ids.is_null(*row));
        let is_wrong = |row| self.wrong_id(batch, row).is_some();
        let is_refused = ids.null_count() < ids.len() && rows.all(is_wrong);
        let schema = batch.schema();
        if is_refused {
            Err(unfit(schema.field(idx), &IDS))
        } else {
            Ok(())
        }
    }
}

/// Finds the first of `names` among the columns, which must fit; those after it that do not are
/// left out.
fn settle(
    columns: &mut Vec<(usize, String)>,
    schema: &Schema,
    names: &[&str],
    fits: fn(&DataType) -> bool,
) -> Result<Option<usize>, String> {
    let mut by_rank = names
        .iter()
        .flat_map(|name| columns.iter().filter(move |c| c.1 == *name));
    let Some((idx, _)) = by_rank.next().cloned() else {
        return Ok(None);
    };
    let field = schema.field(idx);
    if !fits(field.data_type()) {
        return Err(unfit(field, names));
    }
    columns.retain(|(idx, name)| {
        !names.contains(&name.as_str()) || fits(schema.field(*idx).data_type())
    });
    Ok(Some(idx))
}

/// Why a column cannot be the one for `names`.
fn unfit(field: &Field, names: &[&str]) -> String {
    let (name, found) = (field.name(), field.data_type());
    let wanted = "texts (Utf8, LargeUtf8, Utf8View, or a dictionary of them)";
    let or = if names == IDS {
        " or whole numbers"
    } else {
        ""
    };
    format!("the column `{name}` is of type {found}, not {wanted}{or}")
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

fn is_id(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => values.is_integer() || is_text(values),
        other => {
            other.is_integer()
                || matches!(other, DataType::Float32 | DataType::Float64)
                || is_binary(other)
                || is_text(other)
        }
    }
}

/// Whether values are bytes, which may be text.
fn is_binary(data_type: &DataType) -> bool {
    use DataType::{Binary, BinaryView, FixedSizeBinary, LargeBinary};
    matches!(
        data_type,
        Binary | LargeBinary | BinaryView | FixedSizeBinary(_)
    )
}

/// A cell as JSON, if there is room for it.
fn cell(array: &dyn Array, row: usize, room: &mut RowBudget) -> Value {
    if array.is_null(row) || !room.takes(0) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8 => room.text(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => room.text(array.as_string::<i64>().value(row)),
        DataType::Utf8View => room.text(array.as_string_view().value(row)),
        DataType::Binary => bytes(array.as_binary::<i32>().value(row), room),
        DataType::LargeBinary => bytes(array.as_binary::<i64>().value(row), room),
        DataType::BinaryView => bytes(array.as_binary_view().value(row), room),
        DataType::FixedSizeBinary(_) => bytes(array.as_fixed_size_binary().value(row), room),
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::List(_) => list(&*array.as_list::<i32>().value(row), room),
        DataType::LargeList(_) => list(&*array.as_list::<i64>().value(row), room),
        DataType::FixedSizeList(..) => list(&*array.as_fixed_size_list().value(row), room),
        DataType::Struct(fields) => {
            let parts = fields.iter().zip(array.as_struct().columns());
            let part = |(field, column): (&arrow_schema::FieldRef, &arrow_array::ArrayRef)| {
                let is_held = room.takes(field.name().len());
                is_held.then(|| (field.name().clone(), cell(column, row, room)))
            };
            Value::Object(parts.map_while(part).collect::<Map<_, _>>())
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let key = cell(dictionary.keys(), row, room).as_u64();
            let values = dictionary.values();
            key.map_or(Value::Null, |key| cell(values, key as usize, room))
        }
        _ => number(array, row)
            .or_else(|| day(array, row))
            .unwrap_or(Value::Null),
    }
}

/// Whether a type contains text views.
fn holds_text_views(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8View => true,
        DataType::Dictionary(_, values) => holds_text_views(values),
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            holds_text_views(field.data_type())
        }
        DataType::Struct(fields) => {
            let mut fields = fields.iter();
            fields.any(|field| holds_text_views(field.data_type()))
        }
        _ => false,
    }
}

/// Bytes as text, if they are in UTF-8 or were declared to be.
fn bytes(value: &[u8], room: &mut RowBudget) -> Value {
    // Before they are checked: many rows may share them.
    if value.len() > room.n_left {
        room.takes(value.len());
        return Value::Null;
    }
    match std::str::from_utf8(value) {
        Ok(text) => room.text(text),
        Err(_) if room.is_text => room.text(&String::from_utf8_lossy(value)),
        Err(_) => Value::Null,
    }
}

fn list(items: &dyn Array, room: &mut RowBudget) -> Value {
    let item = |row| room.takes(0).then(|| cell(items, row, room));
    (0..items.len()).map_while(item).collect()
}

fn number(array: &dyn Array, row: usize) -> Option<Value> {
    Some(match array.data_type() {
        DataType::Int8 => native::<Int8Type>(array, row).into(),
        DataType::Int16 => native::<Int16Type>(array, row).into(),
        DataType::Int32 => native::<Int32Type>(array, row).into(),
        DataType::Int64 => native::<Int64Type>(array, row).into(),
        DataType::UInt8 => native::<UInt8Type>(array, row).into(),
        DataType::UInt16 => native::<UInt16Type>(array, row).into(),
        DataType::UInt32 => native::<UInt32Type>(array, row).into(),
        DataType::UInt64 => native::<UInt64Type>(array, row).into(),
        DataType::Float32 => native::<Float32Type>(array, row).into(),
        DataType::Float64 => native::<Float64Type>(array, row).into(),
        _ => return None,
    })
}

fn day(array: &dyn Array, row: usize) -> Option<Value> {
    let second = match array.data_type() {
        DataType::Date32 => i64::from(native::<Date32Type>(array, row)) * DAY_SECONDS,
        DataType::Date64 => native::<Date64Type>(array, row).div_euclid(1000),
        DataType::Timestamp(unit, _) => timestamp(array, row, *unit),
        _ => return None,
    };
    let days = Span::new().try_days(second.div_euclid(DAY_SECONDS)).ok()?;
    let date = Date::constant(1970, 1, 1).checked_add(days).ok()?;
    Some(date.to_string().into())
}

/// Seconds since 1970.
fn timestamp(array: &dyn Array, row: usize, unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => native::<TimestampSecondType>(array, row),
        TimeUnit::Millisecond => native::<TimestampMillisecondType>(array, row).div_euclid(1000),
        TimeUnit::Microsecond => {
            native::<TimestampMicrosecondType>(array, row).div_euclid(1_000_000)
        }
        TimeUnit::Nanosecond => {
            native::<TimestampNanosecondType>(array, row).div_euclid(1_000_000_000)
        }
    }
}

fn native<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> T::Native {
    array.as_primitive::<T>().value(row)
}
