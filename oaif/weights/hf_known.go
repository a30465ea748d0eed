package weights

import (
	"slices"
	"strings"
)

// harmless are keys of config.json that any family may have and that change nothing of what a model
// computes here: notes of transformers, settings of classifiers, of generation (which a run sets
// itself), and of training (dropout is not applied).
var harmless = strings.Fields(`
	_attn_implementation _attn_implementation_autoset _commit_hash _flash_attn_2_enabled
	_name_or_path attn_implementation dtype finetuning_task gradient_checkpointing name_or_path
	output_attentions output_hidden_states output_scores problem_type return_dict
	return_dict_in_generate tie_last_hidden_states tokenizer_class torch_dtype torchscript
	transformers.js_config transformers_version unsloth_fixed unsloth_version use_bfloat16 use_cache

	attention_dropout attn_pdrop classifier_dropout embd_pdrop hidden_dropout initializer_range
	resid_pdrop

	id2label label2id num_labels prefix task_specific_params

	cls_token_id decoder_start_token_id mask_token_id pad_token_id sep_token_id unk_token_id

	bad_words_ids begin_suppress_tokens cache_implementation chunk_size_feed_forward
	diversity_penalty do_sample early_stopping encoder_no_repeat_ngram_size
	exponential_decay_length_penalty forced_bos_token_id forced_eos_token_id length_penalty
	max_length max_new_tokens min_length min_p no_repeat_ngram_size num_beam_groups num_beams
	num_return_sequences remove_invalid_values repetition_penalty suppress_tokens temperature top_k
	top_p typical_p
`)

// harmlessAs are keys that change nothing as long as they have one value.
var harmlessAs = map[string]string{
	"add_cross_attention": "false", "attention_bias": "false", "is_encoder_decoder": "false",
	"mlp_bias": "false", "pruned_heads": "{}", "rope_interleaved": "false",
	"tie_encoder_decoder": "false", "use_bidirectional_attention": "false", "use_mrope": "false",
}

// refuseUnread refuses keys that nobody asked for and that are not known to be harmless: what they
// say may change the model. null says nothing.
func (k *hfKeys) refuseUnread(known ...string) {
	for _, key := range sortedKeys(k.raw) {
		value := string(k.raw[key])
		if k.seen[key] || value == "null" || slices.Contains(known, key) {
			continue
		}
		if only, ok := harmlessAs[key]; ok {
			if value != only {
				k.fail("%s is not supported with another value than %s", key, only)
			}
			continue
		}
		k.fail("key %q is not known, and may change what the model computes", key)
	}
}
