#!/usr/bin/env python3
"""Proves the vectors that akin computes on a GPU, and measures it beside sentence-transformers.

    . target/cuda-13.0/env.sh       # of scripts/cuda_toolkit.sh; not where there is CUDA already
    venv/bin/python scripts/bench_gpu.py [--scifact FOLDER]

One run: akin is built with the feature cuda, the golden embeddings of every architecture are compared and the
golden tests run on the GPU, 2,000 abstracts are embedded on the CPU in f32 and on the GPU, compute-sanitizer
looks for reads out of bounds and races, SciFact is asked by both, both programs embed the same papers in turn,
akin takes them into a library, and ncu says which kernels the GPU's time goes to. sentence-transformers computes
in f16, sorted by length, with the best of several batch sizes. Prints one JSON object a line and a table at the
end. Where something is missing that line says so, and the rest is done.

A machine that cannot build brings the program, which need not hold the model (--akin), and perhaps the suite of
`cargo test --release --features cuda --test suite --no-run` (--tests). --device cpu is for trying the script
out where there is no GPU.
"""

import argparse
import collections
import csv
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "tests" / "data" / "arxiv-1000.jsonl"
MODELS = ROOT / "tests" / "data" / "models"
MODEL = ROOT / "models" / "all-MiniLM-L6-v2"
BATCH_SIZES = (64, 128, 256, 512, 1024, 2048)
# Products of one token in MiniLM-L6: 6 layers of 12 * 384^2 weights, and those of attention.
FLOP_A_WEIGHT = 2 * 6 * 12 * 384 * 384
FLOP_A_PAIR = 2 * 6 * 2 * 384


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--akin", help="the program, if it is built already")
    parser.add_argument("--tests", help="the suite of tests, if it is built already")
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


def run(*command, accepted=(0, 1)):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=ROOT)
    if done.returncode not in accepted:
        raise RuntimeError(f"{command[0]} exits with {done.returncode}: {done.stderr[-500:]}")
    return done


def build(args):
    """Returns the program."""
    if args.akin:
        return pathlib.Path(args.akin).resolve()
    features = ["--features", "cuda"] if args.device == "cuda" else []
    start = time.time()
    run("cargo", "build", "--release", *features, accepted=[0])
    say(step="build", seconds=round(time.time() - start))
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    return pathlib.Path(target) / "release" / "akin"


def golden(akin, args):
    """The golden embeddings of every architecture by the program, and where it was built here or its suite was
    brought along, the golden tests."""
    found, passed = {}, True
    for folder in sorted(MODELS.iterdir()):
        if not (folder / "golden.json").exists() or "cross" in folder.name:
            continue
        done = run(akin, "model", "verify", folder, "--device", args.device, "--json", "-q")
        told = [json.loads(line) for line in done.stdout.splitlines()]
        found[folder.name] = [(line["found"]["arithmetic"], line["found"]["least_cosine"]) for line in told]
        passed &= bool(told) and all(line["right"] for line in told)
        passed &= not any("candle" in arithmetic for arithmetic, _ in found[folder.name])
    line = {"step": "golden", "models": len(found), "found": found}
    filter = ["on_a_gpu", "--nocapture"]
    command = ["cargo", "test", "--release", "--features", "cuda", "--test", "suite", "--", *filter]
    if args.tests:
        command = [pathlib.Path(args.tests).resolve(), *filter]
    if args.device == "cuda" and (args.tests or not args.akin):
        output = run(*command, accepted=(0, 101)).stdout
        line["tests"] = "test result: ok. 1 passed" in output and "skipped:" not in output
        line |= {} if line["tests"] else {"output": output[-1500:]}
        passed &= line["tests"]
    return say(**line, passed=passed)


def papers(n):
    """Returns so many papers of the sample, again and again, each a little different."""
    sample = [json.loads(line) for line in SAMPLE.open(encoding="utf-8")]
    turn = lambda i: {"id": f"x/{i}", "title": f"{sample[i % 1000]['title']} {i}", "abstract": f"{sample[i % 1000]['abstract']} {i}"}
    return [turn(i) for i in range(n)]


def write(folder, name, records):
    path = pathlib.Path(folder) / name
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def embed(akin, dump, device, precision, to):
    """Embeds a dump. Returns what akin says of it, and how long it took from the program's start to the vectors
    on the disk."""
    start = time.time()
    computed = ("--model", MODEL, "--device", device, "--precision", precision)
    done = run(akin, "embed", dump, *computed, "-o", to, "-q", "--json")
    return {**json.loads(done.stdout), "wall_seconds": time.time() - start}


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
        computed = ("--model", MODEL, "--device", device, "--precision", precision)
        command = (akin, "eval", args.scifact, "--dense", "--exact", *computed)
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
    """Both programs in turn: akin from its start and JSON Lines to vectors on the disk; sentence-transformers,
    loaded and warm, from texts in memory to vectors in memory."""
    dump = write(folder, "many.jsonl", papers(args.papers))
    other = attempt("sentence-transformers", lambda: rival(args))
    told, other_rates = [], []
    embed(akin, dump, args.device, "auto", pathlib.Path(folder) / "many.npy")
    for _ in range(args.rounds):
        told.append(embed(akin, dump, args.device, "auto", pathlib.Path(folder) / "many.npy"))
        if other:
            other_rates.append(other())
    median = lambda key: statistics.median(key(run) for run in told)
    of = {
        "from start to disk": median(lambda run: run["embedded"] / run["wall_seconds"]),
        "encoder alone": median(lambda run: run["embedded"] / run["encoder_seconds"]),
    }
    tokens = told[0]["tokens"] / told[0]["embedded"]
    flop = FLOP_A_WEIGHT + FLOP_A_PAIR * tokens
    line = {
        "step": "speed",
        "papers": args.papers,
        "computed_on": told[0]["computed_on"],
        "papers_a_second": of,
        "tokens_a_second": {what: rate * tokens for what, rate in of.items()},
        "encoder_idle": median(lambda run: run["encoder_idle"]),
        "rounds": [run["wall_seconds"] for run in told],
    }
    if other_rates:
        line["sentence_transformers"] = statistics.median(other_rates)
        line["times_as_fast"] = of["from start to disk"] / line["sentence_transformers"]
        line["their_rounds"] = other_rates
    most = attempt("peak", peak) if args.device == "cuda" else None
    if most:
        line["peak"] = most
        line["share_of_peak"] = {what: rate * tokens * flop / most for what, rate in of.items()}
    return say(**line)


def ingest(akin, args, folder):
    """The same papers into a library: what writing and indexing leave of the encoder's rate."""
    library = pathlib.Path(folder) / "library"
    dump = pathlib.Path(folder) / "many.jsonl"
    command = (akin, "add", dump, "--library", library, "--model", MODEL, "--device", args.device)
    told = json.loads(run(*command, "--json", "-q").stdout)
    rate = told["embedded"] / told["seconds"]
    return say(step="add", papers_a_second=rate, encoder_idle=told["encoder_idle"], seconds=told["seconds"])


def sanitize(akin, folder):
    """compute-sanitizer over every kernel: reads and writes out of bounds, races in shared memory."""
    sanitizer = shutil.which("compute-sanitizer")
    if not sanitizer:
        raise RuntimeError("compute-sanitizer is not on the path")
    dump = write(folder, "tiny.jsonl", papers(20))
    found = {}
    for tool in ("memcheck", "racecheck"):
        ran = run(
            sanitizer, "--tool", tool, "--error-exitcode", "99",
            akin, "embed", dump, "--model", MODEL, "--device", "cuda", "-o", pathlib.Path(folder) / "tiny.npy", "-q",
            accepted=(0, 99),
        )
        found[tool] = (ran.stdout + ran.stderr).splitlines()[-1].removeprefix("=").strip()
    return say(step="sanitizer", **found)


def profile(akin, args, folder):
    """Which kernels the GPU's time goes to, as ncu measures them one by one."""
    ncu = shutil.which("ncu")
    if not ncu:
        raise RuntimeError("ncu is not on the path")
    dump = write(folder, "few.jsonl", papers(2000))
    measured = run(
        ncu, "--clock-control", "none", "--metrics", "gpu__time_duration.sum", "--csv", "--print-units", "base",
        akin, "embed", dump, "--model", MODEL, "--device", "cuda", "-o", pathlib.Path(folder) / "few.npy", "-q",
        accepted=[0],
    )
    lines = [line for line in measured.stdout.splitlines() if line.startswith('"')]
    nanoseconds = collections.Counter()
    for row in csv.DictReader(lines):
        nanoseconds[row["Kernel Name"].split("(")[0]] += float(row["Metric Value"].replace(",", ""))
    total = sum(nanoseconds.values())
    shares = {name[:60]: round(time / total, 4) for name, time in nanoseconds.most_common(12)}
    return say(step="profile", papers=2000, gpu_milliseconds=total / 1e6, shares=shares)


def table(found):
    print("\n| what | found | wanted |\n|---|---|---|")
    for line in filter(None, found):
        match line["step"]:
            case "golden":
                print(f"| golden embeddings of {line['models']} models | {'pass' if line['passed'] else 'FAIL'} | pass |")
            case "parity":
                print(f"| least cosine over {line['papers']} abstracts | {line['least_cosine']:.6f} | 0.9999 |")
            case "SciFact":
                print(f"| SciFact nDCG@10, CPU f32 and here | {line['cpu_f32']:.4f}, {line['device']:.4f} | within 0.002 |")
            case "speed":
                for what, rate in line["papers_a_second"].items():
                    tokens = line["tokens_a_second"][what]
                    wanted = "10,000" if what == "from start to disk" else ""
                    print(f"| papers/s, {what} | {rate:,.0f} ({tokens:,.0f} tokens/s) | {wanted} |")
                if "times_as_fast" in line:
                    print(f"| times sentence-transformers ({line['sentence_transformers']:,.0f}/s) | {line['times_as_fast']:.2f} | 2 |")
                for what, share in line.get("share_of_peak", {}).items():
                    print(f"| share of the bf16 matrix peak, {what} | {share:.3f} | |")
                print(f"| the GPU waits for work | {line['encoder_idle']:.1%} | |")
            case "add":
                print(f"| papers/s into a library, indexes built | {line['papers_a_second']:,.0f} | |")
                print(f"| the GPU waits for work meanwhile | {line['encoder_idle']:.1%} | |")
            case "sanitizer":
                print(f"| memcheck | {line['memcheck']} | 0 errors |")
                print(f"| racecheck | {line['racecheck']} | 0 hazards |")
            case "profile":
                for name, share in line["shares"].items():
                    print(f"| time of {name} | {share:.1%} | |")


def main():
    args = arguments()
    akin = build(args)
    with tempfile.TemporaryDirectory() as folder:
        parts = [
            attempt("golden", lambda: golden(akin, args)),
            attempt("parity", lambda: parity(akin, args, folder)),
            attempt("sanitizer", lambda: sanitize(akin, folder)) if args.device == "cuda" else None,
            attempt("SciFact", lambda: quality(akin, args)) if args.scifact else None,
            attempt("speed", lambda: speed(akin, args, folder)),
            attempt("add", lambda: ingest(akin, args, folder)),
            attempt("profile", lambda: profile(akin, args, folder)) if args.device == "cuda" else None,
        ]
    table(parts)
    steps = {part["step"]: part for part in parts if part}
    missing = {"golden", "parity", "speed"} - steps.keys()
    sys.exit(1 if missing or not steps["golden"]["passed"] else 0)


if __name__ == "__main__":
    main()
