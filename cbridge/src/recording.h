// Activations recorded while tokens are sampled, for the backward pass of the step that trains on
// these tokens: the policy has not changed in between, so its forward pass need not be run a second
// time.
#pragma once

#include <vector>

#include "model.h"

namespace cb {
struct Activations;
struct ActivationPart;
}  // namespace cb

struct cb_recording : cb::Counted {
  int64_t capacity = 0, n = 0;          // rows
  std::vector<cb::Activations> layers;  // each part [capacity, width]
  at::Tensor hidden;                    // [capacity,H] output of the last layer
  std::vector<int64_t> slot,
      position;  // of each row: a decode slot, or -1 for a row of the prefilled tree

  // Logits that tokens were sampled from, so that the head need not be run again either; empty when
  // they take too much room.
  std::vector<at::Tensor> logits;       // [B,V] fp32 of every step
  std::vector<const float*> logits_of;  // of each row [V], NULL where nothing was sampled

  cb_recording(const cb_model& m, int64_t rows);
  // Writes a layer's activations of `count` new rows behind the n finished ones.
  void put(int64_t layer, const cb::Activations& a);
  // Finishes the new rows.
  void finish(const at::Tensor& last_hidden, const std::vector<int64_t>& slots,
              const std::vector<int64_t>& at);
  // Keeps the logits that were computed from these rows.
  void keep_logits(const at::Tensor& l, const std::vector<int64_t>& rows);
  void drop_logits();
  cb::Activations layer(int64_t i, const at::Tensor& rows) const;

  // The backward pass that reads a layer's activations for the last time has two uses for their
  // memory: it gives it back, or puts the layer's gradients there, n zeroes to begin with.
  void drop(int64_t i);
  at::Tensor reuse(int64_t i, int64_t n) const;
  // Whether there is room for the latter. Not on CUDA, where a buffer takes its memory when it is
  // made: the gradients have theirs.
  bool holds_gradients() const { return pool.is_cpu(); }

  // Forgets the round before.
  void empty();
  // Makes all of the memory present before a round, or gives all of it back.
  void populate();
  void release();

 private:
  std::vector<cb::ActivationPart> parts;
  at::Tensor layer_memory(int64_t i) const { return pool.narrow(0, i * layer_bytes, layer_bytes); }

  at::Tensor pool;          // bytes of all of the above, layer after layer
  int64_t layer_bytes = 0;  // enough for a layer's gradients, too
  bool present = false;
  int64_t logits_bytes = 0;
};
