//! A Parquet file's footer: its counts are checked against its bytes before the `parquet` crate
//! allocates by them.
//!
//! In: a file. Out: nothing, or a description of what is wrong. The crate checks a list against the
//! remaining bytes, at one byte a value. This module checks it against the bytes that a value
//! really has.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::thrift::{Compact, LIST, STRUCT};

/// How a Parquet file begins and ends.
const MAGIC: &[u8] = b"PAR1";

/// The bytes after the footer: its length and the magic.
const TAIL_BYTES: u64 = 8;

/// The longest footer that is read. One of ten thousand row groups has some tens of megabytes.
const MAX_FOOTER_BYTES: u64 = 64 << 20;

/// Minimum size in bytes of a row group's metadata, and of a key with its value.
const ROW_GROUP_BYTES: usize = 16;
const KEY_BYTES: usize = 4;

/// Columns and groups of columns that a schema may have.
const MAX_SCHEMA_NODES: usize = 100_000;

/// Groups in groups that a schema may have.
const MAX_SCHEMA_DEPTH: usize = 24;

/// The message for a schema with deeper nesting.
pub(super) const TOO_DEEP: &str = "its columns are nested too deeply to be read";

/// Checks the counts of a footer against its bytes; the inner error says what is wrong.
pub(super) fn check_footer(file: &mut File, n_bytes: u64) -> io::Result<Result<(), String>> {
    let mut tail = [0; TAIL_BYTES as usize];
    let Some(tail_at) = n_bytes.checked_sub(TAIL_BYTES) else {
        return Ok(Err("it is too short".to_owned()));
    };
    file.seek(SeekFrom::Start(tail_at))?;
    file.read_exact(&mut tail)?;
    let (length, magic) = tail.split_at(4);
    let length = length
        .first_chunk()
        .map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let length = u64::from(length);
    if magic != MAGIC {
        return Ok(Err("it does not end as one does".to_owned()));
    }
    let Some(start) = tail_at
        .checked_sub(length)
        .filter(|_| length <= MAX_FOOTER_BYTES)
    else {
        return Ok(Err(format!("its footer claims to be {length} bytes long")));
    };
    file.seek(SeekFrom::Start(start))?;
    let mut footer = Vec::new();
    file.take(length).read_to_end(&mut footer)?;
    let (mut is_too_large, mut is_too_deep) = (false, false);
    let whole = Compact::new(&footer).fields(|fields, number, kind| {
        let is_list = kind == LIST;
        let is_sound = match number {
            2 if is_list => check_schema(fields, &mut is_too_deep)?,
            4 if is_list => check_list(fields, ROW_GROUP_BYTES)?,
            5 if is_list => check_list(fields, KEY_BYTES)?,
            _ => fields.skip(kind).map(|()| true)?,
        };
        is_too_large |= !is_sound;
        is_sound.then_some(())
    });
    Ok(match whole {
        Some(()) => Ok(()),
        None if is_too_deep => Err(TOO_DEEP.to_owned()),
        None if is_too_large => Err("its footer claims more than it has".to_owned()),
        None => Err("its footer is damaged".to_owned()),
    })
}

/// Steps over a list of structs, each with this many bytes on average.
fn check_list(fields: &mut Compact<'_>, least_bytes: usize) -> Option<bool> {
    let n_left = fields.n_left();
    let (n, kind) = fields.list()?;
    if n.saturating_mul(least_bytes) > n_left {
        return Some(false);
    }
    for _ in 0..n {
        fields.skip(kind)?;
    }
    Some(true)
}

/// Steps over the schema, a tree in which every node gives the number of its children.
fn check_schema(fields: &mut Compact<'_>, is_too_deep: &mut bool) -> Option<bool> {
    let (n_nodes, kind) = fields.list()?;
    if kind != STRUCT || n_nodes > MAX_SCHEMA_NODES {
        return Some(false);
    }
    // How many nodes still follow in each group that is open.
    let mut open: Vec<i64> = Vec::new();
    for _ in 0..n_nodes {
        let mut n_children = 0;
        fields.fields(|node, number, kind| {
            match number {
                5 => n_children = i64::from(node.integer()? as i32),
                _ => node.skip(kind)?,
            }
            Some(())
        })?;
        let is_sound = (0..=n_nodes as i64).contains(&n_children);
        *is_too_deep = open.len() > MAX_SCHEMA_DEPTH;
        if !is_sound || *is_too_deep {
            return Some(false);
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if n_children > 0 {
            open.push(n_children);
        }
        while open.last() == Some(&0) {
            open.pop();
        }
    }
    Some(true)
}
