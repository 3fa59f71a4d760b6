#!/usr/bin/env python3
"""Proves the vectors that akin computes on a GPU, and measures it beside sentence-transformers.

    . target/cuda-13.0/env.sh       # of scripts/cuda_toolkit.sh; not where there is CUDA already
    venv/bin/python scripts/bench_gpu.py [--scifact FOLDER]

One run: akin is built with the feature cuda, its golden tests run on the GPU, 2,000 abstracts are embedded
on the CPU in f32 and on the GPU, SciFact is asked by both, and both programs embed the same papers in turn.
sentence-transformers computes in f16, sorted by length, with the best of several batch sizes. Prints one JSON
object a line and a table at the end. Where something is missing that line says so, and the rest is done.
--device cpu is for trying the script out where there is no GPU.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "tests" / "data" / "arxiv-1000.jsonl"
MODEL = ROOT / "models" / "all-MiniLM-L6-v2"
BATCH_SIZES = (64, 128, 256, 512, 1024)
# Products of one token in MiniLM-L6: 6 layers of 12 * 384^2 weights, and those of attention.
FLOP_A_WEIGHT = 2 * 6 * 12 * 384 * 384
FLOP_A_PAIR = 2 * 6 * 2 * 384


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--akin", help="a program that is built already")
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--papers", type=int, default=100_000, help="how many are embedded for speed")
    parser.add_argument("--compared", type=int, default=2000, help="how many abstracts are compared")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scifact", help="its BEIR folder")
    return parser.parse_args()


def say(**line):
    print(json.dumps(line), flush=True)
    return line


def attempt(what, function):
    """Returns what the function does; None where it cannot be done, and says why."""
    try:
        return function()
    except Exception as error:  # what is missing must not end the rest
        say(step=what, failed=str(error)[-600:])
        return None


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=ROOT)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{command[0]} exits with {done.returncode}: {done.stderr[-500:]}")
    return done


def build(args):
    if args.akin:
        return pathlib.Path(args.akin).resolve()
    features = ["--features", "cuda"] if args.device == "cuda" else []
    start = time.time()
    run("cargo", "build", "--release", *features)
    say(step="build", seconds=round(time.time() - start))
    if features:
        tests = run("cargo", "test", "--release", *features, "--test", "suite", "--", "on_a_gpu")
        say(step="golden tests on the GPU", passed="test result: ok. 1 passed" in tests.stdout)
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    return pathlib.Path(target) / "release" / "akin"


def papers(n):
    """Returns so many papers of the sample, again and again, each a little different."""
    sample = [json.loads(line) for line in SAMPLE.open(encoding="utf-8")]
    turn = lambda i: {"id": f"x/{i}", "title": sample[i % 1000]["title"], "abstract": f"{sample[i % 1000]['abstract']} {i}"}
    return [turn(i) for i in range(n)]


def write(folder, name, records):
    path = pathlib.Path(folder) / name
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def tokens_a_paper():
    """Returns how many tokens of a paper the model sees, on average."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    texts = [f"{paper['title']}. {paper['abstract']}" for paper in papers(1000)]
    return statistics.mean(len(encoding.ids) for encoding in tokenizer.encode_batch(texts))


def embed(akin, dump, device, precision, to):
    """Returns how long it takes to embed a dump, from the program's start to the vectors on the disk."""
    start = time.time()
    run(akin, "embed", dump, "--device", device, "--precision", precision, "-o", to, "-q")
    return time.time() - start


def parity(akin, args, folder):
    import numpy

    dump = write(folder, "compared.jsonl", papers(args.compared))
    vectors = {}
    for device, precision in (("cpu", "f32"), (args.device, "auto")):
        to = pathlib.Path(folder) / f"{device}-{precision}.npy"
        embed(akin, dump, device, precision, to)
        rows = numpy.load(to).astype(numpy.float64)
        vectors[device, precision] = rows / numpy.linalg.norm(rows, axis=1, keepdims=True)
    one, other = vectors.values()
    cosines = (one * other).sum(axis=1)
    return say(step="parity", papers=len(cosines), least_cosine=float(cosines.min()), mean=float(cosines.mean()))


def quality(akin, args):
    def ndcg(device, precision):
        command = (akin, "eval", args.scifact, "--dense", "--exact", "--device", device, "--precision", precision)
        with tempfile.TemporaryDirectory() as cache:
            done = subprocess.run([*map(str, command), "--json", "-q"], capture_output=True, text=True,
                                  env={**os.environ, "XDG_CACHE_HOME": cache})
        return json.loads(done.stdout.splitlines()[-1])["ndcg@10"]

    return say(step="SciFact", cpu_f32=ndcg("cpu", "f32"), device=ndcg(args.device, "auto"))


def peak():
    """Returns the bf16 matrix rate of the GPU in FLOP/s, of large products."""
    import torch

    n = 8192
    a, b = (torch.randn(n, n, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    for _ in range(10):
        a @ b
    torch.cuda.synchronize()
    start = time.time()
    for _ in range(50):
        a @ b
    torch.cuda.synchronize()
    return 50 * 2 * n**3 / (time.time() - start)


def rival(args):
    """Returns sentence-transformers' rate as a function, at its best batch size."""
    import torch
    from sentence_transformers import SentenceTransformer

    texts = [f"{paper['title']}. {paper['abstract']}" for paper in papers(args.papers)]
    on_gpu = args.device == "cuda"
    dtype = torch.float16 if on_gpu else torch.float32
    model = SentenceTransformer(str(MODEL), device=args.device, local_files_only=True, model_kwargs={"dtype": dtype})

    def rate(batch_size, texts):
        start = time.time()
        model.encode(texts, batch_size=batch_size, show_progress_bar=False)
        return len(texts) / (time.time() - start)

    few = texts[: max(200, args.papers // 10)]
    rate(BATCH_SIZES[0], few[:64])
    best = max(BATCH_SIZES, key=lambda size: rate(size, few))
    say(step="sentence-transformers", best_batch_size=best)
    return lambda: rate(best, texts)


def speed(akin, args, folder):
    dump = write(folder, "many.jsonl", papers(args.papers))
    other = attempt("sentence-transformers", lambda: rival(args))
    rates = {"akin": [], "sentence-transformers": []}
    for _ in range(args.rounds):
        seconds = embed(akin, dump, args.device, "auto", pathlib.Path(folder) / "many.npy")
        rates["akin"].append(args.papers / seconds)
        if other:
            rates["sentence-transformers"].append(other())
    medians = {name: statistics.median(all) for name, all in rates.items() if all}
    line = {"step": "speed", "papers": args.papers, "papers_a_second": medians, "rounds": rates}
    if "sentence-transformers" in medians:
        line["times_as_fast"] = medians["akin"] / medians["sentence-transformers"]
    tokens = tokens_a_paper()
    tokens_a_second = tokens * medians["akin"]
    flop = tokens_a_second * (FLOP_A_WEIGHT + FLOP_A_PAIR * tokens)
    line |= {"tokens_a_second": tokens_a_second, "flop_a_second": flop}
    if args.device == "cuda":
        most = attempt("peak", peak)
        line |= {"peak": most, "share_of_peak": flop / most} if most else {}
    return say(**line)


def main():
    args = arguments()
    akin = build(args)
    with tempfile.TemporaryDirectory() as folder:
        found = [
            attempt("parity", lambda: parity(akin, args, folder)),
            attempt("SciFact", lambda: quality(akin, args)) if args.scifact else None,
            attempt("speed", lambda: speed(akin, args, folder)),
        ]
    print("\n| what | found | wanted |\n|---|---|---|")
    for line in filter(None, found):
        if line["step"] == "parity":
            print(f"| least cosine over {line['papers']} abstracts | {line['least_cosine']:.6f} | 0.9999 |")
        elif line["step"] == "SciFact":
            print(f"| SciFact nDCG@10, CPU f32 and here | {line['cpu_f32']:.4f}, {line['device']:.4f} | within 0.002 |")
        else:
            print(f"| papers/s, from JSON Lines to vectors | {line['papers_a_second']['akin']:.0f} | 10,000 |")
            if "times_as_fast" in line:
                print(f"| times sentence-transformers | {line['times_as_fast']:.2f} | 2 |")
            if "share_of_peak" in line:
                print(f"| share of the bf16 matrix peak | {line['share_of_peak']:.3f} | |")
    sys.exit(0 if all(found[i] for i in (0, 2)) else 1)


if __name__ == "__main__":
    main()
