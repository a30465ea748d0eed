package weights

import (
	"encoding/json"
	"slices"
)

// ScoreName is the tensor that turns a reward model's last state into a score, [1, Hidden].
const ScoreName = "score.weight"

// OpenReward is Open for a reward model: a Hugging Face folder of a class that ends in
// ForSequenceClassification and has one label. A language model is an oaif.DataError.
func OpenReward(path string) (*Model, error) { return open(path, true) }

// checkClass refuses a folder of another class than the one that is sought.
func (k *hfKeys) checkClass(fam *family, reward bool) {
	want, other, what := fam.hfClass, fam.rewardClass, "a reward model, not a language model"
	if reward {
		want, other, what = other, want, "a language model, not a reward model"
	}
	if want == "" {
		k.fail("model_type %q: reward models of this family are not supported", fam.hfType)
		return
	}
	var classes []string
	if !k.read("architectures", &classes, "a list of texts") || slices.Contains(classes, want) {
		return
	}
	if other != "" && slices.Contains(classes, other) {
		k.fail("architectures %q: this is %s (%s is one)", classes, what, want)
		return
	}
	k.fail("architectures %q is not supported (%s is)", classes, want)
}

// reward reads what a reward model has beside a language model.
func (k *hfKeys) reward(c *Config) {
	labels := k.intOr("num_labels", 2) // transformers' default
	var names map[string]json.RawMessage
	if k.read("id2label", &names, "an object") {
		labels = len(names)
	}
	if labels != 1 {
		k.fail("has %d labels; a reward model has 1", labels)
	}
	c.Reward, c.TieEmbeddings = true, true
	c.Pad = k.intOr("pad_token_id", -1)
}
