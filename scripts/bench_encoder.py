#!/usr/bin/env python3
"""Times akin against its peers on the same texts, round after round in one run.

    python3 -m venv venv && venv/bin/pip install -r scripts/requirements.txt
    cargo build --release
    venv/bin/python scripts/bench_encoder.py MODEL DUMP --papers 500 --rounds 5

MODEL is a sentence-transformers folder that all load (models/all-MiniLM-L6-v2 will do: its weights
become f32), DUMP JSON Lines with id, title and abstract. The peers are sentence-transformers,
onnxruntime (as exported and with its BERT fusions, each in f32 and with its dynamic int8
quantisation) and OpenVINO, each in a process of its own that waits until it is its turn, on the same
number of threads, its texts sorted by length, at the better of two batch sizes, which a first pass
over 64 papers finds. A peer's time is that of tokenising and embedding alone, after that warm-up;
akin's is that of the whole process (`akin embed`: start, load, read, embed, write).

Prints one JSON object a line, the ratios of the medians first. The vectors of all are compared with
sentence-transformers', so only papers are taken whose text akin leaves as it is (no TeX, no
entities). With --query TEXT it measures one warm question instead, for the peers only: akin's own is
`cargo bench --bench encoder`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

PEERS = {
    "sentence-transformers": ("torch", None),
    "onnxruntime": ("onnxruntime", "plain"),
    "onnxruntime fused": ("onnxruntime", "fused"),
    "onnxruntime int8": ("onnxruntime", "plain_int8"),
    "onnxruntime fused int8": ("onnxruntime", "fused_int8"),
    "OpenVINO": ("openvino", "plain"),
}
REFERENCE = "sentence-transformers"
BATCHES = (8, 32)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("dump", help="JSON Lines with id, title and abstract")
    parser.add_argument("--papers", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--akin", default="target/release/akin")
    parser.add_argument("--query", help="measure one warm question instead")
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser.parse_args()


def passage(paper):
    title, abstract = (" ".join(paper[name].split()) for name in ("title", "abstract"))
    stop = " " if title.endswith((".", "?", "!")) else ". "
    return title + stop + abstract


def is_plain(paper):
    """Whether akin's cleaning leaves the text alone."""
    text = paper["title"] + paper["abstract"]
    return text.isascii() and not any(mark in text for mark in ("\\", "~", "--", "&", "<", "{"))


# One peer, in a process of its own.


def export(model, folder):
    """Writes the body as ONNX: as exported, fused, and both quantised to int8."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer
    from onnxruntime.transformers.fusion_options import FusionOptions
    from transformers import AutoModel

    class Body(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.bert = AutoModel.from_pretrained(
                model, attn_implementation="eager", dtype=torch.float32
            ).eval()

        def forward(self, input_ids, attention_mask):
            return self.bert(input_ids=input_ids, attention_mask=attention_mask)[0]

    body, ids = Body(), torch.ones(2, 16, dtype=torch.long)
    path = {name: os.path.join(folder, name + ".onnx") for name in ("plain", "fused")}
    torch.onnx.export(
        body,
        (ids, ids),
        path["plain"],
        input_names=["input_ids", "attention_mask"],
        output_names=["hidden"],
        dynamic_axes={name: {0: "batch", 1: "length"} for name in ("input_ids", "attention_mask", "hidden")},
        opset_version=17,
        dynamo=False,
    )
    config = body.bert.config
    fused = optimizer.optimize_model(
        path["plain"],
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        optimization_options=FusionOptions("bert"),
        opt_level=0,
    )
    fused.save_model_to_file(path["fused"])
    for name, source in path.items():
        quantize_dynamic(
            source,
            os.path.join(folder, name + "_int8.onnx"),
            weight_type=QuantType.QInt8,
            per_channel=True,
            extra_options={"DefaultTensorType": 1},
        )


def load_sentence_transformers(args):
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(args.threads)
    model = SentenceTransformer(args.model, device="cpu", model_kwargs={"dtype": torch.float32})
    return lambda texts, batch: model.encode(texts, batch_size=batch, show_progress_bar=False)


def load_tokenizer(model):
    """The model's tokenizer with its token limit."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(os.path.join(model, "tokenizer.json"))
    with open(os.path.join(model, "sentence_bert_config.json"), encoding="utf-8") as config:
        limit = json.load(config)["max_seq_length"]
    tokenizer.no_padding()
    tokenizer.enable_truncation(limit)
    return tokenizer


def load_onnx(args, runtime, variant):
    import numpy

    path = os.path.join(args.folder, variant + ".onnx")
    if runtime == "onnxruntime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = args.threads
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        hidden_of = lambda inputs: session.run(None, inputs)[0]
    else:
        import openvino

        core = openvino.Core()
        settings = {
            "INFERENCE_NUM_THREADS": args.threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }
        request = core.compile_model(core.read_model(path), "CPU", settings).create_infer_request()
        hidden_of = lambda inputs: next(iter(request.infer(inputs, share_inputs=True).values()))

    tokenizer = load_tokenizer(args.model)

    def embed(texts, batch):
        encodings = [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]
        order = sorted(range(len(texts)), key=lambda i: -len(encodings[i]))
        vectors = [None] * len(texts)
        for start in range(0, len(texts), batch):
            part = order[start : start + batch]
            ids = numpy.zeros((len(part), len(encodings[part[0]])), numpy.int64)
            mask = numpy.zeros_like(ids)
            for row, i in enumerate(part):
                ids[row, : len(encodings[i])] = encodings[i]
                mask[row, : len(encodings[i])] = 1
            hidden = hidden_of({"input_ids": ids, "attention_mask": mask})
            weights = mask[:, :, None].astype(numpy.float32)
            pooled = (hidden * weights).sum(1) / weights.sum(1)
            pooled /= numpy.linalg.norm(pooled, axis=1, keepdims=True)
            for row, i in enumerate(part):
                vectors[i] = pooled[row]
        return numpy.stack(vectors)

    return embed


def serve_peer(args):
    """Answers each line, how many texts and in batches of how many, with the seconds they took."""
    import numpy

    runtime, variant = PEERS[args.peer]
    if runtime == "torch":
        embed = load_sentence_transformers(args)
    else:
        embed = load_onnx(args, runtime, variant)
    with open(os.path.join(args.folder, "texts.json"), encoding="utf-8") as file:
        texts = json.load(file)
    for line in sys.stdin:
        count, batch = map(int, line.split())
        start = time.perf_counter()
        vectors = embed(texts[:count], batch)
        seconds = time.perf_counter() - start
        numpy.save(os.path.join(args.folder, args.peer + ".npy"), vectors)
        print(json.dumps(seconds), flush=True)


class Peer:
    """A peer's process, asleep but for its turns."""

    def __init__(self, name, args, folder):
        command = [sys.executable, __file__, args.model, args.dump, "--peer", name]
        command += ["--folder", folder, "--threads", str(args.threads)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.batch = BATCHES[0]

    def seconds(self, count, batch=None):
        self.process.stdin.write(f"{count} {batch or self.batch}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit("a peer ended early; run with --peer to see why")
        return json.loads(answer)

    def choose_batch(self, count):
        self.seconds(count, BATCHES[0])
        taken = {batch: min(self.seconds(count, batch) for _ in range(2)) for batch in BATCHES}
        self.batch = min(taken, key=taken.get)


def akin_run(args, dump, folder, precision):
    out = os.path.join(folder, f"akin {precision}.npy")
    command = [args.akin, "embed", dump, "-o", out, "--model", args.model, "--quiet"]
    command += ["--precision", precision, "--threads", str(args.threads)]
    start = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - start


def report(args, texts, folder, seconds, batches):
    import numpy

    tokenizer = load_tokenizer(args.model)
    n_tokens = sum(len(e.ids) for e in tokenizer.encode_batch_fast(texts))
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    peers = [name for name in medians if not name.startswith("akin")]
    f32 = min(medians[name] for name in peers if "int8" not in name)
    int8 = min(medians[name] for name in peers if "int8" in name)
    reference = numpy.load(os.path.join(folder, REFERENCE + ".npy"))
    for name, taken in medians.items():
        cosines = (numpy.load(os.path.join(folder, name + ".npy")) * reference).sum(axis=1)
        line = {
            "times_fastest_f32_peer": round(f32 / taken, 2),
            "times_onnxruntime_int8": round(int8 / taken, 2),
            "encoder": name,
            "papers_per_s": round(len(texts) / taken, 1),
            "tokens_per_s": round(n_tokens / taken),
            "cosine_min": round(float(cosines.min()), 6),
            "cosine_mean": round(float(cosines.mean()), 6),
            "papers": len(texts),
            "tokens": n_tokens,
            "threads": args.threads,
            "batch": batches.get(name),
            "seconds": [round(s, 2) for s in seconds[name]],
        }
        print(json.dumps(line), flush=True)


def main():
    args = arguments()
    os.environ.update(OMP_NUM_THREADS=str(args.threads), HF_HUB_OFFLINE="1")
    os.environ.update(RAYON_NUM_THREADS=str(args.threads), TOKENIZERS_PARALLELISM="true")
    if args.peer:
        return serve_peer(args)
    with open(args.dump, encoding="utf-8") as lines:
        papers = [paper for paper in map(json.loads, lines) if is_plain(paper)][: args.papers]
    texts = [args.query] if args.query else [passage(paper) for paper in papers]
    folder = tempfile.mkdtemp()
    dump = os.path.join(folder, "dump.jsonl")
    with open(dump, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(paper) + "\n" for paper in papers)
    with open(os.path.join(folder, "texts.json"), "w", encoding="utf-8") as out:
        json.dump(texts, out)
    export(args.model, folder)
    peers = {name: Peer(name, args, folder) for name in PEERS}
    for peer in peers.values():
        peer.choose_batch(min(64, len(texts)))
    if args.query:
        for name, peer in peers.items():
            warm = statistics.median(peer.seconds(1) for _ in range(50))
            print(json.dumps({"warm_query_ms": round(warm * 1e3, 2), "encoder": name}))
        return
    runs = {f"akin {p}": lambda p=p: akin_run(args, dump, folder, p) for p in ("f32", "int8")}
    runs.update({name: lambda peer=peer: peer.seconds(len(texts)) for name, peer in peers.items()})
    seconds = {name: [] for name in runs}
    for number in range(args.rounds):
        for name, run in runs.items():
            seconds[name].append(run())
        print(f"round {number + 1} of {args.rounds}", file=sys.stderr)
    batches = {name: peer.batch for name, peer in peers.items()}
    report(args, texts, folder, seconds, batches)


if __name__ == "__main__":
    main()
