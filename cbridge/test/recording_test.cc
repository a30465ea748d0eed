// Activations recorded while tokens are sampled are those of a forward pass over the sampled
// sequences: the same hidden rows, and the same gradients from the backward pass.
#include <ATen/Context.h>
#include <ATen/ops/randn.h>

#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "check.h"
#include "fixture.h"
#include "forward.h"
#include "head.h"

namespace {

using test::Model;

const std::vector<int64_t> kPrompt = {3, 1, 4, 1, 5};
constexpr int64_t kNew = 4;
const cb_sampling kHow = {0.9F, 0, 1.0F, 0, kNew};

// A tree of the given nodes; positions follow from the parents.
cb_tree* make_tree(const std::vector<std::vector<int64_t>>& nodes,
                   const std::vector<int64_t>& parent) {
  cb_err e;
  std::vector<int64_t> ids, positions, start, len, end;
  for (size_t i = 0; i < nodes.size(); i++) {
    int64_t at = parent[i] < 0 ? 0 : end[static_cast<size_t>(parent[i])];
    start.push_back(static_cast<int64_t>(ids.size()));
    len.push_back(static_cast<int64_t>(nodes[i].size()));
    for (const int64_t id : nodes[i]) {
      ids.push_back(id);
      positions.push_back(at++);
    }
    end.push_back(at);
  }
  cb_tree* t = nullptr;
  EXPECT_OK(cb_tree_new(ids.data(), positions.data(), static_cast<int64_t>(ids.size()),
                        start.data(), len.data(), parent.data(), static_cast<int64_t>(nodes.size()),
                        test::kCPU, &t, &e));
  return t;
}

// What one round of sampling two answers to kPrompt leaves behind.
struct Round {
  cb_recording* rec = nullptr;
  std::vector<std::vector<int64_t>> answers;
  std::vector<int64_t>
      rows;  // recorded row of each packed row of [prompt | a | b] without last tokens
};

Round sample(Model& m) {
  cb_err e;
  Round r;
  cb_decoder* d = nullptr;
  EXPECT_OK(cb_recording_new(m.m, 64, &r.rec, &e));
  EXPECT_OK(cb_decoder_new(m.m, 3, 16, &kHow, nullptr, 0, &d, &e));
  EXPECT_OK(cb_decoder_record(d, r.rec, &e));
  cb_tree* t = make_tree({kPrompt}, {-1});
  const std::vector<int64_t> chain = {0, 1, 2, 3, 4, 0, 1, 2, 3, 4}, lens = {5, 5};
  const uint64_t keys[] = {11, 12};
  int64_t slots[2] = {};
  EXPECT_OK(cb_decoder_admit(d, t, chain.data(), lens.data(), 2, keys, nullptr, slots, &e));
  EXPECT_OK(cb_decoder_step(d, kNew + 2, &e));  // two steps more than there is to sample
  EXPECT_FAILS(cb_decoder_record(d, r.rec, &e), CB_ERR_ARGUMENT);
  cb_tree_free(t);
  std::vector<int64_t> slot(64), position(64);
  int64_t n = 0;
  EXPECT_OK(cb_recording_rows(r.rec, slot.data(), position.data(), 64, &n, &e));
  EXPECT_FAILS(cb_recording_rows(r.rec, slot.data(), position.data(), n - 1, &n, &e),
               CB_ERR_ARGUMENT);
  std::map<std::pair<int64_t, int64_t>, int64_t> where;
  for (int64_t i = 0; i < n; i++) {
    where[{slot[static_cast<size_t>(i)], position[static_cast<size_t>(i)]}] = i;
  }
  for (int64_t i = 0; i < 5; i++) r.rows.push_back(where.at({-1, i}));
  for (const int64_t s : slots) {
    std::vector<int64_t> ids(kNew);
    std::vector<float> lp(kNew);
    int64_t count = 0;
    EXPECT_OK(cb_decoder_release(d, s, ids.data(), lp.data(), &count, &e));
    EXPECT(count == kNew);
    ids.pop_back();  // nothing follows the last token: it was not fed
    for (int64_t i = 0; i < kNew - 1; i++) r.rows.push_back(where.at({s, 5 + i}));
    r.answers.push_back(ids);
  }
  cb_decoder_free(d);
  return r;
}

void recorded_is_computed(int32_t dtype, double tol) {
  Model m(dtype, true, true);
  cb_err e;
  const Round r = sample(m);
  cb_tree* t = make_tree({kPrompt, r.answers[0], r.answers[1]}, {-1, 0, 0});
  cb_tensor* seed = cb::wrap(at::randn({11, m.arch.hidden}).to(cb::dtype_of(dtype)));
  cb_tape* tape[2] = {};
  cb_tensor* hidden[2] = {};
  std::vector<at::Tensor> grads[2];
  EXPECT_OK(cb_tape_new(m.arch.layers, &tape[0], &e));
  EXPECT_OK(cb_forward(m.m, t, tape[0], &hidden[0], &e));
  EXPECT_OK(cb_recording_tape(r.rec, r.rows.data(), 11, 1, &tape[1], &hidden[1], &e));
  for (const int i : {0, 1}) {
    EXPECT_OK(cb_model_zero_grad(m.m, &e));
    EXPECT_OK(cb_backward(m.m, t, tape[i], seed, &e));
    EXPECT_FAILS(cb_backward(m.m, t, tape[i], seed, &e), CB_ERR_ARGUMENT);
    grads[i] = m.grads();
  }
  EXPECT_NEAR(cb::unwrap(hidden[1]), cb::unwrap(hidden[0]), tol);
  EXPECT(r.rec->logits.empty());  // the last tape has taken them along
  for (size_t i = 0; i < grads[0].size(); i++) {
    const double scale = grads[0][i].abs().max().item<double>() + 1;
    EXPECT_NEAR(grads[1][i].div(scale), grads[0][i].div(scale), tol);
  }
  const int64_t bad = 64;
  cb_tape* none = nullptr;
  cb_tensor* no_rows = nullptr;
  EXPECT_FAILS(cb_recording_tape(r.rec, &bad, 1, 0, &none, &no_rows, &e), CB_ERR_ARGUMENT);
  cb_tensor* all[] = {hidden[0], hidden[1], seed};
  cb_tensor_free(all, 3);
  for (cb_tape* x : tape) cb_tape_free(x);
  cb_tree_free(t);
  cb_recording_free(r.rec);
}

// Log-probs and head gradients from the logits that were sampled from, and without them.
void sampled_logits_are_the_heads(bool kept) {
  Model m(CB_F32, true, true);
  cb_err e;
  const Round r = sample(m);
  EXPECT(!r.rec->logits.empty());
  if (!kept) r.rec->drop_logits();
  cb_tape* tape = nullptr;
  cb_tensor* hidden = nullptr;
  EXPECT_OK(cb_recording_tape(r.rec, r.rows.data(), 11, 1, &tape, &hidden, &e));
  // The prompt's last row and the three after it; row 0 was sampled from by nobody.
  for (const bool whole : {false, true}) {
    const int64_t rows[] = {4, 5, 6, whole ? 7 : 0}, targets[] = {1, 2, 3, 4};
    std::vector<at::Tensor> grads[2];
    float lp[2][4] = {};
    for (const int i : {0, 1}) {
      cb_head* head = nullptr;
      cb_tensor* dx = nullptr;
      const float seed[] = {1, -2, 0.5F, 3};
      EXPECT_OK(cb_model_zero_grad(m.m, &e));
      EXPECT_OK(cb_head_logprobs(m.m, i == 0 ? nullptr : tape, hidden, rows, targets, 4, lp[i],
                                 nullptr, &head, &e));
      EXPECT(head->sampled.empty() == (i == 0 || !whole || !kept));
      EXPECT_OK(cb_head_backward(m.m, head, seed, &dx, &e));
      grads[i] = m.grads();
      cb_tensor_free(&dx, 1);
      cb_head_free(head);
    }
    for (const int j : {0, 1, 2, 3}) EXPECT(std::abs(lp[0][j] - lp[1][j]) < 1e-5);
    for (size_t i = 0; i < grads[0].size(); i++) EXPECT_NEAR(grads[1][i], grads[0][i], 1e-5);
  }
  cb_tensor_free(&hidden, 1);
  cb_tape_free(tape);
  cb_recording_free(r.rec);
}

void too_small() {
  Model m(CB_F32, true, true);
  cb_err e;
  cb_recording* rec = nullptr;
  EXPECT_FAILS(cb_recording_new(m.m, 0, &rec, &e), CB_ERR_ARGUMENT);
  EXPECT_OK(cb_recording_new(m.m, 4, &rec, &e));
  cb_decoder* d = nullptr;
  EXPECT_OK(cb_decoder_new(m.m, 1, 16, &kHow, nullptr, 0, &d, &e));
  EXPECT_OK(cb_decoder_record(d, rec, &e));
  cb_tree* t = make_tree({kPrompt}, {-1});
  const int64_t chain[] = {0, 1, 2, 3, 4}, len = 5;
  const uint64_t key = 1;
  int64_t slot = 0;
  EXPECT_FAILS(cb_decoder_admit(d, t, chain, &len, 1, &key, nullptr, &slot, &e), CB_ERR_ARGUMENT);
  cb_tree_free(t);
  cb_decoder_free(d);
  cb_recording_free(rec);
}

}  // namespace

int main() {
  return test::run([] {
    at::manual_seed(31);
    recorded_is_computed(CB_F32, 1e-5);
    recorded_is_computed(CB_BF16, 0.06);
    sampled_logits_are_the_heads(true);
    sampled_logits_are_the_heads(false);
    too_small();
  });
}
