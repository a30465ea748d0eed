// Package config holds the settings of one training run.
//
// A TOML file and the --set flags flow in, a checked Config flows out; Encode writes it back with
// every key. The package does not open the files that a Config names and does not know what
// hardware there is. Every error is an oaif.UsageError of one line per problem, naming the file (or
// --set flag) and the key.
package config

// Config is all settings of a run, one struct per TOML table. Relative paths are relative to the
// current directory. It is plain data: safe for concurrent reads.
type Config struct {
	Model     Model     `toml:"model"`
	Data      Data      `toml:"data"`
	Sampler   Sampler   `toml:"sampler"`
	Annotator Annotator `toml:"annotator"`
	Loss      Loss      `toml:"loss"`
	Optimizer Optimizer `toml:"optimizer"`
	Train     Train     `toml:"train"`
	Eval      Eval      `toml:"eval"`
	Run       Run       `toml:"run"`
}

// Model names the policy, its frozen reference and how they are computed.
type Model struct {
	// Path is the starting policy: a .gguf file or a Hugging Face folder. Required.
	Path string `toml:"path"`
	// Reference is the frozen reference model. Default "": the same as Path, which Load then writes
	// here.
	Reference string `toml:"reference"`
	// Device is "auto", "cpu", "cuda" or "cuda:N". Default "auto": a CUDA device if there is one.
	Device string `toml:"device"`
	// DType is the type of the arithmetic: "auto", "float32" or "bfloat16". Default "auto":
	// bfloat16 where the processor computes in it. Master weights and optimizer state are always
	// float32.
	DType string `toml:"dtype"`
	// EOS are token ids that end an answer besides those the model declares. Default [].
	EOS []int32 `toml:"eos"`
}

// Data names the prompts and how a record becomes text.
type Data struct {
	// Train is the JSON Lines file of prompts that answers are sampled for in training. Required.
	Train string `toml:"train"`
	// Heldout is the JSON Lines file of prompts for evaluation only. Required.
	Heldout string `toml:"heldout"`
	// Template is put around a plain prompt, which replaces {prompt}. Default "": the prompt as it
	// is.
	Template string `toml:"template"`
	// Chat renders records through the model's chat template. Default false.
	Chat bool `toml:"chat"`
}

// Sampler says how answers are drawn from the policy.
type Sampler struct {
	// Temperature divides the logits, in [0.001,1000]. Default 0.9, the paper's.
	Temperature float64 `toml:"temperature"`
	// TopK keeps the k most likely tokens. Default 0: all.
	TopK int `toml:"top_k"`
	// TopP keeps the most likely tokens that together have this probability, in (0,1]. Default 1:
	// all.
	TopP float64 `toml:"top_p"`
	// MinNewTokens is the length in tokens before which no answer may end. Default 0.
	MinNewTokens int `toml:"min_new_tokens"`
	// MaxNewTokens is the length in tokens at which an answer is cut, >= 1. Default 64.
	MaxNewTokens int `toml:"max_new_tokens"`
	// Samples is the number of answers to each prompt, in [2,64]. Default 2, the paper's.
	Samples int `toml:"samples"`
	// Pair says which two of more than two answers are trained on: "random", any two whose texts
	// differ, or "best_worst", by the scores of a pointwise annotator. Default "random".
	Pair string `toml:"pair"`
}

// How a pair is made of more than two answers.
const (
	PairRandom    = "random"
	PairBestWorst = "best_worst"
)

// Annotator names the annotator that says which of two answers is better.
type Annotator struct {
	// File is the annotator's own TOML file. Required.
	File string `toml:"file"`
	// Cache is the file that a remote annotator's answers are kept in, for other runs too. Default
	// "": none.
	Cache string `toml:"cache"`
	// CacheOnly says that every answer must be in Cache, and that nothing is sent. Default false.
	CacheOnly bool `toml:"cache_only"`
}

// Loss names the direct-alignment loss.
type Loss struct {
	// Kind is "dpo", "ipo" or "slic". Default "dpo".
	Kind string `toml:"kind"`
	// Beta is the loss's beta, in [1e-6,1e6]. Default 0: the paper's for this loss (see PaperBeta),
	// which Load then writes here.
	Beta float64 `toml:"beta"`
	// SoftTargets takes the annotator's probability as the label, where the paper takes its
	// verdict. Default false.
	SoftTargets bool `toml:"soft_targets"`
	// LabelSmoothing is the probability with which a label is taken to be wrong, in [0,0.5).
	// Default 0.
	LabelSmoothing float64 `toml:"label_smoothing"`
}

// Optimizer is AdamW's settings and the learning rate's course.
type Optimizer struct {
	// LearningRate is the rate after warm-up, in [0,1000]. Default 1e-5.
	LearningRate float64 `toml:"learning_rate"`
	// Betas are the decay rates of the two moments, each in [0,1). Default [0.9, 0.95].
	Betas [2]float64 `toml:"betas"`
	// Eps is added to the second moment's root, in [1e-20,1]. Default 1e-8.
	Eps float64 `toml:"eps"`
	// WeightDecay is the decoupled decay, in [0,1000]. Default 0.
	WeightDecay float64 `toml:"weight_decay"`
	// ClipNorm is the largest global gradient norm, in [0,1e9]; 0 never clips. Default 1.
	ClipNorm float64 `toml:"clip_norm"`
	// WarmupSteps is the number of steps over which the rate rises linearly, >= 0. Default 0.
	WarmupSteps int `toml:"warmup_steps"`
	// Schedule is the rate's course after warm-up: "constant", or "linear" or "cosine" down to 0 at
	// the last step. Default "constant".
	Schedule string `toml:"schedule"`
}

// Train is the loop's settings.
type Train struct {
	// Steps is the number of optimizer steps, >= 1. Default 100.
	Steps int `toml:"steps"`
	// PromptsPerStep is the number of prompts, so of pairs, in a step, >= 1. Default 16.
	PromptsPerStep int `toml:"prompts_per_step"`
	// MicroBatch is the number of pairs in one backward pass, >= 0. Default 0: all of the step's.
	MicroBatch int `toml:"micro_batch"`
	// CheckpointEvery is the number of steps between checkpoints, >= 0. Default 10; 0: only after
	// the last.
	CheckpointEvery int `toml:"checkpoint_every"`
	// Seed keys the sampling noise and the order of prompts, >= 0. Default 1.
	Seed int64 `toml:"seed"`
	// Threads is the number of CPU threads of the arithmetic, >= 0. Default 0: one per processor.
	Threads int `toml:"threads"`
	// Recompute runs each segment's forward pass again in the backward pass, which saves memory and
	// costs time. Default false.
	Recompute bool `toml:"recompute"`
	// MinMargin leaves a pair out whose P(a is better) is within this distance of one half, in
	// [0,0.5). Default 0: only ties are left out.
	MinMargin float64 `toml:"min_margin"`
	// MissingEOSLoses lets an answer that was cut at the limit lose to one that has ended, without
	// asking the annotator. Default false.
	MissingEOSLoses bool `toml:"missing_eos_loses"`
	// Async samples a step's answers while the verdicts of the step before are awaited, so from
	// weights that are one update old. Not across a checkpoint, so that CheckpointEvery then
	// changes what is sampled. Default false.
	Async bool `toml:"async"`
}

// Eval says when the policy is compared with the starting model, and on how many prompts.
type Eval struct {
	// Every is the number of steps between live evaluations, >= 0. Default 0: only before and
	// after.
	Every int `toml:"every"`
	// Prompts is the number of held-out prompts used before and after, >= 0. Default 0: all.
	Prompts int `toml:"prompts"`
	// LivePrompts is the number of held-out prompts used in live evaluations, >= 0. Default 64; 0,
	// or more than Prompts: as many as Prompts says, which Load then writes here.
	LivePrompts int `toml:"live_prompts"`
}

// Run names the run folder.
type Run struct {
	// Out is the run folder, made if it is not there. Required.
	Out string `toml:"out"`
}

// Default returns a Config with each field at its documented default; the required ones are empty.
func Default() *Config {
	return &Config{
		Model: Model{Device: "auto", DType: "auto", EOS: []int32{}},
		Sampler: Sampler{
			Temperature: 0.9, TopP: 1, MaxNewTokens: 64, Samples: 2, Pair: PairRandom,
		},
		Loss: Loss{Kind: "dpo"},
		Optimizer: Optimizer{
			LearningRate: 1e-5, Betas: [2]float64{0.9, 0.95}, Eps: 1e-8, ClipNorm: 1,
			Schedule: "constant",
		},
		Train: Train{Steps: 100, PromptsPerStep: 16, CheckpointEvery: 10, Seed: 1},
		Eval:  Eval{LivePrompts: 64},
	}
}

// PaperBeta returns the beta that arXiv 2402.04792 uses with a loss: 0.1 for "dpo", 1.0 for "ipo"
// and 0.002 for "slic"; 0 for any other kind. The three are different quantities, so no default is
// shared.
func PaperBeta(kind string) float64 {
	switch kind {
	case "dpo":
		return 0.1
	case "ipo":
		return 1.0
	case "slic":
		return 0.002
	}
	return 0
}

// resolve replaces the values that stand for another one by what they stand for.
func (c *Config) resolve() {
	if c.Model.Reference == "" {
		c.Model.Reference = c.Model.Path
	}
	if c.Loss.Beta == 0 {
		c.Loss.Beta = PaperBeta(c.Loss.Kind)
	}
	e := &c.Eval
	if e.LivePrompts == 0 || e.Prompts > 0 && e.LivePrompts > e.Prompts {
		e.LivePrompts = e.Prompts
	}
}
