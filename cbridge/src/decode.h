// Decode slots: a KV cache and the state of the sequences in it, all on the device.
#pragma once

#include <vector>

#include "forward.h"
#include "sample.h"

struct cb_decoder : cb::Counted {
  cb_model* model = nullptr;
  cb_sampling how{};
  std::vector<cb_sampling> own;  // [S] each slot's, read where watched
  bool watched = false;          // sequences have settings of their own: the last draw is kept
  int64_t slots = 0, max_len = 0;
  at::Tensor eos;                   // [E]
  std::vector<at::Tensor> k, v;     // per layer [S, kv, max_len, D]
  at::Tensor last;                  // [S] token sampled last, not yet in the cache
  at::Tensor len;                   // [S] tokens in the cache
  at::Tensor made;                  // [S] tokens sampled
  at::Tensor limit;                 // [S] tokens to sample at most
  at::Tensor done;                  // [S] bool
  at::Tensor key;                   // [S]
  at::Tensor ids, logprob;          // [S, max_new]
  std::vector<int64_t> free_slots;  // taken from the back
  std::vector<int64_t> active;      // slots that are decoded, in the order of admission
  at::Tensor rows;                  // active, on the device

  std::vector<int64_t> fed;           // [S] tokens in each slot's cache, counted on the host
  cb_recording* recording = nullptr;  // where activations go, if anywhere

  // The last draw of a watched decoder: whose, from what [B,V], and its log-sum-exp [B].
  std::vector<int64_t> drawn;
  at::Tensor drawn_logits, drawn_lse;

  void set_active(std::vector<int64_t> a);
  // Settings of the slots, or one for all.
  std::vector<cb_sampling> settings(const std::vector<int64_t>& of) const;
  // Samples the next token of the given slots, which slot_rows are on the device.
  void draw(const at::Tensor& logits, const std::vector<int64_t>& of, const at::Tensor& slot_rows);
  // Records the draws for the given slots.
  void record(const at::Tensor& slot_rows, const cb::Draw& d);
  // Counts, and records, the tokens that were just fed to the active slots.
  void note(const at::Tensor& hidden);
  void step();
};
