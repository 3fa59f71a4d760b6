//! The row file: written, read, damaged, of either version.

use super::*;

const IDENTITY_OF_TESTS: Identity = [3; 16];

fn wave(row: usize, dim: usize) -> Vec<f32> {
    let mut v: Vec<f32> = (0..dim).map(|i| ((row * 7 + i) as f32).sin()).collect();
    normalize(&mut v);
    v
}

/// Equal to what f16 can tell: 11 bits.
fn assert_close(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= 1e-3 * y.abs() + 1e-6, "{x} and {y}");
    }
}

fn file_of(dir: &Path, n_rows: usize, dim: usize) -> PathBuf {
    let path = dir.join("vectors-0.f16");
    let mut writer = RowWriter::create(&path, dim, IDENTITY_OF_TESTS).unwrap();
    for row in 0..n_rows {
        let appended = writer.append(&wave(row, dim), [row as u8; 8]).unwrap();
        assert_eq!(appended, Row(row as u32));
    }
    writer.sync().unwrap();
    path
}

#[test]
fn dot_is_the_sum_of_products_at_every_length() {
    for n in 0..=130 {
        let a: Vec<f32> = (0..n).map(|i| (i as f32).cos()).collect();
        let b: Vec<f32> = (0..n).map(|i| (i as f32 * 0.3).sin()).collect();
        let plain: f64 = a.iter().zip(&b).map(|(x, y)| f64::from(x * y)).sum();
        assert!((f64::from(dot(&a, &b)) - plain).abs() < 1e-4, "length {n}");
    }
}

#[test]
fn rows_come_back_as_they_were_stored() {
    let dir = tempfile::tempdir().unwrap();
    let path = file_of(dir.path(), 5, 48);
    let rows = RowFile::open(&path, 48, 5).unwrap();
    for row in 0..5 {
        let stored = rows.vector(Row(row)).unwrap();
        assert_close(&stored, &wave(row as usize, 48));
    }
}

#[test]
fn what_is_past_the_count_is_cut_off_by_the_next_writer() {
    let dir = tempfile::tempdir().unwrap();
    let path = file_of(dir.path(), 5, 48);
    let mut writer = RowWriter::open(&path, 48, 3, Some(IDENTITY_OF_TESTS)).unwrap();
    assert_eq!(writer.append(&wave(9, 48), [9; 8]).unwrap(), Row(3));
    writer.sync().unwrap();
    assert!(RowFile::open(&path, 48, 5).is_err());
    let rows = RowFile::open(&path, 48, 4).unwrap();
    assert_close(&rows.vector(Row(3)).unwrap(), &wave(9, 48));
}

#[test]
fn every_flipped_bit_of_a_row_is_found_at_that_row() {
    let dir = tempfile::tempdir().unwrap();
    let path = file_of(dir.path(), 3, 16);
    let good = std::fs::read(&path).unwrap();
    for bit in 0..8 * stride_bytes(16) {
        let mut bad = good.clone();
        bad[HEADER_BYTES + stride_bytes(16) + bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &bad).unwrap();
        let rows = RowFile::open(&path, 16, 3).unwrap();
        assert!(rows.row(Row(0)).is_ok() && rows.row(Row(2)).is_ok());
        let error = rows.row(Row(1)).unwrap_err().to_string();
        assert!(error.contains("row 1 "), "bit {bit}: {error}");
    }
}

#[test]
fn a_row_in_anothers_place_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = file_of(dir.path(), 3, 16);
    let mut bytes = std::fs::read(&path).unwrap();
    let stride = stride_bytes(16);
    bytes.copy_within(HEADER_BYTES..HEADER_BYTES + stride, HEADER_BYTES + stride);
    std::fs::write(&path, &bytes).unwrap();
    assert!(RowFile::open(&path, 16, 3).unwrap().row(Row(1)).is_err());
}

#[test]
fn a_file_cut_short_or_of_another_kind_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = file_of(dir.path(), 3, 16);
    let good = std::fs::read(&path).unwrap();
    for len in [0, 10, HEADER_BYTES, good.len() - 1] {
        std::fs::write(&path, &good[..len]).unwrap();
        let error = RowFile::open(&path, 16, 3).unwrap_err();
        assert!(error.to_string().contains("vectors-0.f16"), "{error}");
    }
    std::fs::write(&path, &good).unwrap();
    assert!(RowFile::open(&path, 32, 1).is_err());
}

#[test]
fn a_file_knows_itself_its_owners_and_what_was_committed() {
    let dir = tempfile::tempdir().unwrap();
    let path = file_of(dir.path(), 3, 16);
    let rows = RowFile::open(&path, 16, 3).unwrap();
    assert_eq!(rows.owner(Row(2)).unwrap(), Some([2; 8]));
    assert!(rows.ensure_is(Some(IDENTITY_OF_TESTS)).is_ok());
    assert!(rows.ensure_is(Some([4; 16])).is_err() && rows.ensure_is(None).is_err());
    assert!(RowWriter::open(&path, 16, 3, Some([4; 16])).is_err());
    assert_eq!(rows.n_committed(), Some(0));

    let mut writer = RowWriter::open(&path, 16, 3, Some(IDENTITY_OF_TESTS)).unwrap();
    writer.note_committed().unwrap();
    writer.append(&wave(3, 16), [3; 8]).unwrap();
    writer.sync().unwrap();
    let rows = RowFile::open(&path, 16, 4).unwrap();
    assert_eq!((rows.n_committed(), rows.len()), (Some(3), 4));
    assert_close(&rows.vector(Row(3)).unwrap(), &wave(3, 16));
    for bit in 8 * IDENTITY.start..8 * COMMITTED_SUM.end {
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let bad = dir.path().join("bad");
        std::fs::write(&bad, bytes).unwrap();
        assert_eq!(
            RowFile::open(&bad, 16, 4).unwrap().n_committed(),
            None,
            "{bit}"
        );
    }
}

#[test]
fn a_file_of_the_first_version_is_read_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vectors-0.f16");
    let mut bytes = beginning(Version::One, 16).to_vec();
    for row in 0..2 {
        let start = bytes.len();
        let numbers = wave(row, 16)
            .into_iter()
            .flat_map(|x| f16::from_f32(x).to_le_bytes());
        bytes.extend(numbers);
        let sum = checksum(&bytes[start..], Row(row as u32));
        bytes.extend(sum.to_le_bytes());
    }
    std::fs::write(&path, &bytes).unwrap();
    let mut writer = RowWriter::open(&path, 16, 2, None).unwrap();
    writer.append(&wave(2, 16), [2; 8]).unwrap();
    writer.sync().unwrap();
    writer.note_committed().unwrap();
    let rows = RowFile::open(&path, 16, 3).unwrap();
    for row in 0..3 {
        assert_close(&rows.vector(Row(row)).unwrap(), &wave(row as usize, 16));
    }
    let known = (
        rows.identity(),
        rows.owner(Row(1)).unwrap(),
        rows.n_committed(),
    );
    assert_eq!(known, (None, None, Some(0)));
    assert_eq!(std::fs::read(&path).unwrap()[..64], bytes[..64]);
}
