// Attention over a tree of shared prefixes against plain causal attention on each sequence alone,
// forward and backward, with libtorch's autograd in double precision as the judge.
#include "attend.h"

#include <ATen/Context.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tril.h>
#include <ATen/ops/triu.h>
#include <ATen/ops/zeros.h>

#include <random>
#include <vector>

#include "check.h"

namespace {

const cb_device kCPU = {CB_CPU, 0};

struct Shape {
  std::vector<int64_t> len, parent;

  int64_t rows() const {
    int64_t n = 0;
    for (const int64_t l : len) n += l;
    return n;
  }
  // Packed rows of the sequence that ends with node i.
  std::vector<int64_t> path(int64_t i) const {
    std::vector<int64_t> out;
    if (parent[static_cast<size_t>(i)] >= 0) out = path(parent[static_cast<size_t>(i)]);
    int64_t start = 0;
    for (int64_t j = 0; j < i; j++) start += len[static_cast<size_t>(j)];
    for (int64_t r = 0; r < len[static_cast<size_t>(i)]; r++) out.push_back(start + r);
    return out;
  }
};

cb_tree* build(const Shape& s, cb_err* e, int32_t* status) {
  std::vector<int64_t> start, ids(static_cast<size_t>(s.rows()), 0), pos = ids;
  int64_t at = 0;
  for (const int64_t l : s.len) {
    start.push_back(at);
    at += l;
  }
  cb_tree* t = nullptr;
  *status = cb_tree_new(ids.data(), pos.data(), s.rows(), start.data(), s.len.data(),
                        s.parent.data(), static_cast<int64_t>(s.len.size()), kCPU, &t, e);
  return t;
}

// Causal attention of one sequence: qkv [T,(q+2kv)*D] -> [T,q*D].
at::Tensor plain(const at::Tensor& qkv, const cb::Heads& h) {
  const int64_t t = qkv.size(0);
  const at::Tensor q = qkv.narrow(1, 0, h.q * h.dim).view({t, h.q, h.dim}).transpose(0, 1);
  const auto shared = [&](int64_t first) {
    return qkv.narrow(1, first * h.dim, h.kv * h.dim)
        .view({t, h.kv, h.dim})
        .repeat_interleave(h.q / h.kv, 1)
        .transpose(0, 1);
  };
  const at::Tensor k = shared(h.q), v = shared(h.q + h.kv);
  at::Tensor see = at::ones({t, t}, at::kBool).tril();
  if (h.window > 0) see = see.logical_and(at::ones({t, t}, at::kBool).triu(1 - h.window));
  const at::Tensor hide = see.logical_not();
  at::Tensor s = q.matmul(k.transpose(1, 2)).mul(h.scale);
  if (h.cap > 0) s = s.div(h.cap).tanh().mul(h.cap);
  const at::Tensor p = at::softmax(s.masked_fill(hide, -INFINITY), -1);
  return p.matmul(v).transpose(0, 1).reshape({t, h.q * h.dim});
}

// Each node's own rows, taken from the sequence that ends with it.
at::Tensor reference(const Shape& s, const at::Tensor& qkv, const cb::Heads& h) {
  std::vector<at::Tensor> out;
  for (int64_t i = 0; i < static_cast<int64_t>(s.len.size()); i++) {
    const std::vector<int64_t> rows = s.path(i);
    const int64_t n = static_cast<int64_t>(rows.size()), own = s.len[static_cast<size_t>(i)];
    const at::Tensor seq = qkv.index_select(0, cb::ints(rows.data(), n, at::kCPU));
    out.push_back(plain(seq, h).narrow(0, n - own, own));
  }
  return at::cat(out, 0);
}

void compare(const Shape& s, const cb::Heads& h, at::ScalarType dtype, double tol) {
  cb_err e;
  int32_t status = 0;
  cb_tree* t = build(s, &e, &status);
  EXPECT_OK(status);
  if (t == nullptr) return;
  const int64_t n = s.rows();
  const at::Tensor qkv = at::randn({n, (h.q + 2 * h.kv) * h.dim}).to(dtype);
  const at::Tensor dout = at::randn({n, h.q * h.dim}).to(dtype);
  const at::Tensor ref = qkv.to(at::kDouble).requires_grad_(true);
  const at::Tensor want = reference(s, ref, h);
  want.backward(dout.to(at::kDouble));
  for (const int32_t portable : {0, 1}) {
    cb_set_portable(portable);
    EXPECT_NEAR(cb::attend(*t, qkv, h), want, tol);
    EXPECT_NEAR(cb::attend_backward(*t, dout, qkv, h), ref.grad(), tol);
  }
  cb_set_portable(0);
  cb_tree_free(t);
}

// A slot's last token attends to what is cached as it does in a sequence that is scored, bit for
// bit: else what is sampled and what is trained on would be two distributions.
void slots_have_the_bits_of_sequences(const cb::Heads& h, at::ScalarType dtype) {
  const std::vector<int64_t> lengths = {1, 11, 6, 4};
  const auto slots = static_cast<int64_t>(lengths.size()), most = int64_t{13};
  const at::Tensor k = at::randn({slots, h.kv, most, h.dim}).to(dtype), v = at::randn_like(k);
  std::vector<at::Tensor> queries, want;
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < slots; i++) {
    const int64_t n = lengths[static_cast<size_t>(i)], slot = (i + 2) % slots;
    cb_err e;
    int32_t status = 0;
    cb_tree* t = build({{n}, {-1}}, &e, &status);
    EXPECT_OK(status);
    if (t == nullptr) return;
    const at::Tensor qkv = at::randn({n, (h.q + 2 * h.kv) * h.dim}).to(dtype);
    want.push_back(cb::attend_short(*t, qkv, h).narrow(0, n - 1, 1));
    cb_tree_free(t);
    queries.push_back(qkv.narrow(0, n - 1, 1).narrow(1, 0, h.q * h.dim));
    const auto cached = [&](const at::Tensor& to, int64_t first) {
      to.select(0, slot).narrow(1, 0, n).copy_(
          qkv.narrow(1, first * h.dim, h.kv * h.dim).view({n, h.kv, h.dim}).transpose(0, 1));
    };
    cached(k, h.q);
    cached(v, h.q + h.kv);
    rows.push_back(slot);
  }
  const at::Tensor got =
      cb::attend_cache_native(at::cat(queries), k, v, cb::ints(rows.data(), slots, at::kCPU),
                              cb::ints(lengths.data(), slots, at::kCPU), h);
  EXPECT(test::same(got, at::cat(want)));
}

Shape random_shape(std::mt19937* g, int64_t nodes) {
  Shape s;
  for (int64_t i = 0; i < nodes; i++) {
    s.len.push_back(1 + static_cast<int64_t>((*g)() % 6));
    s.parent.push_back(static_cast<int64_t>((*g)() % static_cast<uint32_t>(i + 1)) - 1);
  }
  return s;
}

void malformed() {
  cb_err e;
  int32_t status = 0;
  const Shape bad[] = {
      {{}, {}}, {{2, 0}, {-1, 0}}, {{1, 1}, {-1, 1}}, {{1}, {-2}}, {{1, 1}, {1, -1}}};
  for (const Shape& s : bad) {
    cb_tree* t = build(s, &e, &status);
    EXPECT_FAILS(status, CB_ERR_ARGUMENT);
    EXPECT(t == nullptr);
  }
  const int64_t ids[] = {1, 2, 3}, start[] = {0, 2}, len[] = {1, 1}, parent[] = {-1, 0};
  cb_tree* t = nullptr;
  EXPECT_FAILS(cb_tree_new(ids, ids, 3, start, len, parent, 2, kCPU, &t, &e), CB_ERR_ARGUMENT);
  const int64_t follow[] = {0, 1};
  EXPECT_FAILS(cb_tree_new(ids, ids, 3, follow, len, parent, 2, kCPU, &t, &e), CB_ERR_ARGUMENT);
  const int64_t negative[] = {0, -1, 0}, three[] = {3}, zero[] = {0}, root[] = {-1};
  EXPECT_FAILS(cb_tree_new(ids, negative, 3, zero, three, root, 1, kCPU, &t, &e), CB_ERR_ARGUMENT);
  EXPECT(t == nullptr);
}

}  // namespace

int main() {
  return test::run([] {
    at::manual_seed(11);
    const cb::Heads kinds[] = {
        {4, 4, 6, 0.4, 0, 0},   {6, 2, 4, 0.5, 0, 0},    {4, 1, 2, 0.7, 0, 0},
        {4, 2, 6, 0.9, 1.5, 0}, {4, 2, 4, 0.5, 0, 3},    {2, 1, 4, 1.1, 2.5, 1},
        {10, 2, 20, 0.2, 0, 0}, {5, 1, 24, 0.2, 2.0, 3}, {7, 1, 16, 0.3, 0, 0},
        {4, 1, 44, 0.2, 0, 0},  {8, 1, 32, 0.2, 0, 2},   {1, 1, 73, 0.2, 0, 0},
        {9, 1, 64, 0.1, 0, 5},  {12, 2, 80, 0.1, 0, 0}};
    const Shape pair = {{5, 3, 4}, {-1, 0, 0}};  // [prompt | a | b]
    std::mt19937 g(5);
    for (const cb::Heads& h : kinds) {
      compare({{1}, {-1}}, h, at::kFloat, 1e-5);
      compare(pair, h, at::kFloat, 1e-5);
      compare(pair, h, at::kBFloat16, 1.0 / 24);
      slots_have_the_bits_of_sequences(h, at::kFloat);
      slots_have_the_bits_of_sequences(h, at::kBFloat16);
      for (int i = 0; i < 12; i++) compare(random_shape(&g, 1 + i), h, at::kFloat, 1e-5);
    }
    malformed();
  });
}
