#!/usr/bin/env python3
"""Measures how well akin finds beside other programs: the same papers and questions, in one run.

    python3 -m venv venv && venv/bin/pip install -r scripts/requirements.txt
    cargo build --release
    venv/bin/python scripts/bench_quality.py FOLDER [FOLDER ...]

Each FOLDER is one of BEIR (corpus.jsonl, queries.jsonl, qrels/test.tsv). The others are bm25s (BM25 as
Lucene has it, English stop words, Snowball) and sentence-transformers with akin's model, compared
exactly. Everybody's first 100 papers are measured by ir-measures. Prints one JSON object a line: the
program, nDCG@10 and Recall@100, and seconds (of all of it: indexing the papers and answering the
questions).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DEPTH = 100


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--akin", default=os.path.join(ROOT, "target", "release", "akin"))
    parser.add_argument("--model", default=os.path.join(ROOT, "models", "all-MiniLM-L6-v2"))
    parser.add_argument("--split", default="test")
    parser.add_argument("--rerank", help="a cross-encoder's folder, for akin")
    return parser.parse_args()


def read(folder, split):
    lines = lambda name: [json.loads(line) for line in open(os.path.join(folder, name), encoding="utf-8")]
    qrels = {}
    with open(os.path.join(folder, "qrels", split + ".tsv"), encoding="utf-8") as file:
        next(file)
        for line in file:
            query, paper, grade = line.rstrip("\n").split("\t")
            qrels.setdefault(query, {})[paper] = int(grade)
    judged = {query for query, grades in qrels.items() if any(grade > 0 for grade in grades.values())}
    queries = [(q["_id"], q["text"]) for q in lines("queries.jsonl") if q["_id"] in judged]
    papers = [(p["_id"], p.get("title", ""), p["text"]) for p in lines("corpus.jsonl")]
    papers = [paper for paper in papers if (paper[1] + paper[2]).strip()]
    return papers, queries, {query: qrels[query] for query, _ in queries}


def bm25(papers, queries):
    import bm25s
    import Stemmer

    stemmer = Stemmer.Stemmer("english")
    words = lambda texts: bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False)
    index = bm25s.BM25(method="lucene")
    index.index(words([f"{title} {text}" for _, title, text in papers]), show_progress=False)
    found, scores = index.retrieve(
        words([text for _, text in queries]), k=min(DEPTH, len(papers)), show_progress=False
    )
    return {
        query: {papers[place][0]: float(score) for place, score in zip(places, row)}
        for (query, _), places, row in zip(queries, found, scores)
    }


def sentence_transformers(papers, queries, model):
    import numpy
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(model, device="cpu")
    encode = lambda texts: encoder.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    ends = lambda title: title.endswith((".", "?", "!"))
    passage = lambda title, text: " ".join(
        part for part in (title if not title or ends(title) or not text else title + ".", text) if part
    )
    rows = encode([passage(title, text) for _, title, text in papers])
    similarities = encode([text for _, text in queries]) @ rows.T
    run = {}
    for (query, _), row in zip(queries, similarities):
        best = numpy.argsort(-row, kind="stable")[:DEPTH]
        run[query] = {papers[place][0]: float(row[place]) for place in best}
    return run


def akin(program, folder, split, *flags):
    with tempfile.TemporaryDirectory() as cache:
        path = os.path.join(cache, "run")
        environment = dict(os.environ, XDG_CACHE_HOME=cache)
        command = [program, "eval", "--precision", "f32", folder, "--split", split, "--run", path, "-q", *flags]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        run = {}
        for line in open(path, encoding="utf-8"):
            query, _, paper, _, score, _ = line.split()
            run.setdefault(query, {})[paper] = float(score)
        return run


def main():
    import ir_measures
    from ir_measures import R, nDCG

    args = arguments()
    for folder in args.folders:
        papers, queries, qrels = read(folder, args.split)
        ours = lambda *flags: lambda: akin(args.akin, folder, args.split, *flags)
        programs = {
            "bm25s": lambda: bm25(papers, queries),
            "sentence-transformers, exact": lambda: sentence_transformers(papers, queries, args.model),
            "akin --lexical": ours("--lexical"),
            "akin --dense --exact": ours("--dense", "--exact"),
            "akin": ours(),
        }
        if args.rerank:
            programs["akin --rerank"] = ours("--rerank", args.rerank)
        for name, program in programs.items():
            begun = time.perf_counter()
            run = program()
            seconds = time.perf_counter() - begun
            values = ir_measures.calc_aggregate([nDCG @ 10, R @ 100], qrels, run)
            line = {"folder": os.path.basename(os.path.normpath(folder)), "program": name}
            line.update({str(measure): round(value, 4) for measure, value in values.items()})
            print(json.dumps({**line, "seconds": round(seconds, 1)}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
