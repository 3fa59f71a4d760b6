"""Three published encoders that the pinned transformers does not know, in plain torch.

Their repositories carry code of their own, which is not run here: the forward passes are written anew
from what the papers and the configurations say, with the published names of the tensors, and only as
far as the published checkpoints go. All three are BERT with a norm behind each half of a layer, a gated
feed-forward and no position table:

    NomicBert  nomic-embed-text-v1.5: rotary positions, silu, no biases. arXiv 2402.01613
    JinaBert   jina-embeddings-v2: ALiBi in both directions, gelu. arXiv 2310.19923
    Gte        gte-base-en-v1.5 (model_type "new"): rotary positions whose base is stretched by a fixed
               factor, gelu. arXiv 2407.19669

For the tests of akin alone: scripts/tiny_encoders.py saves random ones and embeds with them.
"""

import math

import torch
from torch import nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput


def modules(**children):
    """Returns modules under the names of their tensors."""
    return nn.ModuleDict(children)


def rotate(x, inverse_frequencies):
    """Turns [batch, heads, tokens, dim] by position; dimension i goes with i + dim / 2."""
    angles = torch.arange(x.shape[2])[:, None] * inverse_frequencies
    first, second = x.chunk(2, dim=-1)
    turned = [first * angles.cos() - second * angles.sin(), second * angles.cos() + first * angles.sin()]
    return torch.cat(turned, dim=-1)


def alibi_slopes(n_heads):
    """Returns how fast each head's attention falls with distance, as ALiBi's authors do for any number."""
    n_even = 2 ** math.floor(math.log2(n_heads))
    slopes = [2 ** (-8 * (i + 1) / n_even) for i in range(n_even)]
    between = [2 ** (-8 * (i + 1) / (2 * n_even)) for i in range(0, 2 * n_even, 2)]
    return torch.tensor([*slopes, *between[: n_heads - n_even]])


class Reference(PreTrainedModel):
    """What the three have in common. Texts are single: every token is of type 0."""

    def attend(self, states, packed, n_heads, padding, inverse_frequencies=None, bias=0.0):
        """Returns the heads' answers, side by side; `packed` is queries, keys and values."""
        split = [part.unflatten(-1, (n_heads, -1)).transpose(1, 2) for part in packed]
        if inverse_frequencies is not None:
            split[:2] = [rotate(part, inverse_frequencies) for part in split[:2]]
        queries, keys, values = split
        scores = queries @ keys.transpose(2, 3) / math.sqrt(queries.shape[-1]) + bias + padding
        return (scores.softmax(dim=-1) @ values).transpose(1, 2).flatten(2)

    def forward(self, input_ids, attention_mask, token_type_ids=None, return_dict=True):
        padding = torch.where(attention_mask.bool(), 0.0, torch.finfo(torch.float32).min)[:, None, None, :]
        states = self.embed(input_ids)
        for layer in self.layers():
            states = self.layer(layer, states, padding)
        return BaseModelOutput(last_hidden_state=states)


class NomicBertConfig(PretrainedConfig):
    model_type = "nomic_bert"
    attribute_map = {"hidden_size": "n_embd", "max_position_embeddings": "n_positions"}


class NomicBert(Reference):
    config_class = NomicBertConfig

    def __init__(self, config):
        super().__init__(config)
        dim, inner = config.n_embd, config.n_inner
        self.embeddings = modules(
            word_embeddings=nn.Embedding(config.vocab_size, dim),
            token_type_embeddings=nn.Embedding(config.type_vocab_size, dim),
        )
        self.emb_ln = nn.LayerNorm(dim, eps=config.layer_norm_epsilon)
        layers = [
            modules(
                attn=modules(Wqkv=nn.Linear(dim, 3 * dim, bias=False), out_proj=nn.Linear(dim, dim, bias=False)),
                mlp=modules(
                    fc11=nn.Linear(dim, inner, bias=False),
                    fc12=nn.Linear(dim, inner, bias=False),
                    fc2=nn.Linear(inner, dim, bias=False),
                ),
                norm1=nn.LayerNorm(dim, eps=config.layer_norm_epsilon),
                norm2=nn.LayerNorm(dim, eps=config.layer_norm_epsilon),
            )
            for _ in range(config.n_layer)
        ]
        self.encoder = modules(layers=nn.ModuleList(layers))
        self.post_init()

    def embed(self, ids):
        return self.emb_ln(self.embeddings["word_embeddings"](ids) + self.embeddings["token_type_embeddings"].weight[0])

    def layers(self):
        return self.encoder["layers"]

    def layer(self, layer, states, padding):
        config, mlp = self.config, layer["mlp"]
        head_dim = config.n_embd // config.n_head
        frequencies = config.rotary_emb_base ** -(torch.arange(0, head_dim, 2) / head_dim)
        packed = layer["attn"]["Wqkv"](states).chunk(3, dim=-1)
        answers = self.attend(states, packed, config.n_head, padding, frequencies)
        states = layer["norm1"](states + layer["attn"]["out_proj"](answers))
        gated = mlp["fc11"](states) * functional.silu(mlp["fc12"](states))
        return layer["norm2"](states + mlp["fc2"](gated))


class JinaBertConfig(PretrainedConfig):
    model_type = "jina_bert"  # published as "bert", which is another one here


class JinaBert(Reference):
    config_class = JinaBertConfig

    def __init__(self, config):
        super().__init__(config)
        dim, inner, eps = config.hidden_size, config.intermediate_size, config.layer_norm_eps
        self.embeddings = modules(
            word_embeddings=nn.Embedding(config.vocab_size, dim),
            token_type_embeddings=nn.Embedding(config.type_vocab_size, dim),
            LayerNorm=nn.LayerNorm(dim, eps=eps),
        )
        layers = [
            modules(
                attention=modules(
                    self=modules(query=nn.Linear(dim, dim), key=nn.Linear(dim, dim), value=nn.Linear(dim, dim)),
                    output=modules(dense=nn.Linear(dim, dim), LayerNorm=nn.LayerNorm(dim, eps=eps)),
                ),
                mlp=modules(
                    gated_layers=nn.Linear(dim, 2 * inner, bias=False),
                    wo=nn.Linear(inner, dim),
                    layernorm=nn.LayerNorm(dim, eps=eps),
                ),
            )
            for _ in range(config.num_hidden_layers)
        ]
        self.encoder = modules(layer=nn.ModuleList(layers))
        self.pooler = modules(dense=nn.Linear(dim, dim))  # in the published files, but not used
        self.post_init()

    def embed(self, ids):
        tables = self.embeddings
        return tables["LayerNorm"](tables["word_embeddings"](ids) + tables["token_type_embeddings"].weight[0])

    def layers(self):
        return self.encoder["layer"]

    def layer(self, layer, states, padding):
        attention, output, mlp = layer["attention"]["self"], layer["attention"]["output"], layer["mlp"]
        n_heads, positions = self.config.num_attention_heads, torch.arange(states.shape[1])
        distances = (positions[:, None] - positions[None, :]).abs()
        packed = [attention[name](states) for name in ("query", "key", "value")]
        bias = -alibi_slopes(n_heads)[:, None, None] * distances
        answers = self.attend(states, packed, n_heads, padding, bias=bias)
        states = output["LayerNorm"](states + output["dense"](answers))
        gate, up = mlp["gated_layers"](states).chunk(2, dim=-1)
        return mlp["layernorm"](states + mlp["wo"](functional.gelu(gate) * up))


class GteConfig(PretrainedConfig):
    model_type = "new"


class Gte(Reference):
    config_class = GteConfig

    def __init__(self, config):
        super().__init__(config)
        dim, inner, eps = config.hidden_size, config.intermediate_size, config.layer_norm_eps
        self.embeddings = modules(
            word_embeddings=nn.Embedding(config.vocab_size, dim),
            LayerNorm=nn.LayerNorm(dim, eps=eps),
        )
        if config.type_vocab_size > 0:
            self.embeddings["token_type_embeddings"] = nn.Embedding(config.type_vocab_size, dim)
        layers = [
            modules(
                attention=modules(qkv_proj=nn.Linear(dim, 3 * dim), o_proj=nn.Linear(dim, dim)),
                mlp=modules(up_gate_proj=nn.Linear(dim, 2 * inner, bias=False), down_proj=nn.Linear(inner, dim)),
                attn_ln=nn.LayerNorm(dim, eps=eps),
                mlp_ln=nn.LayerNorm(dim, eps=eps),
            )
            for _ in range(config.num_hidden_layers)
        ]
        self.encoder = modules(layer=nn.ModuleList(layers))
        self.post_init()

    def embed(self, ids):
        states = self.embeddings["word_embeddings"](ids)
        if self.config.type_vocab_size > 0:
            states = states + self.embeddings["token_type_embeddings"].weight[0]
        return self.embeddings["LayerNorm"](states)

    def layers(self):
        return self.encoder["layer"]

    def layer(self, layer, states, padding):
        config = self.config
        head_dim = config.hidden_size // config.num_attention_heads
        factor = config.rope_scaling["factor"] if config.rope_scaling else 1.0
        base = config.rope_theta * factor
        frequencies = base ** -(torch.arange(0, head_dim, 2) / head_dim) / factor ** (2 / head_dim)
        packed = layer["attention"]["qkv_proj"](states).chunk(3, dim=-1)
        answers = self.attend(states, packed, config.num_attention_heads, padding, frequencies)
        states = layer["attn_ln"](states + layer["attention"]["o_proj"](answers))
        up, gate = layer["mlp"]["up_gate_proj"](states).chunk(2, dim=-1)
        return layer["mlp_ln"](states + layer["mlp"]["down_proj"](functional.gelu(gate) * up))


for config_class, model_class in [(NomicBertConfig, NomicBert), (JinaBertConfig, JinaBert), (GteConfig, Gte)]:
    AutoConfig.register(config_class.model_type, config_class)
    AutoModel.register(config_class, model_class)
