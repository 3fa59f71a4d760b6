#!/usr/bin/env python3
"""Makes the tiny random cross-encoders that akin's reranking is tested against.

    pip install -r scripts/requirements.txt
    python3 scripts/tiny_cross_encoders.py    # tests/data/models/tiny-cross-*/

One folder an architecture, each with golden.json: pairs of texts, the logits and the scores that
sentence-transformers' CrossEncoder.predict gives them, and whether a pair was longer than the limit.
Every parameter is random, biases and layer norms too, so that one left out or swapped shows. The four
folders say in four ways which activation makes a score of a logit:

    tiny-cross-bert        WordPiece, token types; as sentence-transformers 5 saves it: Identity
    tiny-cross-roberta     byte-level BPE; the key of sentence-transformers before 4: Identity
    tiny-cross-xlmr        Unigram; nothing said: Sigmoid
    tiny-cross-modernbert  byte-level BPE, mean pooling; the key in config.json: Sigmoid. golden.json
                           also holds the logits with CLS pooling ("cls_logits")
"""

import json
import pathlib
import shutil

import torch
from sentence_transformers import CrossEncoder
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertTokenizerFast,
    ModernBertConfig,
    ModernBertForSequenceClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
    RobertaTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
    XLMRobertaTokenizerFast,
)

import golden

LIMIT_TOKENS = 64
SHAPE = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 48, "num_hidden_layers": 2}
BERT_PIECES = 330
IDENTITY = "torch.nn.modules.linear.Identity"
SIGMOID = "torch.nn.modules.activation.Sigmoid"


def pairs():
    """Returns pairs of texts: usual ones, odd ones, and pairs cut at either side or at both."""
    abstracts = [paper["abstract"] for paper in golden.papers()[100:106]]
    titles = [paper["title"] for paper in golden.papers()[100:106]]
    odd = golden.made_up_texts()
    return [
        *([title[:40], abstract[:60]] for title, abstract in zip(titles, abstracts)),
        ["dark matter", "dark matter"],
        ["dark matter", "halo of a galaxy"],
        ["halo of a galaxy", "dark matter"],
        ["", "an empty question"],
        ["an empty passage", ""],
        ["", ""],
        [odd["question"], odd["accents-combining"]],
        [odd["cjk"], odd["emoji"]],
        [odd["literal-sep"], odd["hard-wraps"]],
        [odd["spaces-around"], odd["upper-case"]],
        ["short", abstracts[0]],
        [abstracts[1], "short"],
        [abstracts[2], abstracts[3]],
        [abstracts[4][:30], abstracts[5]],
    ]


def abstracts():
    """Returns what tokenizers are trained on."""
    return [paper["abstract"] for paper in golden.papers()]


def byte_level(specials, size):
    """Returns a byte-level BPE tokenizer without template."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=specials, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(abstracts(), trainer)
    return tokenizer


def bert_tokenizer(folder):
    """Returns BERT's tokenizer with the beginning of golden.py's tiny vocabulary."""
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(golden.tiny_vocabulary()[:BERT_PIECES]) + "\n", encoding="utf-8")
    return BertTokenizerFast(vocab_file=str(vocabulary), model_max_length=LIMIT_TOKENS)


def roberta_tokenizer(folder):
    """Returns RoBERTa's tokenizer: <s> a </s></s> b </s>."""
    tokenizer = byte_level(["<s>", "<pad>", "</s>", "<unk>", "<mask>"], 330)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    tokenizer.save(str(folder / "made.json"))
    return RobertaTokenizerFast(tokenizer_file=str(folder / "made.json"), model_max_length=LIMIT_TOKENS)


def xlmr_tokenizer(folder):
    """Returns XLM-RoBERTa's tokenizer: Unigram over words marked at their beginning."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=specials, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(abstracts(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    tokenizer.save(str(folder / "made.json"))
    return XLMRobertaTokenizerFast(tokenizer_file=str(folder / "made.json"), model_max_length=LIMIT_TOKENS)


def modernbert_tokenizer(_folder):
    """Returns ModernBERT's tokenizer: [CLS] a [SEP] b [SEP], token types known but not used."""
    tokenizer = byte_level(["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"], 330)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=LIMIT_TOKENS,
        model_input_names=["input_ids", "attention_mask"],
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token="[MASK]",
    )


def randomised(model):
    """Returns a model whose every parameter is random."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            is_gain = "norm" in name.lower() and name.endswith("weight")
            parameter.copy_((1.0 if is_gain else 0.0) + 0.25 * torch.randn_like(parameter))
    return model


def bert(vocab_size):
    config = BertConfig(**SHAPE, vocab_size=vocab_size, max_position_embeddings=LIMIT_TOKENS, num_labels=1)
    return BertForSequenceClassification(config)


def roberta(vocab_size, config=RobertaConfig, model=RobertaForSequenceClassification):
    positions = LIMIT_TOKENS + 2
    settings = {"max_position_embeddings": positions, "type_vocab_size": 1, "layer_norm_eps": 1e-5}
    specials = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    return model(config(**SHAPE, **settings, **specials, vocab_size=vocab_size, num_labels=1))


def xlmr(vocab_size):
    return roberta(vocab_size, XLMRobertaConfig, XLMRobertaForSequenceClassification)


def modernbert(vocab_size):
    config = ModernBertConfig(
        **{**SHAPE, "num_hidden_layers": 3},
        vocab_size=vocab_size,
        max_position_embeddings=LIMIT_TOKENS,
        global_attn_every_n_layers=2,
        local_attention=16,
        classifier_pooling="mean",
        num_labels=1,
        pad_token_id=3,
        cls_token_id=1,
        bos_token_id=1,
        sep_token_id=2,
        eos_token_id=2,
        attn_implementation="eager",
        reference_compile=False,
    )
    return ModernBertForSequenceClassification(config)


def edit_config(folder, change):
    """Changes config.json in place."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    change(config)
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def predict(folder, activation=None):
    """Returns the scores of the pairs, each computed alone."""
    model = CrossEncoder(str(folder), device="cpu", local_files_only=True, activation_fn=activation)
    return [float(f"{model.predict([tuple(pair)])[0]:.9g}") for pair in pairs()]


def save(name, seed, make_tokenizer, make_model):
    """Saves one folder as transformers does, and returns it with its tokenizer."""
    folder = golden.DATA / "models" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    tokenizer = make_tokenizer(folder)
    randomised(make_model(len(tokenizer))).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for extra in ["made.json", "vocab.json", "merges.txt", "vocab.txt", "special_tokens_map.json"]:
        (folder / extra).unlink(missing_ok=True)
    (folder / "model.safetensors").chmod(0o644)
    return folder, tokenizer


def main():
    """Writes the four folders."""
    torch.set_num_threads(1)
    made = [
        ("tiny-cross-bert", 11, bert_tokenizer, bert),
        ("tiny-cross-roberta", 12, roberta_tokenizer, roberta),
        ("tiny-cross-xlmr", 13, xlmr_tokenizer, xlmr),
        ("tiny-cross-modernbert", 14, modernbert_tokenizer, modernbert),
    ]
    for name, *parts in made:
        folder, tokenizer = save(name, *parts)
        if name.endswith("-bert"):
            model = CrossEncoder(str(folder), device="cpu", local_files_only=True, activation_fn=torch.nn.Identity())
            model.save(str(folder), create_model_card=False)
            for extra in ["README.md", "vocab.txt", "special_tokens_map.json"]:
                (folder / extra).unlink(missing_ok=True)
        if name.endswith("-roberta"):
            edit_config(folder, lambda c: c.update(sbert_ce_default_activation_function=IDENTITY))
        values = {}
        if name.endswith("modernbert"):
            edit_config(folder, lambda c: c.update(classifier_pooling="cls"))
            values["cls_logits"] = predict(folder, torch.nn.Identity())
            edit_config(folder, lambda c: c.update(classifier_pooling="mean"))
            edit_config(folder, lambda c: c.update(sentence_transformers={"activation_fn": SIGMOID}))
        lengths = [len(tokenizer(*pair, verbose=False)["input_ids"]) for pair in pairs()]
        values = {
            "pairs": pairs(),
            "logits": predict(folder, torch.nn.Identity()),
            "scores": predict(folder),
            "truncated": [length > LIMIT_TOKENS for length in lengths],
            **values,
        }
        golden.dump_json(folder / "golden.json", values, indent=None)
        print(f"{len(pairs())} pairs in {folder}: {sum(values['truncated'])} cut, scores {values['scores']}")


if __name__ == "__main__":
    main()
