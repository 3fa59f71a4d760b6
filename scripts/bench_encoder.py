#!/usr/bin/env python3
"""Times akin against sentence-transformers on the same texts, round after round in one run.

    python3 -m venv venv && venv/bin/pip install -r scripts/requirements.txt
    cargo build --release
    venv/bin/python scripts/bench_encoder.py MODEL DUMP --papers 500 --rounds 5

MODEL is the folder that both load (models/all-MiniLM-L6-v2 will do: its weights become f32 in
sentence-transformers too), DUMP any dump that akin reads. Each round runs akin in f32, akin in int8
and sentence-transformers, one after another, on the same number of threads. akin's time is that of
the whole process (`akin embed`: start, load, read, embed, write); sentence-transformers' is that of
`encode` alone, after a warm-up, at the best of two batch sizes. Prints one JSON object a line: the
ratio of the medians first. The vectors of both are compared, so only papers are taken whose text
akin leaves as it is (no TeX, no entities).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("dump", help="JSON Lines with title and abstract")
    parser.add_argument("--papers", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--akin", default="target/release/akin")
    return parser.parse_args()


def passage(paper):
    title, abstract = (" ".join(paper[name].split()) for name in ("title", "abstract"))
    stop = " " if title.endswith((".", "?", "!")) else ". "
    return title + stop + abstract


def is_plain(paper):
    """Whether akin's cleaning leaves the text alone."""
    text = paper["title"] + paper["abstract"]
    return text.isascii() and not any(mark in text for mark in ("\\", "~", "--", "&", "<", "{"))


def main():
    args = arguments()
    os.environ.update(OMP_NUM_THREADS=str(args.threads), HF_HUB_OFFLINE="1")
    os.environ["RAYON_NUM_THREADS"] = str(args.threads)
    import numpy
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(args.threads)
    with open(args.dump, encoding="utf-8") as lines:
        papers = [paper for paper in map(json.loads, lines) if is_plain(paper)][: args.papers]
    texts = [passage(paper) for paper in papers]
    folder = tempfile.mkdtemp()
    dump = os.path.join(folder, "dump.jsonl")
    with open(dump, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(paper) + "\n" for paper in papers)

    model = SentenceTransformer(
        args.model, device="cpu", model_kwargs={"dtype": torch.float32}
    )

    def rival(batch):
        start = time.perf_counter()
        vectors = model.encode(texts, batch_size=batch, show_progress_bar=False)
        return time.perf_counter() - start, vectors

    def akin(precision):
        out = os.path.join(folder, precision + ".npy")
        command = [args.akin, "embed", dump, "-o", out, "--model", args.model, "--quiet"]
        command += ["--precision", precision, "--threads", str(args.threads)]
        start = time.perf_counter()
        subprocess.run(command, check=True)
        return time.perf_counter() - start, numpy.load(out)

    model.encode(texts[:32], show_progress_bar=False)
    runs = {
        "akin f32": lambda: akin("f32"),
        "akin int8": lambda: akin("int8"),
        "sentence-transformers f32, batch 8": lambda: rival(8),
        "sentence-transformers f32, batch 32": lambda: rival(32),
    }
    seconds = {name: [] for name in runs}
    vectors = {}
    for number in range(args.rounds):
        for name, run in runs.items():
            taken, vectors[name] = run()
            seconds[name].append(taken)
        print(f"round {number + 1} of {args.rounds}", file=sys.stderr)
    tokens = model.tokenizer(texts, truncation=True, max_length=model.max_seq_length)
    n_tokens = sum(len(ids) for ids in tokens["input_ids"])
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    best_rival = min(taken for name, taken in medians.items() if not name.startswith("akin"))
    reference = vectors["sentence-transformers f32, batch 8"]
    for name, taken in medians.items():
        cosines = (vectors[name] * reference).sum(axis=1)
        line = {
            "times_sentence_transformers": round(best_rival / taken, 2),
            "encoder": name,
            "papers_per_s": round(len(texts) / taken, 1),
            "tokens_per_s": round(n_tokens / taken),
            "cosine_min": round(float(cosines.min()), 6),
            "cosine_mean": round(float(cosines.mean()), 6),
            "papers": len(texts),
            "tokens": n_tokens,
            "threads": args.threads,
            "seconds": [round(s, 3) for s in seconds[name]],
        }
        print(json.dumps(line))


if __name__ == "__main__":
    main()
