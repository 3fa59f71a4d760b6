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
    tiny-modernbert      CLS, Normalize; layers 0 and 3 see all, 1 and 2 a window; two rope bases
    tiny-nomicbert *     mean, no Normalize; names and keys as in nomic-embed-text-v1.5
    tiny-jinabert *      mean, no Normalize; as in jina-embeddings-v2; six heads (no power of two)
    tiny-gte *           CLS, no Normalize; as in gte-base-en-v1.5, with stretched rope, and with token
                         types, which that one has none of and its kin have
    tiny-qwen3           last token, Normalize; causal, grouped heads wider than hidden_size; a prompt for
                         queries; "embeddings_16" holds the first 16 dimensions, normalised
    tiny-embeddinggemma  mean, two Dense, Normalize; two prompts; sliding_window is 8 in config.json as
                         published, which means four tokens to either side
    tiny-model2vec       model2vec's own form, with weights and mapping; normalised; no special tokens, no
                         unknown ones, at most 512 tokens of the first 512 * 3 characters (3 is the median
                         length of a token)
    tiny-static          StaticEmbedding, Normalize; no special tokens, no limit
    tiny-layernorm       BERT; mean and CLS side by side, in this order; LayerNorm, Normalize
    tiny-weightedmean *  BERT; mean weighted by position, no Normalize

nomic-, jina- and gte-embeddings are computed by scripts/reference_encoders.py.
"""

import argparse
import json
import pathlib
import shutil
import tempfile

import numpy
import torch
from model2vec import StaticModel
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    LayerNorm,
    Normalize,
    Pooling,
    StaticEmbedding,
    Transformer,
)
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizerFast,
    DistilBertConfig,
    DistilBertModel,
    DistilBertTokenizerFast,
    Gemma3TextConfig,
    Gemma3TextModel,
    ModernBertConfig,
    ModernBertModel,
    MPNetConfig,
    MPNetModel,
    MPNetTokenizerFast,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3Model,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
    XLMRobertaTokenizerFast,
)

import golden
import reference_encoders as reference
import tiny_cross_encoders as cross

MODELS = golden.DATA / "models"
LIMIT_TOKENS = 64
HIDDEN = 32
PIECES = 200
SHAPE = {"hidden_size": HIDDEN, "num_attention_heads": 4, "intermediate_size": 24, "num_hidden_layers": 2}
OLDER_TYPES = "sentence_transformers.models"
OLDER_POOLING = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
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
        for name, mode in OLDER_POOLING.items():
            older[name] = config["pooling_mode"] == mode
        older["include_prompt"] = True
        write_json(path, older)
    for path in folder.glob("*_Dense/config.json"):
        config = read_json(path)
        write_json(path, {key: config[key] for key in ["in_features", "out_features", "bias", "activation_function"]})
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": limit_tokens, "do_lower_case": False})


def save(folder, tokenizer, body, heads, prompts=None, older=False, config_keys=None):
    """Saves a body with the modules behind it as a sentence-transformers folder.

    `config_keys` go into config.json as they are: what a configuration class would change or leave out.
    """
    config_keys = config_keys or {}
    limit_tokens = tokenizer.model_max_length
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as made:
        randomise(body).save_pretrained(made)
        cross.edit_config(pathlib.Path(made), lambda config: config.update(config_keys))
        tokenizer.save_pretrained(made)
        transformer = Transformer(made, max_seq_length=limit_tokens)
        modules = [transformer, *(randomise(head) for head in heads)]
        model = SentenceTransformer(modules=modules, prompts=prompts, device="cpu")
        model.save(str(folder), create_model_card=False, safe_serialization=True)
    cross.edit_config(folder, lambda config: config.update(config_keys))
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


def unigram(made):
    """Returns XLM-RoBERTa's tokenizer, scores rounded and pieces in order: both differ from run to run."""
    cross.xlmr_tokenizer(made)
    made_json = made / "made.json"
    value = read_json(made_json)
    scored = [[piece, round(score, 4)] for piece, score in value["model"]["vocab"]]
    n_specials = len(value["added_tokens"])
    value["model"]["vocab"] = scored[:n_specials] + sorted(scored[n_specials:], key=lambda entry: (-entry[1], entry[0]))
    write_json(made_json, value)
    return XLMRobertaTokenizerFast(tokenizer_file=str(made_json), model_max_length=LIMIT_TOKENS)


def xlmr(folder, made):
    prompts = {"query": "query: ", "passage": "passage: "}
    roberta(folder, made, XLMRobertaConfig, XLMRobertaModel, unigram, prompts=prompts, older=True)


def wordpiece(made, tokenizer_class, specials, limit_tokens=LIMIT_TOKENS):
    """Returns a WordPiece tokenizer with the beginning of golden.py's tiny vocabulary."""
    pieces = [piece for piece in golden.tiny_vocabulary()[:PIECES] if len(piece) < 3 or piece[0] != "["]
    vocabulary = made / "vocab.txt"
    vocabulary.write_text("\n".join([*specials, *pieces]) + "\n", encoding="utf-8")
    return tokenizer_class(vocab_file=str(vocabulary), model_max_length=limit_tokens)


def distilbert(folder, made):
    tokenizer = wordpiece(made, DistilBertTokenizerFast, bert_specials())
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


def modernbert(folder, made):
    tokenizer = cross.modernbert_tokenizer(made)
    config = ModernBertConfig(
        **{**SHAPE, "num_hidden_layers": 4},
        vocab_size=len(tokenizer),
        max_position_embeddings=LIMIT_TOKENS,
        global_attn_every_n_layers=3,
        local_attention=16,
        global_rope_theta=160000.0,
        local_rope_theta=10000.0,
        pad_token_id=3,
        cls_token_id=1,
        bos_token_id=1,
        sep_token_id=2,
        eos_token_id=2,
    )
    save(folder, tokenizer, ModernBertModel(config), [Pooling(HIDDEN, pooling_mode="cls"), Normalize()])


def bert_specials():
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def nomicbert(folder, made):
    tokenizer = wordpiece(made, BertTokenizerFast, bert_specials())
    multiple = 64
    config = reference.NomicBertConfig(
        activation_function="swiglu",
        attn_pdrop=0.0,
        causal=False,
        dense_seq_output=True,
        embd_pdrop=0.0,
        fused_bias_fc=True,
        fused_dropout_add_ln=True,
        initializer_range=0.02,
        layer_norm_epsilon=1e-12,
        max_trained_positions=2048,
        mlp_fc1_bias=False,
        mlp_fc2_bias=False,
        n_embd=HIDDEN,
        n_head=4,
        n_inner=24,
        n_layer=2,
        n_positions=8192,
        pad_vocab_size_multiple=multiple,
        parallel_block=False,
        parallel_block_tied_norm=False,
        prenorm=False,
        qkv_proj_bias=False,
        reorder_and_upcast_attn=False,
        resid_pdrop=0.0,
        rotary_emb_base=1000,
        rotary_emb_fraction=1.0,
        rotary_emb_interleaved=False,
        rotary_emb_scale_base=None,
        rotary_scaling_factor=None,
        scale_attn_by_inverse_layer_idx=False,
        scale_attn_weights=True,
        type_vocab_size=2,
        use_flash_attn=True,
        use_rms_norm=False,
        use_xentropy=True,
        vocab_size=-(-len(tokenizer) // multiple) * multiple,
    )
    keys = {
        "architectures": ["NomicBertModel"],
        "auto_map": auto_map("nomic-ai/nomic-bert-2048--", "hf_nomic_bert", "NomicBert"),
    }
    heads = [Pooling(HIDDEN, pooling_mode="mean")]
    save(folder, tokenizer, reference.NomicBert(config), heads, older=True, config_keys=keys)


def auto_map(repository, file_name, prefix):
    """Returns where a published configuration says that its code is."""
    return {
        "AutoConfig": f"{repository}configuration_{file_name}.{prefix}Config",
        "AutoModel": f"{repository}modeling_{file_name}.{prefix}Model",
    }


def jinabert(folder, made):
    tokenizer = wordpiece(made, BertTokenizerFast, bert_specials())
    dim = 48
    config = reference.JinaBertConfig(
        attention_probs_dropout_prob=0.0,
        feed_forward_type="geglu",
        emb_pooler="mean",
        hidden_act="gelu",
        hidden_dropout_prob=0.1,
        hidden_size=dim,
        intermediate_size=24,
        layer_norm_eps=1e-12,
        max_position_embeddings=8192,
        num_attention_heads=6,
        num_hidden_layers=2,
        pad_token_id=0,
        position_embedding_type="alibi",
        type_vocab_size=2,
        use_cache=True,
        vocab_size=len(tokenizer),
    )
    save(folder, tokenizer, reference.JinaBert(config), [Pooling(dim, pooling_mode="mean")], older=True)


def publish_jinabert(folder):
    """Gives config.json the names of the published one, under which transformers would load plain BERT."""
    keys = {
        "_name_or_path": "jinaai/jina-bert-implementation",
        "architectures": ["JinaBertForMaskedLM"],
        "auto_map": auto_map("jinaai/jina-bert-implementation--", "bert", "JinaBert"),
        "model_type": "bert",
    }
    cross.edit_config(folder, lambda config: config.update(keys))


def gte(folder, made):
    tokenizer = wordpiece(made, BertTokenizerFast, bert_specials())
    config = reference.GteConfig(
        **SHAPE,
        hidden_act="gelu",
        layer_norm_eps=1e-12,
        layer_norm_type="layer_norm",
        logn_attention_clip1=False,
        logn_attention_scale=False,
        max_position_embeddings=8192,
        pack_qkv=True,
        pad_token_id=0,
        position_embedding_type="rope",
        rope_scaling={"factor": 2.0, "type": "ntk"},
        rope_theta=500000,
        type_vocab_size=2,
        unpad_inputs=False,
        use_memory_efficient_attention=False,
        vocab_size=len(tokenizer),
    )
    code = "Alibaba-NLP/new-impl--"
    keys = {
        "architectures": ["NewModel"],
        "auto_map": {"AutoConfig": f"{code}configuration.NewConfig", "AutoModel": f"{code}modeling.NewModel"},
    }
    heads = [Pooling(HIDDEN, pooling_mode="cls")]
    save(folder, tokenizer, reference.Gte(config), heads, older=True, config_keys=keys)


def qwen3(folder, _made):
    limit_tokens = 128
    end = "<|endoftext|>"
    backend = cross.byte_level([end, "<|im_start|>", "<|im_end|>"], 330)
    backend.normalizer = normalizers.NFC()
    backend.post_processor = processors.TemplateProcessing(single=f"$A {end}", special_tokens=[(end, 0)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, model_max_length=limit_tokens, pad_token=end, eos_token="<|im_end|>"
    )
    config = Qwen3Config(
        **SHAPE,
        vocab_size=len(tokenizer),
        num_key_value_heads=2,
        head_dim=16,
        rope_theta=1000000.0,
        max_position_embeddings=limit_tokens,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
    )
    instruction = "Given a web search query, retrieve relevant passages that answer the query"
    prompts = {"query": f"Instruct: {instruction}\nQuery:", "document": ""}
    heads = [Pooling(HIDDEN, pooling_mode="lasttoken"), Normalize()]
    keys = {"architectures": ["Qwen3ForCausalLM"]}
    save(folder, tokenizer, Qwen3Model(config), heads, prompts, config_keys=keys)


def gemma_tokenizer(limit_tokens):
    """Returns Gemma's tokenizer: BPE over text whose spaces are marked, with bytes for unknown characters."""
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Replace(" ", "\u2581")
    trained.pre_tokenizer = pre_tokenizers.Split("\u2581", "merged_with_next")
    trainer = trainers.BpeTrainer(vocab_size=150, limit_alphabet=70, show_progress=False)
    trained.train_from_iterator(cross.abstracts(), trainer)
    learned = json.loads(trained.to_str())["model"]
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    pieces = [*specials, *(f"<0x{byte:02X}>" for byte in range(256)), *sorted(learned["vocab"], key=learned["vocab"].get)]
    vocabulary = {piece: idx for idx, piece in enumerate(pieces)}
    merges = [tuple(merge) for merge in learned["merges"]]
    backend = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    backend.normalizer = normalizers.Replace(" ", "\u2581")
    backend.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    backend.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    backend.add_special_tokens([AddedToken(piece, normalized=False, special=True) for piece in specials])
    backend.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", 2), ("<eos>", 1)]
    )
    names = {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=limit_tokens, **names)


def embeddinggemma(folder, _made):
    limit_tokens = 96
    tokenizer = gemma_tokenizer(limit_tokens)
    window = {"sliding_window": 8}  # halved by the class when it reads it, so saved once more as it was
    config = Gemma3TextConfig(
        **SHAPE,
        **window,
        vocab_size=len(tokenizer),
        num_key_value_heads=1,
        head_dim=16,
        query_pre_attn_scalar=24,
        max_position_embeddings=limit_tokens,
        layer_types=["sliding_attention", "full_attention"],
        sliding_window_pattern=2,
        rope_theta=1000000.0,
        rope_local_base_freq=10000.0,
        use_bidirectional_attention=True,
    )
    prompts = {
        "query": "task: search result | query: ",
        "document": "title: none | text: ",
        "Clustering": "task: clustering | query: ",
    }
    plain = {"bias": False, "activation_function": torch.nn.Identity()}
    dense = [Dense(HIDDEN, 48, **plain), Dense(48, HIDDEN, **plain)]
    heads = [Pooling(HIDDEN, pooling_mode="mean"), *dense, Normalize()]
    save(folder, tokenizer, Gemma3TextModel(config), heads, prompts, config_keys=window)


def bert(folder, made, heads, **settings):
    tokenizer = wordpiece(made, BertTokenizerFast, bert_specials())
    config = BertConfig(
        **{**SHAPE, "num_hidden_layers": 1}, vocab_size=len(tokenizer), max_position_embeddings=LIMIT_TOKENS
    )
    save(folder, tokenizer, BertModel(config), heads, **settings)


def layernorm(folder, made):
    bert(folder, made, [Pooling(HIDDEN, pooling_mode=("mean", "cls")), LayerNorm(2 * HIDDEN), Normalize()])


def weightedmean(folder, made):
    bert(folder, made, [Pooling(HIDDEN, pooling_mode="weightedmean")], older=True)


def static(folder, made):
    """Makes the published form: the module in a folder of its own."""
    tokenizer = wordpiece(made, BertTokenizerFast, bert_specials())
    module = StaticEmbedding(tokenizer, embedding_weights=torch.randn(len(tokenizer), HIDDEN))
    shutil.rmtree(folder, ignore_errors=True)
    SentenceTransformer(modules=[module, Normalize()], device="cpu").save(str(folder), create_model_card=False)
    own = folder / "0_StaticEmbedding"
    own.mkdir()
    for name in ["model.safetensors", "tokenizer.json"]:
        (folder / name).rename(own / name)
    described = read_json(folder / "modules.json")
    described[0]["path"] = own.name
    write_json(folder / "modules.json", described)
    tidy(folder)


def promptless():
    """Returns the texts for what has no prompts."""
    return [("none", text) for _, text in texts()]


def static_golden(folder):
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    rows = promptless()
    embeddings = numpy.stack([encode(model, role, text) for role, text in rows])
    check_batch(model, rows, embeddings)
    input_ids = [model.preprocess([text])["input_ids"].tolist() for _, text in rows]
    return columns(rows, input_ids, [False] * len(rows), embeddings), model


def model2vec(folder, made):
    """Makes a vocabulary-quantised model: fewer rows than tokens, and a weight for each token."""
    tokenizer = wordpiece(made, BertTokenizerFast, bert_specials()).backend_tokenizer
    n_tokens, n_rows = tokenizer.get_vocab_size(), 50
    random = numpy.random.default_rng(31)
    model = StaticModel(
        vectors=random.standard_normal((n_rows, HIDDEN), dtype=numpy.float32),
        tokenizer=tokenizer,
        config={"model_type": "model2vec", "architectures": ["StaticModel"], "hidden_dim": HIDDEN, "seq_length": 1000000},
        normalize=True,
        weights=random.uniform(0.1, 2.0, n_tokens).astype(numpy.float32),
        token_mapping=random.integers(0, n_rows, n_tokens).astype(numpy.int32),
    )
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    tidy(folder)


def model2vec_golden(folder):
    model = StaticModel.from_pretrained(folder)
    rows = [*promptless(), ("none", "the " * 600)]
    only_texts = [text for _, text in rows]
    embeddings = numpy.stack([model.encode([text])[0] for text in only_texts])
    assert numpy.allclose(model.encode(only_texts), embeddings, atol=1e-6)
    input_ids = model.tokenize(only_texts, max_length=512)
    truncated = [cut != whole for cut, whole in zip(input_ids, model.tokenize(only_texts))]
    return columns(rows, input_ids, truncated, embeddings), model


def qwen3_golden(folder):
    value, model = transformer_golden(folder)
    settings = {"truncate_dim": 16, "normalize_embeddings": True}
    value["embeddings_16"] = rounded([encode(model, role, text, **settings) for role, text in texts()])
    return value, model


FOLDERS = {
    "tiny-roberta": (21, roberta, transformer_golden),
    "tiny-xlmr": (22, xlmr, transformer_golden),
    "tiny-distilbert": (23, distilbert, transformer_golden),
    "tiny-mpnet": (24, mpnet, transformer_golden),
    "tiny-modernbert": (25, modernbert, transformer_golden),
    "tiny-nomicbert": (26, nomicbert, transformer_golden),
    "tiny-jinabert": (27, jinabert, transformer_golden),
    "tiny-gte": (28, gte, transformer_golden),
    "tiny-qwen3": (29, qwen3, qwen3_golden),
    "tiny-embeddinggemma": (30, embeddinggemma, transformer_golden),
    "tiny-model2vec": (31, model2vec, model2vec_golden),
    "tiny-static": (32, static, static_golden),
    "tiny-layernorm": (33, layernorm, transformer_golden),
    "tiny-weightedmean": (34, weightedmean, transformer_golden),
}


def main():
    """Writes the folders."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("names", metavar="NAME", nargs="*", help="all if none is named")
    names = parser.parse_args().names or list(FOLDERS)
    if unknown := set(names) - set(FOLDERS):
        parser.error(f"no such folder: {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    for name in names:
        seed, make, embed = FOLDERS[name]
        folder = MODELS / name
        torch.manual_seed(seed)
        with tempfile.TemporaryDirectory() as made:
            make(folder, pathlib.Path(made))
        value, _ = embed(folder)
        if make is jinabert:
            publish_jinabert(folder)
        write_golden(folder, value)


if __name__ == "__main__":
    main()
