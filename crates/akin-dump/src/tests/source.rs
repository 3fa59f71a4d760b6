//! Folders, archives and compressed files, from bytes on a disk to papers.

use std::fs;
use std::io::Write;
use std::path::Path;

use akin_base::error::{Error, Result};
use flate2::Crc;
use flate2::write::DeflateEncoder;
use tempfile::TempDir;

use super::{GOOD, gzip, records, zstd};
use crate::registry::*;
use crate::*;

/// A member of an archive that is made here.
struct Member<'a> {
    name: &'a str,
    method: u16,
    flags: u16,
    /// As it lies in the archive.
    stored: Vec<u8>,
    plain: &'a [u8],
}

fn stored<'a>(name: &'a str, plain: &'a [u8]) -> Member<'a> {
    Member {
        name,
        method: 0,
        flags: 0,
        stored: plain.to_vec(),
        plain,
    }
}

fn deflated<'a>(name: &'a str, plain: &'a [u8]) -> Member<'a> {
    let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).expect("memory");
    Member {
        method: 8,
        stored: encoder.finish().expect("memory"),
        ..stored(name, plain)
    }
}

/// A zip archive, as APPNOTE.TXT describes it (sections 4.3.7, 4.3.12, 4.3.16).
fn zip(members: &[Member<'_>]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    let put = |out: &mut Vec<u8>, numbers: &[u16]| {
        out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    };
    let halves = |number: usize| [number as u16, (number >> 16) as u16];
    for member in members {
        let mut crc = Crc::new();
        crc.update(member.plain);
        let at = halves(archive.len());
        let mut common = Vec::new();
        put(&mut common, &[20, member.flags, member.method, 0, 0]);
        common.extend(crc.sum().to_le_bytes());
        put(&mut common, &halves(member.stored.len()));
        put(&mut common, &halves(member.plain.len()));
        put(&mut common, &[member.name.len() as u16, 0]);
        archive.extend(b"PK\x03\x04");
        archive.extend(&common);
        archive.extend(member.name.as_bytes());
        archive.extend(&member.stored);
        directory.extend(b"PK\x01\x02");
        put(&mut directory, &[20]);
        directory.extend(&common);
        put(&mut directory, &[0, 0, 0, 0, 0, at[0], at[1]]);
        directory.extend(member.name.as_bytes());
    }
    let (start, length) = (halves(archive.len()), halves(directory.len()));
    let n = members.len() as u16;
    archive.extend(directory);
    archive.extend(b"PK\x05\x06");
    put(&mut archive, &[0, 0, n, n]);
    put(&mut archive, &[length[0], length[1], start[0], start[1], 0]);
    archive
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    folder
}

/// Reads the sources that a path expands to: for each its name below `folder`, its number of
/// papers, and what comes instead of others.
fn check(folder: &Path, name: &str, expected: &[&str]) {
    let sources = Source::File(folder.join(name)).expanded().expect("sources");
    let shown: Vec<String> = sources
        .iter()
        .map(|source| {
            let shown = source.to_string().replace('\\', "/");
            let name = shown.rsplit_once(&format!("{}/", folder.display()));
            let name = name.map_or("", |(_, name)| name).to_owned();
            let dump = match Dump::open(source, &ReadOptions::default()) {
                Ok(dump) => dump,
                Err(Error::UnknownFormat { reason, .. }) => {
                    return format!("{name}: {}", reason.split(';').next().unwrap_or(""));
                }
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    let said = cause.unwrap_or_else(|| error.to_string());
                    let said = said
                        .find("not a whole zip archive")
                        .map_or(&*said, |at| &said[at..at + 23]);
                    return format!("{name}: {said}");
                }
            };
            let items: Vec<_> = dump.collect();
            let n_papers = items.iter().filter(|item| item.is_ok()).count();
            let others = items.iter().filter_map(|item| item.as_ref().err());
            let others: String = others.map(|other| format!(" {}", other.reason)).collect();
            format!("{name}: {n_papers}{others}")
        })
        .collect();
    assert_eq!(shown, expected, "{name}");
}

const CUT: &str = "the dump is cut off here: everything before was read";

#[test]
fn every_compression_is_read_in_several_parts() {
    for compress in [gzip, zstd, bzip2, xz] {
        let parts = [
            compress(GOOD.as_bytes()),
            compress(b"\n"),
            compress(GOOD.as_bytes()),
        ];
        crate::tests::check(parts.concat(), &["2503.11731"; 2]);
    }
}

#[test]
fn every_compression_that_is_cut_keeps_what_came_before() {
    let text = records(30_000);
    for compress in [gzip, zstd, bzip2, xz] {
        let whole = compress(text.as_bytes());
        let (_, items) = crate::tests::read("x", &whole[..whole.len() - 20]);
        let n_papers = items.iter().filter(|item| item.is_ok()).count();
        assert!(n_papers > 10_000, "{n_papers}");
        let last = items.last().expect("an item").as_ref().expect_err("cut");
        assert_eq!(last.reason, Rejection::Cut);
        let half = compress(b"x");
        assert!(crate::tests::open("x", &half[..half.len() / 2]).is_err());
    }
}

#[test]
fn every_compression_that_is_damaged_says_so() {
    let text = records(30_000);
    for compress in [gzip, bzip2, xz] {
        let mut damaged = compress(text.as_bytes());
        let middle = damaged.len() / 2;
        damaged[middle..middle + 40].fill(0xA5);
        let (_, items) = crate::tests::read("x", damaged);
        assert!(items[0].is_ok());
        let last = items
            .last()
            .expect("an item")
            .as_ref()
            .expect_err("damaged");
        assert!(matches!(last.reason, Rejection::Corrupt { .. }), "{last}");
    }
}

#[test]
fn what_is_compressed_twice_is_no_dump() {
    for compress in [gzip, zstd, bzip2, xz] {
        let error = crate::tests::open("x", gzip(&compress(GOOD.as_bytes()))).err();
        let said = error.expect("an error").to_string();
        assert!(said.contains("twice"), "{said}");
    }
}

#[test]
fn text_in_utf_16_is_read_plain_and_compressed() {
    let text = "\u{feff}id,title\r\n1,\u{c9}tude\r\n";
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    crate::tests::check(bytes.clone(), &["1"]);
    crate::tests::check(gzip(&bytes), &["1"]);
    let json: Vec<u8> = format!("\u{feff}{GOOD}")
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    crate::tests::check(json, &["2503.11731"]);
}

#[test]
fn a_folder_is_its_files_and_the_members_of_its_archives() {
    let csv = b"id,title\n1,A\n2,B\n";
    let inner = zip(&[
        deflated("b/2026-03-13.csv", csv),
        stored("a.jsonl.gz", &gzip(GOOD.as_bytes())),
    ]);
    let folder = folder(&[
        ("d/b.csv", csv),
        ("d/a/z.jsonl", GOOD.as_bytes()),
        ("d/c.zip", &inner),
        ("d/.hidden.csv", csv),
        ("d/.git/x.csv", csv),
        ("d/notes.txt", b"Dear all,\nno papers.\n"),
        ("d/e.zip", b"PK\x03\x04 no archive"),
    ]);
    check(
        folder.path(),
        "d",
        &[
            "d/a/z.jsonl: 1",
            "d/b.csv: 2",
            "d/c.zip/a.jsonl.gz: 1",
            "d/c.zip/b/2026-03-13.csv: 2",
            "d/e.zip: not a whole zip archive",
            "d/notes.txt: it looks like text that holds neither JSON records nor titles followed by abstracts",
        ],
    );
    check(folder.path(), "d/b.csv", &["d/b.csv: 2"]);
    assert!(
        Source::File(folder.path().join("d/e.zip"))
            .expanded()
            .is_err()
    );
    assert!(
        Source::File(folder.path().join("missing"))
            .expanded()
            .is_err()
    );
    assert_eq!(Source::Stdin.expanded().expect("itself"), [Source::Stdin]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    let folder = folder(&[
        ("d/a.csv", b"id,title\n1,A\n"),
        ("f/b.csv", b"id,title\n1,A\n"),
    ]);
    let link = |to: &str, at: &str| {
        std::os::unix::fs::symlink(folder.path().join(to), folder.path().join(at)).expect("a link");
    };
    link("d", "d/circle");
    link("f/b.csv", "d/b.csv");
    link("nowhere", "d/c.csv");
    check(
        folder.path(),
        "d",
        &[
            "d/a.csv: 1",
            "d/b.csv: 1",
            "d/c.csv: No such file or directory (os error 2)",
        ],
    );
}

#[test]
fn a_member_takes_its_day_from_its_name_and_shows_a_clean_one() {
    let csv = b"id,title\n1,A\n";
    let archive = zip(&[
        stored("../../etc/2026-03-13.csv", csv),
        stored("/\x1b[31mroot.csv", csv),
        stored("__MACOSX/._x.csv", csv),
        stored("x/.hidden", csv),
        stored("folder/", b""),
    ]);
    let folder = folder(&[("x.zip", &archive)]);
    check(
        folder.path(),
        "x.zip",
        &["x.zip/etc/2026-03-13.csv: 1", "x.zip/[31mroot.csv: 1"],
    );
    let sources = Source::File(folder.path().join("x.zip"))
        .expanded()
        .expect("sources");
    let mut dump = Dump::open(&sources[0], &ReadOptions::default()).expect("a dump");
    assert_eq!(dump.context.listed, "2026-03-13".parse().ok());
    assert_eq!(dump.by_ref().count(), 1);
    assert_eq!(dump.total_bytes(), Some(csv.len() as u64));
    assert_eq!(dump.bytes_read(), csv.len() as u64);
}

#[test]
fn members_that_cannot_be_read_say_why() {
    let csv: Vec<u8> = std::iter::once("id,title\n".to_owned())
        .chain((0..5000).map(|n| format!("{n},Title {n}\n")))
        .collect::<String>()
        .into_bytes();
    let mut encrypted = stored("a.csv", &csv);
    encrypted.flags = 1;
    let mut odd = stored("b.csv", &csv);
    odd.method = 9;
    let mut short = deflated("c.csv", &csv);
    short.stored.truncate(short.stored.len() / 2);
    let mut wrong = stored("d.csv", &csv);
    wrong.stored[9] = b'7';
    let folder = folder(&[("x.zip", &zip(&[encrypted, odd, short, wrong]))]);
    let sources = Source::File(folder.path().join("x.zip"))
        .expanded()
        .expect("sources");
    let open = |idx: usize| Dump::open(&sources[idx], &ReadOptions::default());
    for (idx, words) in [(0, "is encrypted"), (1, "is compressed by")] {
        let error = open(idx).err().expect("an error");
        let cause = std::error::Error::source(&error)
            .expect("a cause")
            .to_string();
        assert!(cause.contains(words), "{cause}");
    }
    let end = |idx: usize| {
        let items: Vec<_> = open(idx).expect("a dump").collect();
        let n_papers = items.iter().filter(|item| item.is_ok()).count();
        let last = items.last().expect("an item").as_ref().expect_err("an end");
        (n_papers, last.reason.to_string())
    };
    let (n_papers, said) = end(2);
    assert!(n_papers > 1000 && said == CUT, "{n_papers} {said}");
    let (n_papers, said) = end(3);
    assert!(
        n_papers == 5000 && said.contains("checksum"),
        "{n_papers} {said}"
    );
}

#[test]
fn an_office_document_is_no_archive() {
    let archive = zip(&[
        stored("[Content_Types].xml", b"<Types/>"),
        stored("xl/a.xml", b"<a/>"),
    ]);
    let folder = folder(&[("x.xlsx", &archive)]);
    check(
        folder.path(),
        "x.xlsx",
        &["x.xlsx: it looks like a zip archive, which is only read from a file of its own"],
    );
}

#[test]
fn data_that_grows_beyond_measure_ends() {
    let mut text = GOOD.as_bytes().to_vec();
    text.resize(200 << 20, b'\n');
    let (_, items) = crate::tests::read("x", zstd(&text));
    assert!(items[0].is_ok());
    let last = items[1].as_ref().expect_err("a bomb");
    assert!(matches!(last.reason, Rejection::Bomb { .. }), "{last}");
}

#[test]
fn the_directory_of_an_archive_is_read_once() {
    let time = |n: usize| {
        let names: Vec<String> = (0..n).map(|i| format!("{i}.jsonl")).collect();
        let members: Vec<Member<'_>> = names
            .iter()
            .map(|name| stored(name, GOOD.as_bytes()))
            .collect();
        let folder = folder(&[("a.zip", &zip(&members))]);
        let start = std::time::Instant::now();
        let sources = Source::File(folder.path().join("a.zip"));
        let sources = sources.expanded().expect("members");
        let read = |source: &Source| {
            let dump = Dump::open(source, &ReadOptions::default());
            dump.expect("a dump").filter(Result::is_ok).count()
        };
        assert_eq!(sources.iter().map(read).sum::<usize>(), n);
        start.elapsed()
    };
    let (some, many) = (time(1_000), time(8_000));
    let limit = 24 * some + std::time::Duration::from_millis(150);
    assert!(many < limit, "{some:?}, eightfold {many:?}");
}

#[test]
fn a_member_that_is_damaged_does_not_hide_the_others() {
    let good = GOOD.as_bytes();
    let mut archive = zip(&[stored("a.jsonl", good), stored("b.jsonl", good)]);
    let second = archive
        .windows(4)
        .skip(1)
        .position(|part| part == b"PK\x03\x04");
    archive[second.expect("a second member") + 1] = b'X';
    let folder = folder(&[("a.zip", &archive)]);
    let damaged = "a.zip/b.jsonl: the header before the member's bytes is damaged";
    check(folder.path(), "a.zip", &["a.zip/a.jsonl: 1", damaged]);
}

#[test]
fn an_archive_that_claims_more_members_than_it_has_bytes_is_refused() {
    let good = GOOD.as_bytes();
    let mut archive = zip(&[stored("a.jsonl", good)]);
    let end = archive.len() - 22;
    let directory_at = archive.windows(4).position(|part| part == b"PK\x01\x02");
    let directory_at = directory_at.expect("a directory") as u64;
    archive.truncate(end);
    let claimed = 1_u64 << 40;
    archive.extend(b"PK\x06\x06");
    archive.extend(44_u64.to_le_bytes());
    archive.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [claimed, claimed, claimed * 46, directory_at] {
        archive.extend(number.to_le_bytes());
    }
    archive.extend(b"PK\x06\x07\0\0\0\0");
    archive.extend((end as u64).to_le_bytes());
    archive.extend([1, 0, 0, 0]);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([0xFF; 12]);
    archive.extend([0, 0]);
    let folder = folder(&[("a.zip", &archive)]);
    let source = Source::File(folder.path().join("a.zip"));
    let opened = Dump::open(&source, &ReadOptions::default()).err();
    for error in [source.expanded().err(), opened] {
        let said = error.expect("a false count").to_string();
        assert!(said.contains("not a whole zip archive"), "{said}");
        assert!(said.contains("claims 1099511627776 members"), "{said}");
    }
}

#[test]
fn members_of_one_name_are_all_read() {
    let texts = ["a", "b", "c"].map(|id| format!("{{\"id\":\"{id}\",\"title\":\"On {id}\"}}\n"));
    let members: Vec<Member<'_>> = texts
        .iter()
        .map(|text| stored("x.jsonl", text.as_bytes()))
        .collect();
    {
        let folder = folder(&[("a.zip", &zip(&members))]);
        let source = Source::File(folder.path().join("a.zip"));
        let read = |source: &Source| {
            let dump = Dump::open(source, &ReadOptions::default()).expect("a dump");
            let items = dump.map(|item| item.expect("a paper").into_paper());
            items
                .map(|paper| paper.expect("a paper").title)
                .collect::<Vec<_>>()
        };
        let sources = source.expanded().expect("members");
        let titles: Vec<String> = sources.iter().flat_map(read).collect();
        assert_eq!(titles, ["On a", "On b", "On c"]);
    }
}

#[test]
fn a_long_beginning_does_not_hide_the_format() {
    let long = "x".repeat(100_000);
    let comment = "% a comment\n".repeat(9_000);
    let columns: Vec<String> = (0..20_000).map(|i| format!("c{i}")).collect();
    let cells = ",".repeat(20_000);
    for (text, expected) in [
        (
            format!("{{\"abstract\":\"{long}\",\"title\":\"On X\",\"id\":\"a\"}}\n"),
            Format::JsonRecords,
        ),
        (
            format!(
                "{}{{\"title\":\"On X\",\"id\":\"a\"}}\n",
                " \n".repeat(70_000)
            ),
            Format::JsonRecords,
        ),
        (
            format!("{comment}@article{{a, title={{On X}}}}\n"),
            Format::Bibtex,
        ),
        (
            format!(
                "<?xml version=\"1.0\"?><!-- {long} --><PubmedArticleSet><PubmedArticle><MedlineCitation>\
                 <PMID>1</PMID><Article><ArticleTitle>On X</ArticleTitle></Article></MedlineCitation>\
                 </PubmedArticle></PubmedArticleSet>"
            ),
            Format::PubmedXml,
        ),
        (
            format!("title,{}\nOn X{cells}\n", columns.join(",")),
            Format::Delimited,
        ),
    ] {
        let dump = crate::tests::open("x", text.as_bytes()).expect("a dump");
        assert_eq!(dump.format(), expected, "{}", &text[..40]);
        let titles: Vec<String> = dump
            .map(|item| item.expect("a paper").into_paper().expect("a paper").title)
            .collect();
        assert_eq!(titles, ["On X"], "{}", &text[..40]);
    }
}

#[test]
fn what_was_not_looked_at_is_not_spoken_of() {
    let error = crate::tests::open("x", b"no paper here\n".repeat(100_000)).err();
    let said = error.expect("no dump").to_string();
    assert!(said.contains("its first 1024 KiB look like"), "{said}");
}
