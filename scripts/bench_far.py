#!/usr/bin/env python3
"""Measures how often akin says that nothing is close to a question, rightly and wrongly.

    cargo build --release
    python3 scripts/bench_far.py FOLDER FOLDER [FOLDER ...] [--questions 60]

Each FOLDER is one of BEIR (corpus.jsonl, queries.jsonl, qrels/test.tsv). The first --questions judged
questions of each, spread over it, are asked of every corpus: of their own, where something is close,
and of the others', where nothing is meant to be. Prints one JSON object a pair, then the two totals. The
folders' subjects are to be different ones; a question may fit another's corpus all the same.
"""

import argparse
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--akin", default=os.path.join(ROOT, "target", "release", "akin"))
    parser.add_argument("--questions", type=int, default=60)
    return parser.parse_args()


def questions_of(folder, n):
    with open(os.path.join(folder, "qrels", "test.tsv"), encoding="utf-8") as file:
        next(file)
        judged = {line.split("\t")[0] for line in file}
    with open(os.path.join(folder, "queries.jsonl"), encoding="utf-8") as file:
        texts = [q["text"] for q in map(json.loads, file) if q["_id"] in judged]
    n = min(n, len(texts))
    return [texts[i * len(texts) // n] for i in range(n)]


def is_far(akin, corpus, question):
    # From stdin: the words of a question from a collection are no conditions.
    command = [akin, "search", "--in", corpus, "-"]
    ran = subprocess.run(command, input=question, capture_output=True, text=True)
    if ran.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)}: {ran.stderr}")
    return ran.returncode == 1 and "nothing here is close" in ran.stderr


def main():
    args = arguments()
    totals = {True: [0, 0], False: [0, 0]}
    for library in args.folders:
        for asked in args.folders:
            corpus = os.path.join(library, "corpus.jsonl")
            questions = questions_of(asked, args.questions)
            n_far = sum(is_far(args.akin, corpus, question) for question in questions)
            total = totals[library == asked]
            total[0] += n_far
            total[1] += len(questions)
            names = [os.path.basename(os.path.normpath(folder)) for folder in (library, asked)]
            line = {"library": names[0], "questions of": names[1]}
            print(json.dumps({**line, "far": n_far, "of": len(questions)}), flush=True)
    for own, (n_far, n) in totals.items():
        print(json.dumps({"own": own, "far": n_far, "of": n, "share": round(n_far / n, 3)}))


if __name__ == "__main__":
    sys.exit(main())
