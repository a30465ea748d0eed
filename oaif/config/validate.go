package config

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/oaif/oaif/oaif"
)

// problem is one thing wrong with the value of one key.
type problem struct{ key, text string }

// Validate returns an error with one line per problem, each an oaif.UsageError that begins with the
// key path, or nil. It looks at values only, never at the files they name.
func (c *Config) Validate() error {
	var errs []error
	for _, p := range c.problems() {
		errs = append(errs, oaif.UsageError(p.key+": "+p.text))
	}
	return errors.Join(errs...)
}

// checks collects problems in the order of the keys.
type checks []problem

func (s *checks) want(ok bool, key, format string, args ...any) {
	if !ok {
		*s = append(*s, problem{key, fmt.Sprintf(format, args...)})
	}
}

func (s *checks) required(key, value, what string) {
	s.want(value != "", key, "is missing; it names %s", what)
}

// add adds what err says of a key, unless it is nil.
func (s *checks) add(key string, err error) {
	if err != nil {
		*s = append(*s, problem{key, err.Error()})
	}
}

func (s *checks) oneOf(key, value string, allowed ...string) {
	s.add(key, oneOf(value, allowed...))
}

func oneOf(value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf(`wants one of "%s", got %q`, strings.Join(allowed, `", "`), value)
}

func (s *checks) atLeast(least, value int, key string) {
	s.want(value >= least, key, "wants at least %d, got %d", least, value)
}

// within keeps a number that no one needs out of the arithmetic, where it would turn into infinity.
func (s *checks) within(least, most, value float64, key string) {
	s.want(value >= least && value <= most, key,
		"wants a number in [%v,%v], got %v", least, most, value)
}

// belowHalf is for distances from certainty or from one half.
func (s *checks) belowHalf(value float64, key string) {
	s.want(value >= 0 && value < 0.5, key, "wants a number in [0,0.5), got %v", value)
}

// problems lists what is wrong, in the order of the keys.
func (c *Config) problems() []problem {
	var s checks
	c.checkInputs(&s)
	c.checkSampler(&s)
	s.required("annotator.file", c.Annotator.File, "the annotator's TOML file")
	if c.Annotator.CacheOnly {
		s.required("annotator.cache", c.Annotator.Cache, "the file that all answers must be in")
	}
	s.oneOf("loss.kind", c.Loss.Kind, "dpo", "ipo", "slic")
	if c.Loss.Beta != 0 { // which stands for the paper's
		s.within(1e-6, 1e6, c.Loss.Beta, "loss.beta")
	}
	s.belowHalf(c.Loss.LabelSmoothing, "loss.label_smoothing")
	c.checkOptimizer(&s)
	c.checkLoop(&s)
	return s
}

var devicePattern = regexp.MustCompile(`^(auto|cpu|cuda(:[0-9]{1,3})?)$`)

// CheckDevice says what is wrong with the name of a device; nil when nothing is.
func CheckDevice(name string) error {
	if devicePattern.MatchString(name) {
		return nil
	}
	return fmt.Errorf(`wants "auto", "cpu", "cuda" or "cuda:N", got %q`, name)
}

// CheckDType says what is wrong with the name of a precision; nil when nothing is.
func CheckDType(name string) error { return oneOf(name, "auto", "float32", "bfloat16") }

func (c *Config) checkInputs(s *checks) {
	m, d := c.Model, c.Data
	s.required("model.path", m.Path, "a .gguf file or a Hugging Face folder")
	s.add("model.device", CheckDevice(m.Device))
	s.add("model.dtype", CheckDType(m.DType))
	for _, id := range m.EOS {
		s.want(id >= 0, "model.eos", "wants token ids >= 0, got %d", id)
	}
	s.required("data.train", d.Train, "the JSON Lines file of training prompts")
	s.required("data.heldout", d.Heldout, "the JSON Lines file of held-out prompts")
	s.want(d.Template == "" || !d.Chat, "data.template",
		`wants "" when data.chat is true: the model's chat template is used`)
	s.want(d.Template == "" || strings.Contains(d.Template, "{prompt}"), "data.template",
		"wants {prompt} where the prompt is to stand")
}

// maxSamples is the most answers to a prompt: as many as are decoded at once.
const maxSamples = 64

func (c *Config) checkSampler(s *checks) {
	p := c.Sampler
	s.want(p.Temperature > 0, "sampler.temperature",
		"wants a number > 0, got %v: two greedy answers are the same", p.Temperature)
	usable := p.Temperature >= MinTemperature && p.Temperature <= MaxTemperature
	s.want(p.Temperature <= 0 || usable, "sampler.temperature",
		"wants a number in [%v,%v], got %v", MinTemperature, MaxTemperature, p.Temperature)
	s.atLeast(0, p.TopK, "sampler.top_k")
	s.want(p.TopK <= MaxTopK, "sampler.top_k", "wants at most %d, got %d", MaxTopK, p.TopK)
	s.want(p.TopP > 0 && p.TopP <= 1, "sampler.top_p", "wants a number in (0,1], got %v", p.TopP)
	s.atLeast(0, p.MinNewTokens, "sampler.min_new_tokens")
	s.atLeast(1, p.MaxNewTokens, "sampler.max_new_tokens")
	s.want(p.MaxNewTokens < 1 || p.MinNewTokens <= p.MaxNewTokens, "sampler.min_new_tokens",
		"wants at most sampler.max_new_tokens, %d, got %d", p.MaxNewTokens, p.MinNewTokens)
	s.want(p.Samples >= 2 && p.Samples <= maxSamples, "sampler.samples",
		"wants a number in [2,%d], got %d", maxSamples, p.Samples)
	s.oneOf("sampler.pair", p.Pair, PairRandom, PairBestWorst)
}

func (c *Config) checkOptimizer(s *checks) {
	o := c.Optimizer
	s.within(0, 1e3, o.LearningRate, "optimizer.learning_rate")
	for _, b := range o.Betas {
		s.want(b >= 0 && b < 1, "optimizer.betas", "wants numbers in [0,1), got %v", b)
	}
	s.within(1e-20, 1, o.Eps, "optimizer.eps")
	s.within(0, 1e3, o.WeightDecay, "optimizer.weight_decay")
	s.within(0, 1e9, o.ClipNorm, "optimizer.clip_norm")
	s.atLeast(0, o.WarmupSteps, "optimizer.warmup_steps")
	s.oneOf("optimizer.schedule", o.Schedule, "constant", "linear", "cosine")
	s.want(o.Schedule == "constant" || c.Train.Steps < 1 || o.WarmupSteps < c.Train.Steps,
		"optimizer.warmup_steps", "wants fewer than train.steps, %d, with schedule %q, got %d",
		c.Train.Steps, o.Schedule, o.WarmupSteps)
}

// Bounds that hold for command line flags too.
const (
	MinTemperature = 1e-3 // colder is greedy in all but name
	MaxTemperature = 1e3  // hotter is noise
	MaxTopK        = math.MaxInt32
	MaxThreads     = 1024    // far above what one operator can use; more exhausts the system
	MaxPrompts     = 1 << 20 // far above what memory can hold at once
)

func (c *Config) checkLoop(s *checks) {
	t, e := c.Train, c.Eval
	s.atLeast(1, t.Steps, "train.steps")
	s.atLeast(1, t.PromptsPerStep, "train.prompts_per_step")
	s.want(t.PromptsPerStep <= MaxPrompts, "train.prompts_per_step", "wants at most %d, got %d",
		MaxPrompts, t.PromptsPerStep)
	s.atLeast(0, t.MicroBatch, "train.micro_batch")
	s.atLeast(0, t.CheckpointEvery, "train.checkpoint_every")
	s.want(t.Seed >= 0, "train.seed", "wants at least 0, got %d", t.Seed)
	s.atLeast(0, t.Threads, "train.threads")
	s.want(t.Threads <= MaxThreads, "train.threads", "wants at most %d, got %d",
		MaxThreads, t.Threads)
	s.belowHalf(t.MinMargin, "train.min_margin")
	s.atLeast(0, e.Every, "eval.every")
	s.atLeast(0, e.Prompts, "eval.prompts")
	s.atLeast(0, e.LivePrompts, "eval.live_prompts")
	s.required("run.out", c.Run.Out, "the run folder")
}
