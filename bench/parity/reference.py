"""The other side: transformers on the CPU, in fp32 unless told otherwise, from the same files.

The tokenizer of a GGUF file is built here from its metadata with the `tokenizers` library, because
the conversion in transformers leaves out the step that splits digits one by one.
"""

import copy

import gguf
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import (AutoModelForCausalLM, AutoTokenizer, GenerationConfig,
                          PreTrainedTokenizerFast)

END_KEYS = ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
            "tokenizer.ggml.eom_token_id"]
CONTROL, USER_DEFINED = 3, 4  # token types of GGUF


class Reference:
    """A model, its tokenizer and the ids that end an answer."""

    def __init__(self, model, tokenizer, eos):
        self.model, self.tokenizer, self.eos = model.eval(), tokenizer, sorted(eos)

    @classmethod
    def from_gguf(cls, path):
        fields = gguf.GGUFReader(str(path)).fields
        model = AutoModelForCausalLM.from_pretrained(
            str(path.parent), gguf_file=path.name, dtype=torch.float32)
        eos = {int(fields[k].contents()) for k in END_KEYS if k in fields}
        return cls(model, gguf_tokenizer(fields), eos)

    @classmethod
    def from_folder(cls, path):
        """A Hugging Face folder with its own tokenizer.json; its configs have its end ids."""
        model = AutoModelForCausalLM.from_pretrained(str(path), dtype=torch.float32)
        eos = set()
        for config in model.config, model.generation_config:
            ids = config.eos_token_id
            eos |= set(ids if isinstance(ids, list) else [] if ids is None else [ids])
        return cls(model, AutoTokenizer.from_pretrained(str(path)), eos)

    def bfloat16(self):
        """The same with weights and arithmetic in bf16."""
        return Reference(cast(copy.deepcopy(self.model), torch.bfloat16), self.tokenizer, self.eos)

    def encode(self, text):
        return self.tokenizer(text, add_special_tokens=False).input_ids

    def render(self, messages):
        return self.tokenizer.apply_chat_template(messages, tokenize=False,
                                                  add_generation_prompt=True)

    def decode(self, ids):
        return self.tokenizer.decode(ids, skip_special_tokens=True,
                                     clean_up_tokenization_spaces=False)

    @torch.no_grad()
    def greedy(self, prompt, max_new_tokens):
        """The ids that transformers' own generate gives, the end id that stopped it included."""
        ids = torch.tensor([prompt])
        settings = GenerationConfig(do_sample=False, max_new_tokens=max_new_tokens,
                                    eos_token_id=self.eos,
                                    pad_token_id=self.eos[0])
        out = self.model.generate(ids, attention_mask=torch.ones_like(ids),
                                  generation_config=settings)
        return out[0, len(prompt):].tolist()

    @torch.no_grad()
    def logprobs(self, prompt, completion):
        """Log-probs in nats of the completion's tokens; the softmax is in fp64."""
        logits = self.model(torch.tensor([prompt + completion])).logits[0, len(prompt) - 1:-1]
        lp = logits.double().log_softmax(-1)
        return lp[torch.arange(len(completion)), torch.tensor(completion)].tolist()


def cast(model, dtype):
    """Gives a model's weights another type. Its own `to` would round the frequencies of its rotary
    embeddings as well, which no one who loads it in bf16 does."""
    for p in model.parameters():
        p.data = p.data.to(dtype)
    return model


def gguf_tokenizer(fields):
    """Byte-level BPE as `tokenizer.ggml.pre = smollm` says: digits alone, then GPT-2's split."""
    pre = fields["tokenizer.ggml.pre"].contents()
    if pre != "smollm":
        raise SystemExit(f"parity: no reference tokenizer for tokenizer.ggml.pre = {pre}")
    tokens = fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(m.split(" ", 1)) for m in fields["tokenizer.ggml.merges"].contents()]
    kinds = fields["tokenizer.ggml.token_type"].contents()
    t = Tokenizer(models.BPE({s: i for i, s in enumerate(tokens)}, merges))
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    t.decoder = decoders.ByteLevel()
    for token, kind in zip(tokens, kinds):
        if kind == CONTROL:
            t.add_special_tokens([AddedToken(token, special=True, normalized=False)])
        elif kind == USER_DEFINED:
            t.add_tokens([AddedToken(token, normalized=False)])
    name = lambda key: tokens[int(fields[key].contents())]
    return PreTrainedTokenizerFast(
        tokenizer_object=t, bos_token=name("tokenizer.ggml.bos_token_id"),
        eos_token=name("tokenizer.ggml.eos_token_id"),
        chat_template=fields["tokenizer.chat_template"].contents())
