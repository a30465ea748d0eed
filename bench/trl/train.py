"""Trains as `oaif train` does, with TRL's OnlineDPOTrainer, and says where the time goes.

    bench/parity/python.sh bench/trl/train.py CONFIG [--steps N] [--device cpu|cuda] [--dtype TYPE]
                                              [--defaults] [--json FILE]

CONFIG and the annotator's file that it names are those of oaif. TRL has no annotator of its own;
it is given the one of ../reference, as a reward function that scores a whole batch. Everything is
set as fast as we found TRL to go on such work: without gradient checkpointing, so that it decodes
with a KV cache; weights cast to bf16 once for all decode steps; the fused AdamW; a frozen reference
in the type of the run, which the annotator shares where oaif shares it. --defaults leaves these as
they come. What TRL does otherwise than oaif, it keeps: a tie is trained on as if the first answer
had won.
"""

import os
import pathlib
import sys
import tempfile
import time

import torch
from transformers import TrainerCallback
from trl.experimental.online_dpo import OnlineDPOConfig, OnlineDPOTrainer

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "reference"))
import settings  # noqa: E402  these lie in the folder beside
import timing  # noqa: E402
from annotator import open_annotator  # noqa: E402
from scoring import open_frozen, open_model  # noqa: E402

LOSSES = {"dpo": "sigmoid", "ipo": "ipo"}


class Timed(OnlineDPOTrainer):
    """The trainer, with a clock around what it calls."""

    watch, tokens, keep_cast = None, 0, False

    def _generate(self, *args, **kwargs):
        self.watch.lap("train")
        # Around every decode step, as TRL has it, autocast casts all weights again.
        with torch.autocast(self.args.device.type, torch.bfloat16, enabled=self.keep_cast):
            out = super()._generate(*args, **kwargs)
        self.watch.lap("sample")
        self.tokens += int(out[3].sum())
        return out

    def _forward(self, model, *args, **kwargs):
        out = super()._forward(model, *args, **kwargs)
        self.watch.lap("reference" if model is self.ref_model else "train")
        return out

    def _calculate_rewards_from_functions(self, *args, **kwargs):
        self.watch.lap("train")
        out = super()._calculate_rewards_from_functions(*args, **kwargs)
        self.watch.lap("annotate")
        return out

    def training_step(self, *args, **kwargs):
        out = super().training_step(*args, **kwargs)
        self.watch.lap("train")
        return out


class Steps(TrainerCallback):
    """Starts and reads the clock of a Timed trainer, step by step."""

    def __init__(self, device, steps):
        self.device, self.steps, self.done = device, steps, []
        self.trainer = None

    def on_step_begin(self, *_, **__):
        self.trainer.watch, self.trainer.tokens = timing.Watch(self.device), 0

    def on_step_end(self, *_, **__):
        watch = self.trainer.watch
        watch.lap("optimize")  # with the clipping, and TRL's own bookkeeping
        row = {"step": len(self.done) + 1, "tokens": self.trainer.tokens, "seconds": watch.seconds}
        self.done.append(row)
        print(timing.line(row, self.steps), flush=True)


def reward(annotator):
    """TRL's reward function: a score for each of a batch of answers."""
    def score(completions, fields, **_):
        texts = [c if isinstance(c, str) else c[0]["content"] for c in completions]
        return annotator.scores(fields, texts).tolist()
    return score


def options(s, device, dtype, defaults, folder):
    """TRL's settings that mean what oaif's mean."""
    o, sampler = s["optimizer"], s["sampler"]
    if s["loss"]["kind"] not in LOSSES or o["schedule"] != "constant":
        raise SystemExit("TRL is compared with dpo and ipo at a constant learning rate only")
    best = {} if defaults else {"gradient_checkpointing": False, "optim": "adamw_torch_fused"}
    longer = {} if defaults else {"max_length": 8192}  # never cut: oaif does not
    return OnlineDPOConfig(
        output_dir=folder, use_cpu=device.type == "cpu", bf16=dtype == torch.bfloat16,
        per_device_train_batch_size=s["train"]["prompts_per_step"],
        gradient_accumulation_steps=1, max_steps=s["train"]["steps"], seed=s["train"]["seed"],
        beta=s["loss"]["beta"], loss_type=LOSSES[s["loss"]["kind"]],
        temperature=sampler["temperature"], top_k=sampler["top_k"], top_p=sampler["top_p"],
        max_new_tokens=sampler["max_new_tokens"],
        generation_kwargs={"min_new_tokens": sampler["min_new_tokens"]},
        learning_rate=o["learning_rate"], adam_beta1=o["betas"][0], adam_beta2=o["betas"][1],
        adam_epsilon=o["eps"], weight_decay=o["weight_decay"], max_grad_norm=o["clip_norm"],
        lr_scheduler_type="constant_with_warmup", warmup_steps=o["warmup_steps"],
        save_strategy="no", report_to="none", disable_tqdm=True, **best, **longer)


def build(s, device, dtype, defaults, folder):
    """A Timed trainer with all models loaded, and its Steps."""
    language = open_model(s["model"]["path"])
    language.model.generation_config.eos_token_id = sorted({*language.eos, *s["model"]["eos"]})
    language.tokenizer.padding_side = "left"
    language.model.is_quantized = False  # its weights are plain again: it was read from GGUF
    reference = open_frozen(s["model"]["reference"], device, dtype)
    annotator = open_annotator(settings.load_annotator(s["annotator"]["file"]), language, reference,
                               device, dtype)
    steps = Steps(device, s["train"]["steps"])
    steps.trainer = Timed(
        model=language.model, ref_model=None if defaults else reference,
        reward_funcs=reward(annotator), args=options(s, device, dtype, defaults, folder),
        train_dataset=[{"prompt": timing.prompt(r, s["data"]), "fields": timing.shown(r)}
                       for r in timing.records(s["data"]["train"])],
        processing_class=language.tokenizer, callbacks=[steps])
    steps.trainer.keep_cast = dtype == torch.bfloat16 and not defaults
    return steps


def main():
    parser = timing.parser(__doc__)
    parser.add_argument("--defaults", action="store_true", help="TRL's own settings of speed")
    args, s, device, dtype = timing.read(parser)
    torch.set_num_threads(s["train"]["threads"] or os.cpu_count())
    with tempfile.TemporaryDirectory() as folder:
        steps = build(s, device, dtype, args.defaults, folder)
        begun = time.perf_counter()
        steps.trainer.train()
    print(f"{time.perf_counter() - begun:.1f} s with what TRL does between steps")
    timing.summarize("TRL, defaults" if args.defaults else "TRL", steps.done, args, device, dtype)


if __name__ == "__main__":
    main()
