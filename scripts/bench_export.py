#!/usr/bin/env python3
"""Exports a dump in every format, reads each file with a fresh library, and compares the papers.

    cargo build --release
    python3 scripts/bench_export.py DUMP [DUMP ...] [--limit 10000] [--akin target/release/akin]

The dumps go into one library, of the tiny random model in tests/data: nothing is searched here. `akin export`
writes it in each format, and `akin add` reads that file into a library of its own. Papers are matched by
an id and the title, else by title, else by any id. Prints one JSON object a format: the rates, the
number of papers, and in how many each field differs. `--limit` takes the first records of dumps in
lines.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FORMATS = {"bibtex": "bib", "ris": "ris", "csl-json": "json", "csv": "csv", "json": "jsonl"}
FIELDS = ["ids", "title", "authors", "date", "journal", "volume", "categories", "abstract"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dumps", nargs="+")
    parser.add_argument("--akin", default=os.path.join(ROOT, "target", "release", "akin"))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--examples", type=int, default=0, help="differences to print on stderr")
    return parser.parse_args()


def run(akin, library, *args):
    env = dict(os.environ, AKIN_LIBRARY=library)
    start = time.monotonic()
    done = subprocess.run([akin, *args], env=env, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{args}: {done.stderr}")
    return done.stdout, time.monotonic() - start


def add(akin, library, *dumps):
    model = os.path.join(ROOT, "tests", "data", "models", "tiny-bert-cls")
    report, seconds = run(akin, library, "add", "--json", "--model", model, *dumps)
    return json.loads(report.splitlines()[0]), seconds


def head(dump, n, folder):
    """The first records of a dump in lines, as a file; the dump itself without a limit."""
    if n is None:
        return dump
    path = os.path.join(folder, "head.jsonl")
    command = f"{'zstd -dc' if dump.endswith('.zst') else 'cat'} '{dump}' | head -n {n} > '{path}'"
    subprocess.run(command, shell=True, check=True)
    return path


def is_known(identifier):
    """Whether an id names a work anywhere, as far as a look tells."""
    return identifier.startswith(("10.", "pmid:", "PMC", "corpusid:")) or (
        identifier.replace(".", "").isdigit() and "." in identifier) or (
        "/" in identifier and identifier.split("/")[-1].isdigit()) or (
        identifier[:1] == "W" and identifier[1:].isdigit()) or (
        len(identifier) == 40 and all(c in "0123456789abcdef" for c in identifier)) or (
        "#" not in identifier and "-" in identifier and identifier[-1:].isdigit() and "." in identifier) or (
        len(identifier) == 8 and identifier[3:4] == "-" and identifier[1:3].isdigit())


def papers(akin, library):
    listed, _ = run(akin, library, "list", "--all", "--json")
    found = []
    for line in listed.splitlines():
        paper = json.loads(line)
        ids = [paper["id"], *paper.get("aliases", [])]
        fields = {name: paper.get(name) for name in FIELDS[1:]}
        fields["ids"] = sorted(set(filter(is_known, ids)))
        found.append((paper["id"], fields))
    return found


def index(found):
    by_name = {}
    for own, fields in found:
        for name in names(own, fields):
            by_name.setdefault(name, (own, fields))
    return by_name


def around(one, other):
    """Both texts from shortly before their first difference on."""
    start = max(len(os.path.commonprefix([one, other])) - 40, 0)
    return one[start : start + 160], other[start : start + 160]


def names(own, fields):
    """What a paper can be found by, the surest first."""
    title = fields["title"]
    of_title = [f"{name} {title}" for name in ["own " + own, *fields["ids"]]]
    return [*of_title, "title " + title, "own " + own, *fields["ids"]]


def compare(before, after, n_examples):
    by_name = index(after)
    differing = dict.fromkeys(["missing", *FIELDS], 0)
    for own, fields in before:
        match = next((by_name[name] for name in names(own, fields) if name in by_name), None)
        if match is None:
            differing["missing"] += 1
            continue
        for name in FIELDS:
            one, other = fields[name], match[1][name]
            if (one or None) != (other or None):
                differing[name] += 1
                if n_examples > 0:
                    n_examples -= 1
                    print(name, own, *around(repr(one), repr(other)), sep="\n  ", file=sys.stderr)
    return differing


def main():
    args = arguments()
    with tempfile.TemporaryDirectory() as folder:
        dumps = [head(dump, args.limit, folder) for dump in args.dumps]
        library = os.path.join(folder, "library")
        add(args.akin, library, *dumps)
        before = papers(args.akin, library)
        for name, extension in FORMATS.items():
            file = os.path.join(folder, "out." + extension)
            _, written = run(args.akin, library, "export", "-o", file)
            fresh = os.path.join(folder, "fresh-" + name)
            report, read = add(args.akin, fresh, file)
            after = papers(args.akin, fresh)
            result = {
                "format": name,
                "papers": len(before),
                "papers_again": len(after),
                "rejected": report.get("rejected"),
                "written_per_second": round(len(before) / written),
                "bytes": os.path.getsize(file),
                "differing": compare(before, after, args.examples),
            }
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
