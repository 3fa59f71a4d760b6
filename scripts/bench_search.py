#!/usr/bin/env python3
"""Has akin search beside other engines: the same embeddings, round after round in one run.

    python3 -m venv venv && venv/bin/pip install -r scripts/requirements.txt
    venv/bin/python scripts/bench_search.py LIBRARY --rows 100000 --queries 1000

LIBRARY is an akin library; the rows after the first --rows of it are the queries. The engines are
hnswlib, Faiss (HNSW in f32 and over 8-bit codes, and the flat scan), usearch (f16 and i8) and
hnsw_rs, each in a process of its own that waits until it is its turn, all with M 16 and
ef_construction 200. Builds use --threads threads and take turns --builds times (hnsw_rs, the
slowest, once); queries are answered by one thread, one after the other, but for the two scans,
which use --threads. Every engine answers every ef in each of --rounds rounds.

Prints one JSON object a line: how akin stands to each at a recall@10 of 0.98 and of 0.995 (each at
the fastest ef that reaches it, medians of the rounds), then builds, then every engine at every ef.
Recall is against the exact scan by numpy.
"""

import argparse
import glob
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

EFS = (16, 24, *range(32, 84, 4), 88, 96, 112, 128, 160, 200, 256)
M, EF_CONSTRUCTION, K, DIM = 16, 200, 10, 384
TARGETS = (0.98, 0.995)
SCANS = ("akin exact", "Faiss flat")
OURS = ("akin", "akin exact", "hnsw_rs")
PEERS = ("hnswlib", "Faiss HNSW", "Faiss HNSW SQ8", "Faiss flat", "usearch f16", "usearch i8")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--builds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--engines", nargs="*", default=OURS + PEERS, choices=OURS + PEERS)
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser.parse_args()


def rows_of(library, count):
    """The first rows of a library's newest row file: a header of 64 bytes, then f16 and a crc32."""
    import numpy

    path = max(glob.glob(os.path.join(library, "spaces", "*", "vectors-*.f16")), key=os.path.getmtime)
    stride = 2 * DIM + 4
    raw = numpy.memmap(path, numpy.uint8, "r", 64, (count, stride))
    return raw[:, : 2 * DIM].copy().view(numpy.float16).astype(numpy.float32)


# One peer, in a process of its own.


class Hnswlib:
    def __init__(self, threads):
        self.threads = threads

    def build(self, base):
        import hnswlib

        self.index = hnswlib.Index("ip", DIM)
        self.index.init_index(len(base), ef_construction=EF_CONSTRUCTION, M=M)
        self.index.add_items(base, num_threads=self.threads)

    def search(self, queries, ef):
        self.index.set_ef(ef)
        return self.index.knn_query(queries, k=K, num_threads=1)[0]


class Faiss:
    def __init__(self, threads, kind):
        self.threads, self.kind = threads, kind

    def build(self, base):
        import faiss

        faiss.omp_set_num_threads(self.threads)
        if self.kind == "flat":
            self.index = faiss.IndexFlatIP(DIM)
        elif self.kind == "SQ8":
            eight = faiss.ScalarQuantizer.QT_8bit
            self.index = faiss.IndexHNSWSQ(DIM, eight, M, faiss.METRIC_INNER_PRODUCT)
            self.index.train(base)
        else:
            self.index = faiss.IndexHNSWFlat(DIM, M, faiss.METRIC_INNER_PRODUCT)
        if self.kind != "flat":
            self.index.hnsw.efConstruction = EF_CONSTRUCTION
        self.index.add(base)

    def search(self, queries, ef):
        import faiss
        import numpy

        if self.kind == "flat":
            # One by one, as questions come; a batch of them is another task.
            one_by_one = [self.index.search(query[None], K)[1] for query in queries]
            return numpy.concatenate(one_by_one)
        faiss.omp_set_num_threads(1)
        self.index.hnsw.efSearch = ef
        return self.index.search(queries, K)[1]


class Usearch:
    def __init__(self, threads, dtype):
        self.threads, self.dtype = threads, dtype

    def build(self, base):
        import numpy
        from usearch.index import Index

        self.index = Index(
            ndim=DIM, metric="ip", dtype=self.dtype, connectivity=M, expansion_add=EF_CONSTRUCTION
        )
        self.index.add(numpy.arange(len(base)), base, threads=self.threads)

    def search(self, queries, ef):
        self.index.expansion_search = ef
        return self.index.search(queries, K, threads=1).keys


def serve_peer(args):
    """Answers each line, `build` or an ef, with the seconds that took."""
    import numpy

    kind = args.peer.split()[-1]
    peers = {"hnswlib": lambda: Hnswlib(args.threads)}
    for name in ("HNSW", "SQ8", "flat"):
        peers[name] = lambda: Faiss(args.threads, kind)
    for name in ("f16", "i8"):
        peers[name] = lambda: Usearch(args.threads, kind)
    peer = peers[kind]()
    base, queries = (
        numpy.fromfile(os.path.join(args.folder, name + ".f32"), numpy.float32).reshape(-1, DIM)
        for name in ("base", "queries")
    )
    for line in sys.stdin:
        start = time.perf_counter()
        if line.strip() == "build":
            peer.build(base)
        else:
            found = peer.search(queries, int(line))
        seconds = time.perf_counter() - start
        if line.strip() != "build":
            found.astype("<u4").tofile(os.path.join(args.folder, args.peer + ".u32"))
        print(seconds, flush=True)


class Engine:
    """An engine's process, asleep but for its turns."""

    def __init__(self, name, args, folder, bench):
        environment = dict(os.environ, RAYON_NUM_THREADS=str(args.threads))
        environment.update(AKIN_BENCH_AS=name, OMP_NUM_THREADS=str(args.threads))
        command = [bench]
        if name in OURS:
            own = os.path.join(folder, name)
            os.mkdir(own)
            for file in ("base.f32", "queries.f32"):
                os.symlink(os.path.join(folder, file), os.path.join(own, file))
            environment.update(AKIN_BENCH_SERVE=own)
        else:
            own = folder
            command = [sys.executable, __file__, args.library, "--peer", name, "--folder", folder]
            command += ["--threads", str(args.threads)]
        self.found = os.path.join(own, name + ".u32")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def seconds(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit("an engine ended early")
        return float(answer)


def bench_program():
    """The benchmark's own program, built if need be."""
    command = "cargo bench --bench search --no-run --message-format json".split()
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    built = (json.loads(line) for line in lines.splitlines())
    return next(b["executable"] for b in built if b.get("target", {}).get("name") == "search")


def report(args, runs, builds):
    curves = {}
    for (name, ef), (recall, seconds) in runs.items():
        rate = args.queries / statistics.median(seconds)
        curves.setdefault(name, []).append((ef, recall, rate))
    reach = lambda name, target: max((c for c in curves[name] if c[1] >= target), key=lambda c: c[2], default=None)
    for target in TARGETS:
        ours = reach("akin", target)
        for name in curves:
            if name in SCANS or name == "akin":
                continue
            theirs = reach(name, target)
            line = {"akin_times": theirs and round(ours[2] / theirs[2], 2), "engine": name}
            line.update(recall_at_least=target, akin_ef=ours[0], akin_queries_per_s=round(ours[2]))
            if theirs:
                line.update(ef=theirs[0], queries_per_s=round(theirs[2]))
            print(json.dumps(line))
    for name, seconds in builds.items():
        line = {"akin_times": round(statistics.median(seconds) / statistics.median(builds["akin"]), 2)}
        line.update(build=name, seconds=[round(s, 1) for s in seconds], threads=args.threads)
        print(json.dumps(line))
    for name, points in curves.items():
        for ef, recall, rate in points:
            line = {"engine": name, "recall_at_10": round(recall, 4), "queries_per_s": round(rate)}
            line.update({"ms": round(1e3 / rate, 3), "threads": args.threads} if name in SCANS else {"ef": ef})
            print(json.dumps(line))


def main():
    args = arguments()
    if args.peer:
        return serve_peer(args)
    import numpy

    vectors = rows_of(args.library, args.rows + args.queries)
    vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
    base, queries = vectors[: args.rows], vectors[args.rows :]
    truth = numpy.argsort(-(queries @ base.T), axis=1)[:, :K]
    folder = tempfile.mkdtemp()
    base.tofile(os.path.join(folder, "base.f32"))
    queries.tofile(os.path.join(folder, "queries.f32"))
    bench = bench_program()
    engines = {name: Engine(name, args, folder, bench) for name in args.engines}
    builds = {name: [] for name in engines if name not in SCANS}
    for number in range(args.builds):
        for name, engine in engines.items():
            if number == 0 or name not in (*SCANS, "hnsw_rs"):
                seconds = engine.seconds("build")
                builds.get(name, []).append(seconds)
                print(f"{name}: built in {seconds:.1f} s", file=sys.stderr)
    runs = {}
    for number in range(args.rounds):
        for ef in EFS:
            for name, engine in engines.items():
                if name in SCANS and ef != EFS[0]:
                    continue
                seconds = engine.seconds(ef)
                found = numpy.fromfile(engine.found, "<u4").reshape(-1, K)
                hits = sum(len(set(a) & set(b)) for a, b in zip(truth, found))
                recall, taken = hits / truth.size, runs.get((name, ef), (0, []))[1]
                runs[name, ef] = (recall, taken + [seconds])
        print(f"round {number + 1} of {args.rounds}", file=sys.stderr)
    report(args, runs, builds)


if __name__ == "__main__":
    main()
