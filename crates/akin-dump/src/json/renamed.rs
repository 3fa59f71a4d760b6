//! Fields of JSON records under the names that the user set: `--column title=Name`.
//!
//! In: a record, or the start of a dump, and pairs of a paper's field and the name that it has there.
//! Out: the same under the names of `plain.rs`. Names are compared as they are, or else without case,
//! `_`, `-` and the like. A record without such a name is read by the usual names.

use serde_json::{Map, Value};

use super::keys::plain_key;
use super::object::string_bytes;
use super::plain;
use crate::record::{DumpContext, Item, RecordError};
use crate::table::columns::meaning;

/// The start of a dump with the set names replaced; `None` if none of them is in it.
///
/// # Errors
/// Explains that papers have no such field.
pub(crate) fn renamed_start(
    start: &[u8],
    set: &[(String, String)],
) -> Result<Option<Vec<u8>>, String> {
    let mut meanings = Vec::with_capacity(set.len());
    for (field, name) in set {
        meanings.push((plain_key(name), meaning(field)?.0));
    }
    let mut renamed = Vec::with_capacity(start.len());
    let (mut at, mut is_any) = (0, false);
    while let Some(gap) = start[at..].iter().position(|&byte| byte == b'"') {
        let from = at + gap;
        renamed.extend(&start[at..from]);
        at = from + string_bytes(&start[from..]);
        let is_name = start[at..].trim_ascii_start().starts_with(b":");
        let name = start.get(from + 1..at - 1).unwrap_or(b"");
        let plain = plain_key(&String::from_utf8_lossy(name));
        match meanings.iter().find(|(set, _)| is_name && *set == plain) {
            Some((_, target)) => {
                is_any = true;
                renamed.extend(format!("\"{target}\"").as_bytes());
            }
            None => renamed.extend(&start[from..at]),
        }
    }
    renamed.extend(&start[at..]);
    Ok(is_any.then_some(renamed))
}

/// Reads one record with the names that the user set.
pub(crate) fn read(json: &str, context: &DumpContext) -> Result<Item, RecordError> {
    let record: Map<String, Value> = serde_json::from_str(json)?;
    plain::read_fields(renamed(record, &context.renamed), context)
}

/// The fields of a record under their [plain](plain_key) names, the set ones first. A field that was
/// set is the only one of its kind.
fn renamed(mut record: Map<String, Value>, set: &[(String, String)]) -> Vec<(String, Value)> {
    let mut fields = Vec::with_capacity(record.len());
    let mut replaced: Vec<&str> = Vec::new();
    for (field, name) in set {
        let plain = plain_key(name);
        let is_meant = |key: &&String| plain_key(key) == plain;
        let exact = record.contains_key(name).then(|| name.clone());
        let key = exact.or_else(|| record.keys().find(is_meant).cloned());
        let value = key.and_then(|key| record.remove(&key));
        if let (Some(value), Ok((target, others))) = (value, meaning(field)) {
            fields.push((target, value));
            replaced.extend(others);
        }
    }
    let rest = record
        .into_iter()
        .map(|(key, value)| (plain_key(&key), value));
    fields.extend(rest.filter(|(key, _)| !replaced.contains(&key.as_str())));
    fields
}
