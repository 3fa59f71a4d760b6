#!/usr/bin/env python3
"""Makes the tiny random encoders that every architecture of akin is tested against.

    pip install -r scripts/requirements.txt
    python3 scripts/tiny_encoders.py              # tests/data/models/tiny-*/, those listed below
    python3 scripts/tiny_encoders.py tiny-mpnet   # only this one

One sentence-transformers folder an architecture or a module, each with golden.json: columns of equal
length, a row for each text:

    texts, roles   what is embedded, and behind which prompt of the folder: "query" the one of that
                   name, "passage" the first of "document", "passage" and "corpus" that is not empty,
                   "none" no prompt
    input_ids      the tokens that the model saw, prompt and special tokens included
    truncated      whether the text had more tokens than the limit
    embeddings     of sentence-transformers (of model2vec where the folder is its own), f32, CPU,
                   each text alone; that a batch of all of them gives the same is asserted

Every parameter is random, biases and norms too, so that one left out or swapped shows. The folders are
written by SentenceTransformer.save; those marked * were then given the older form that most published
folders have: module types under sentence_transformers.models, pooling modes as booleans, the limit in
sentence_bert_config.json.

    tiny-roberta         byte-level BPE, mean, Normalize; positions begin at padding_idx + 1
    tiny-xlmr *          Unigram, prompts "query: " and "passage: ", mean, Normalize
    tiny-distilbert *    CLS, Dense (bias, Tanh)
    tiny-mpnet *         mean, Normalize; texts of up to 200 tokens, so that far buckets are used
"""

import argparse
import json
import pathlib
import shutil
import tempfile

import numpy
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer
from transformers import (
    DistilBertConfig,
    DistilBertModel,
    DistilBertTokenizerFast,
    MPNetConfig,
    MPNetModel,
    MPNetTokenizerFast,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

import golden
import tiny_cross_encoders as cross

MODELS = golden.DATA / "models"
LIMIT_TOKENS = 64
HIDDEN = 32
PIECES = 200
SHAPE = {"hidden_size": HIDDEN, "num_attention_heads": 4, "intermediate_size": 24, "num_hidden_layers": 2}
OLDER_TYPES = "sentence_transformers.models"
NEEDLESS = ["README.md", "vocab.txt", "vocab.json", "merges.txt", "special_tokens_map.json", "made.json"]


def texts():
    """Returns (role, text) pairs: odd ones, usual ones of several lengths, some too long for any limit."""
    odd = golden.made_up_texts()
    sample = golden.papers()[300:306]
    return [
        ("query", odd["word"]),
        ("none", odd["query"]),
        ("query", odd["question"]),
        ("passage", odd["accents-combining"]),
        ("none", odd["cjk"]),
        ("query", odd["emoji"]),
        ("none", odd["empty"]),
        ("query", odd["empty"]),
        ("none", odd["space"]),
        ("passage", odd["nul"]),
        ("none", odd["literal-sep"]),
        ("passage", odd["hard-wraps"]),
        ("passage", sample[0]["title"]),
        ("none", sample[1]["abstract"][:150]),
        ("query", sample[2]["abstract"][:300]),
        ("passage", sample[3]["abstract"]),
        ("none", sample[4]["abstract"]),
    ]


def randomise(model):
    """Makes every parameter random: vectors around what they begin as, matrices around nothing."""
    with torch.no_grad():
        for parameter in model.parameters():
            centre = parameter.clone() if parameter.ndim == 1 else 0.0
            parameter.copy_(centre + 0.25 * torch.randn_like(parameter))
    return model


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def tidy(folder):
    """Takes away what nobody reads, and empty folders, which git would not keep."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.name in NEEDLESS:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        elif path.suffix == ".safetensors":
            path.chmod(0o644)


def make_older(folder, limit_tokens):
    """Gives a folder the form of sentence-transformers before version 5."""
    modules = read_json(folder / "modules.json")
    for module in modules:
        module["type"] = f"{OLDER_TYPES}.{module['type'].rsplit('.', maxsplit=1)[1]}"
    write_json(folder / "modules.json", modules)
    for path in folder.glob("*_Pooling/config.json"):
        config = read_json(path)
        older = {"word_embedding_dimension": config["embedding_dimension"]}
        for name in ["cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"]:
            older[f"pooling_mode_{name}"] = name.replace("cls_token", "cls").removesuffix("_tokens") == config["pooling_mode"]
        older["include_prompt"] = config["include_prompt"]
        write_json(path, older)
    for path in folder.glob("*_Dense/config.json"):
        config = read_json(path)
        write_json(path, {key: config[key] for key in ["in_features", "out_features", "bias", "activation_function"]})
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": limit_tokens, "do_lower_case": False})


def save(folder, tokenizer, body, heads, prompts=None, older=False):
    """Saves a body with the modules behind it as a sentence-transformers folder."""
    limit_tokens = tokenizer.model_max_length
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as made:
        randomise(body).save_pretrained(made)
        tokenizer.save_pretrained(made)
        transformer = Transformer(made, max_seq_length=limit_tokens)
        modules = [transformer, *(randomise(head) for head in heads)]
        model = SentenceTransformer(modules=modules, prompts=prompts, device="cpu")
        model.save(str(folder), create_model_card=False, safe_serialization=True)
    config = read_json(folder / "config_sentence_transformers.json")
    write_json(folder / "config_sentence_transformers.json", {**config, "prompts": prompts or {}})
    if older:
        make_older(folder, limit_tokens)
    tidy(folder)


def prompt_of(model, role):
    """Returns the prompt of a role. encode_document would take an empty "document" before "passage"."""
    names = {"query": ["query"], "passage": ["document", "passage", "corpus"], "none": []}[role]
    return next((model.prompts[name] for name in names if model.prompts.get(name)), "")


def encode(model, role, text, **settings):
    """Embeds one text in its role."""
    return model.encode([text], prompt=prompt_of(model, role), show_progress_bar=False, **settings)[0]


def check_batch(model, rows, embeddings):
    """Asserts that no vector depends on its neighbours in the batch."""
    whole = [prompt_of(model, role) + text for role, text in rows]
    together = model.encode(whole, batch_size=len(rows), show_progress_bar=False)
    assert numpy.allclose(together, embeddings, atol=1e-5), numpy.abs(together - embeddings).max()


def columns(rows, input_ids, truncated, embeddings):
    """Returns golden.json's value."""
    return {
        "texts": [text for _, text in rows],
        "roles": [role for role, _ in rows],
        "input_ids": input_ids,
        "truncated": truncated,
        "embeddings": rounded(embeddings),
    }


def rounded(embeddings):
    return [[float(f"{number:.7g}") for number in row] for row in embeddings]


def write_golden(folder, value):
    golden.dump_json(folder / "golden.json", value, indent=None)
    size_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    lengths = [len(ids) for ids in value["input_ids"]]
    print(f"{folder.name}: {size_bytes} bytes, {len(lengths)} texts of {min(lengths)} to {max(lengths)} tokens,"
          f" {sum(value['truncated'])} cut")


def transformer_golden(folder):
    """Returns the columns of a folder whose first module is a Transformer, and its model."""
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    rows = texts()
    embeddings = numpy.stack([encode(model, role, text) for role, text in rows])
    check_batch(model, rows, embeddings)
    input_ids, truncated = [], []
    for role, text in rows:
        prompt = prompt_of(model, role)
        input_ids.append(model.preprocess([text], prompt=prompt or None)["input_ids"][0].tolist())
        whole = model.tokenizer(prompt + text, truncation=False, verbose=False)["input_ids"]
        truncated.append(len(whole) > model.max_seq_length)
        assert len(input_ids[-1]) == min(len(whole), model.max_seq_length)
    return columns(rows, input_ids, truncated, embeddings), model


def roberta(folder, made, config=RobertaConfig, model=RobertaModel, tokenizer=cross.roberta_tokenizer, **settings):
    tokenizer = tokenizer(made)
    body = config(
        **SHAPE,
        vocab_size=len(tokenizer),
        max_position_embeddings=LIMIT_TOKENS + 2,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    heads = [Pooling(HIDDEN, pooling_mode="mean"), Normalize()]
    save(folder, tokenizer, model(body), heads, **settings)


def xlmr(folder, made):
    prompts = {"query": "query: ", "passage": "passage: "}
    roberta(folder, made, XLMRobertaConfig, XLMRobertaModel, cross.xlmr_tokenizer, prompts=prompts, older=True)


def wordpiece(made, tokenizer_class, specials, limit_tokens=LIMIT_TOKENS):
    """Returns a WordPiece tokenizer with the beginning of golden.py's tiny vocabulary."""
    pieces = [piece for piece in golden.tiny_vocabulary()[:PIECES] if len(piece) < 3 or piece[0] != "["]
    vocabulary = made / "vocab.txt"
    vocabulary.write_text("\n".join([*specials, *pieces]) + "\n", encoding="utf-8")
    return tokenizer_class(vocab_file=str(vocabulary), model_max_length=limit_tokens)


def distilbert(folder, made):
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = wordpiece(made, DistilBertTokenizerFast, specials)
    config = DistilBertConfig(
        vocab_size=len(tokenizer), dim=HIDDEN, hidden_dim=24, n_layers=2, n_heads=4, max_position_embeddings=LIMIT_TOKENS
    )
    heads = [Pooling(HIDDEN, pooling_mode="cls"), Dense(HIDDEN, 24)]
    save(folder, tokenizer, DistilBertModel(config), heads, older=True)


def mpnet(folder, made):
    tokenizer = wordpiece(made, MPNetTokenizerFast, ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"], limit_tokens=200)
    config = MPNetConfig(
        **SHAPE, vocab_size=len(tokenizer), max_position_embeddings=202, layer_norm_eps=1e-5, pad_token_id=1
    )
    heads = [Pooling(HIDDEN, pooling_mode="mean"), Normalize()]
    save(folder, tokenizer, MPNetModel(config), heads, older=True)


FOLDERS = {
    "tiny-roberta": (21, roberta),
    "tiny-xlmr": (22, xlmr),
    "tiny-distilbert": (23, distilbert),
    "tiny-mpnet": (24, mpnet),
}


def main():
    """Writes the folders."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("names", metavar="NAME", nargs="*", choices=[[], *FOLDERS], help="all if none is named")
    torch.set_num_threads(1)
    for name in parser.parse_args().names or FOLDERS:
        seed, make = FOLDERS[name]
        torch.manual_seed(seed)
        with tempfile.TemporaryDirectory() as made:
            make(MODELS / name, pathlib.Path(made))
        value, _ = transformer_golden(MODELS / name)
        write_golden(MODELS / name, value)


if __name__ == "__main__":
    main()
