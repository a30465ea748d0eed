/* cbridge: the whole contract between Go and libtorch.
 *
 * Conventions
 *   - Every function returns CB_OK or an error code, and on error fills the caller-owned cb_err
 * (code and one line of text). No exception leaves a function; nothing is kept in thread-local
 * state.
 *   - A handle is owned by whoever received it and is freed once by its cb_*_free. Freeing NULL is
 * allowed.
 *   - dtype and device are the enums below, never libtorch's numbers.
 *   - Letters: N packed tokens, M tree nodes, R selected rows, B decode rows, S slots, V
 * vocabulary, H hidden size, D head size, L layers.
 *   - All calls on one device come from one OS thread. Host pointers must stay valid during the
 * call only.
 */
#ifndef CBRIDGE_H
#define CBRIDGE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CB_API __attribute__((visibility("default")))

#define CB_ABI_VERSION 6

enum {
  CB_OK = 0,
  CB_ERR_OTHER = 1,   /* any std::exception, or something thrown that is none */
  CB_ERR_TORCH = 2,   /* c10::Error: shapes, dtypes, arguments */
  CB_ERR_INDEX = 3,   /* c10::IndexError */
  CB_ERR_VALUE = 4,   /* c10::ValueError */
  CB_ERR_TYPE = 5,    /* c10::TypeError */
  CB_ERR_NOTIMPL = 6, /* c10::NotImplementedError: no kernel for this device or dtype */
  CB_ERR_MEMORY = 7,  /* c10::OutOfMemoryError or std::bad_alloc */
  CB_ERR_DEVICE = 8,  /* no such device, or a CUDA failure */
  CB_ERR_ARGUMENT = 9 /* refused by cbridge itself before libtorch was asked */
};

typedef struct {
  int32_t code;
  char message[508]; /* one line, NUL-terminated, no backtrace unless CB_TRACE=1 */
} cb_err;

enum { CB_F32 = 0, CB_BF16 = 1, CB_F16 = 2, CB_F64 = 3, CB_I64 = 4, CB_I32 = 5, CB_BOOL = 6 };
enum { CB_CPU = 0, CB_CUDA = 1 };

typedef struct {
  int32_t kind;  /* CB_CPU or CB_CUDA */
  int32_t index; /* CUDA device number, 0 for the CPU */
} cb_device;

typedef struct cb_tensor cb_tensor;   /* an at::Tensor on the heap, as gotorch's handle is */
typedef struct cb_model cb_model;     /* weights of one decoder-only transformer */
typedef struct cb_tree cb_tree;       /* a packed batch of token sequences that share prefixes */
typedef struct cb_tape cb_tape;       /* what a forward pass keeps for its backward pass */
typedef struct cb_head cb_head;       /* what the log-prob head keeps for its backward pass */
typedef struct cb_decoder cb_decoder; /* decode slots with their KV cache */
typedef struct cb_recording cb_recording; /* activations recorded while sampling */
typedef struct cb_adamw cb_adamw;         /* AdamW state of one model */

/* ---- library, devices, threads ---- */

CB_API int32_t cb_abi_version(void);
CB_API const char* cb_torch_version(void);
/* The make target this library was built as: cpu, cu126 .. cu132, or own for another libtorch. */
CB_API const char* cb_build_target(void);
CB_API int32_t cb_set_threads(int32_t n, cb_err* e);
CB_API int32_t cb_get_threads(void);
/* Number of usable CUDA devices; 0 without a GPU or without CUDA support in this build. */
CB_API int32_t cb_cuda_count(void);
CB_API int32_t cb_cuda_built(void);
/* Why CUDA was not loaded although there is a driver; "" where nothing is wrong. */
CB_API const char* cb_cuda_trouble(void);
/* 1 if the device computes bf16 products natively (AVX512-BF16 or AMX; sm_80 on CUDA). */
CB_API int32_t cb_has_bf16(cb_device d, int32_t* yes, cb_err* e);
CB_API int32_t cb_device_name(cb_device d, char* buf, int32_t n, cb_err* e);
CB_API int32_t cb_synchronize(cb_device d, cb_err* e);
/* Bytes allocated now and at the peak by libtorch's CUDA allocator; zeros on the CPU. */
CB_API int32_t cb_device_memory(cb_device d, int64_t* now, int64_t* peak, cb_err* e);
/* Number of handles of every kind alive in this process. */
CB_API int64_t cb_live_handles(void);
/* 1 forces the portable operators that CUDA uses on the CPU too, so that tests can compare. */
CB_API void cb_set_portable(int32_t on);

/* Throws an exception of the class named by code inside the guard: for tests. */
CB_API int32_t cb_test_throw(int32_t code, cb_err* e);

/* ---- tensors ---- */

CB_API void cb_tensor_free(cb_tensor** ts, int64_t n);
/* Counts a bare at::Tensor* of gotorch as a handle of ours; from now on cb_tensor_free frees it. */
CB_API cb_tensor* cb_tensor_adopt(void* gotorch_tensor);
CB_API int32_t cb_tensor_new(int32_t dtype, cb_device d, const int64_t* sizes, int32_t ndim,
                             cb_tensor** out, cb_err* e); /* zeros */
/* Copies nbytes from host memory; nbytes must be the tensor's size. */
CB_API int32_t cb_tensor_from_host(const void* data, int64_t nbytes, int32_t dtype, cb_device d,
                                   const int64_t* sizes, int32_t ndim, cb_tensor** out, cb_err* e);
/* Writes host data of the given dtype into t, converting; element counts must agree. */
CB_API int32_t cb_tensor_write(cb_tensor* t, const void* data, int64_t nbytes, int32_t dtype,
                               cb_err* e);
/* Reads t as the given dtype into host memory, converting. */
CB_API int32_t cb_tensor_read(cb_tensor* t, void* data, int64_t nbytes, int32_t dtype, cb_err* e);
CB_API int32_t cb_tensor_info(cb_tensor* t, int32_t* dtype, cb_device* d, int64_t* sizes,
                              int32_t max_dims, int32_t* ndim, cb_err* e);
/* View of elements [start, start+len) of dimension dim. Shares memory. */
CB_API int32_t cb_tensor_narrow(cb_tensor* t, int64_t dim, int64_t start, int64_t len,
                                cb_tensor** out, cb_err* e);
CB_API int32_t cb_tensor_copy(cb_tensor* dst, cb_tensor* src, cb_err* e);
/* Marks a leaf as requiring grad. */
CB_API int32_t cb_tensor_require_grad(cb_tensor* t, cb_err* e);
/* Autograd backward from a scalar, and a view of a leaf's gradient; gotorch's are not guarded. */
CB_API int32_t cb_tensor_backward(cb_tensor* t, cb_err* e);
CB_API int32_t cb_tensor_grad(cb_tensor* t, cb_tensor** out, cb_err* e);

/* ---- transformer ---- */

enum { CB_SILU = 0, CB_GELU = 1 /* with erf */, CB_GELU_TANH = 2 };

/* A decoder-only transformer with rotary grouped-query attention. What follows `tied` is what sets
 * families apart; all of it zero is the llama architecture. */
typedef struct {
  int32_t layers, hidden, heads, kv_heads, head_dim, ffn, vocab, context;
  double norm_eps;
  int32_t tied;       /* 1: the output head is the embedding */
  int32_t layer_norm; /* 1: LayerNorm with weight and bias; 0: RMSNorm */
  int32_t qk_norm;    /* 1: RMSNorm of each head's query and key before rotation */
  int32_t post_norms; /* 1: norms of what attention and MLP add to the residual */
  int32_t parallel;   /* 1: the MLP reads the layer's input */
  int32_t activation; /* of the MLP: CB_SILU, CB_GELU, CB_GELU_TANH */
  int32_t ungated;    /* 1: no gate; the MLP is down(activation(up(x))) */
  int32_t qkv_bias, out_bias, mlp_bias;
  int32_t rotary_dim; /* dimensions of a head that are rotated, the first ones; 0: all */
  double norm_offset; /* added to the weights of every RMSNorm */
  double embed_scale; /* 0: 1 */
  double query_scale; /* of attention scores; 0: head_dim^-0.5 */
  double attn_cap;    /* scores become cap * tanh(score / cap); 0: none */
  double logit_cap;   /* logits likewise */
} cb_arch;

/* Buffers. Index 0..L-1 is a layer's flat buffer, L the embedding [V,H], L+1 the final norm [H]
 * (LayerNorm: weight, bias), L+2 the head [V,H] of an untied model. A layer's flat buffer holds, in
 * order and where the architecture has them: attention norm [H] (and its bias), QKV
 * [(heads+2*kv)*D, H], QKV bias, query norm [D], key norm [D], output projection [H, heads*D], its
 * bias, the norm after it, MLP norm [H] (and its bias), gate and up [2*ffn, H] (ungated: up
 * [ffn, H]), their bias, down [H, ffn], its bias, the norm after it. */
enum { CB_MASTER = 0, CB_COMPUTE = 1, CB_GRAD = 2 };

/* window [L]: how many tokens a token sees in each layer, itself included, 0 for all before it.
 * table [L]: which of the rotary tables each layer uses. A table has rotary_dim/2 frequencies in
 * radians per position, inv_freq [tables, rotary_dim/2], and a factor of rotated queries and keys,
 * magnitude [tables]. A trainable model has fp32 masters and fp32 gradients; in fp32 the compute
 * weights are the masters. All weights start at zero. */
CB_API int32_t cb_model_new(const cb_arch* a, const int32_t* window, const int32_t* table,
                            const double* inv_freq, const double* magnitude, int32_t tables,
                            int32_t dtype, cb_device d, int32_t trainable, cb_model** out,
                            cb_err* e);
CB_API void cb_model_free(cb_model* m);
CB_API int32_t cb_model_buffer(cb_model* m, int32_t kind, int32_t index, cb_tensor** out,
                               cb_err* e);
/* Must be called after the weights changed: copies masters to compute weights. prepack makes a copy
 * of the matrices in an order that the CPU multiplies faster, 0 drops it: blocks, or where a model
 * trains in bf16 panels for a decode step's few rows; with 2 a frozen model has both. It keeps no
 * other copy of its layers' matrices: its layer buffers cannot be reached any more. */
CB_API int32_t cb_model_commit(cb_model* m, int32_t prepack, cb_err* e);
/* Drops the blocks of a model that trains, where it has any; panels, laid every step, stay. */
CB_API int32_t cb_model_unpack(cb_model* m, cb_err* e);
/* Gradient buffers exist from the first call that needs them until they are dropped. */
CB_API int32_t cb_model_zero_grad(cb_model* m, cb_err* e);
CB_API int32_t cb_model_drop_grad(cb_model* m, cb_err* e);

/* A tree of nodes: node i holds tokens [start[i], start[i]+len[i]) of the packed batch and
 * continues the sequence of node parent[i] (< i, or -1). A token attends to its ancestors' tokens
 * and to earlier tokens of its node. ids and positions have N elements. Nodes are given in packed
 * order without gaps. */
CB_API int32_t cb_tree_new(const int64_t* ids, const int64_t* positions, int64_t n,
                           const int64_t* start, const int64_t* len, const int64_t* parent,
                           int64_t m, cb_device d, cb_tree** out, cb_err* e);
CB_API void cb_tree_free(cb_tree* t);

/* segment: layers per segment. Activations of the segment being walked are kept, of all others only
 * the input; segment >= L keeps everything and re-runs nothing. */
CB_API int32_t cb_tape_new(int32_t segment, cb_tape** out, cb_err* e);
CB_API void cb_tape_free(cb_tape* t);
/* Embeds and runs all layers; hidden [N,H] is the last layer's output before the final norm. tape
 * may be NULL. */
CB_API int32_t cb_forward(cb_model* m, cb_tree* t, cb_tape* tape, cb_tensor** hidden, cb_err* e);
/* Adds the gradients of layers and embedding, given dL/dhidden [N,H]. Uses up the tape. */
CB_API int32_t cb_backward(cb_model* m, cb_tree* t, cb_tape* tape, cb_tensor* dhidden, cb_err* e);

/* Log-probs in nats at temperature 1, in fp32, of targets[r] following packed row rows[r];
 * entropy[r] of that distribution (may be NULL). The vocabulary is walked in blocks, so that R x V
 * logits never exist. keep (may be NULL) receives what the backward pass needs. tape (may be
 * NULL): the one of cb_recording_tape that hidden came with; the logits in it are not computed
 * again. */
CB_API int32_t cb_head_logprobs(cb_model* m, cb_tape* tape, cb_tensor* hidden, const int64_t* rows,
                                const int64_t* targets, int64_t r, float* logprob, float* entropy,
                                cb_head** keep, cb_err* e);
/* dhidden [N,H] from seed[r] = dL/dlogprob[r]; adds the gradients of head and final norm. */
CB_API int32_t cb_head_backward(cb_model* m, cb_head* h, const float* seed, cb_tensor** dhidden,
                                cb_err* e);
CB_API void cb_head_free(cb_head* h);
/* out[r*c]: log-probs of candidate ids next after each row. */
CB_API int32_t cb_head_next(cb_model* m, cb_tensor* hidden, const int64_t* rows, int64_t r,
                            const int64_t* ids, int64_t c, float* out, cb_err* e);
/* Log-probs as above; ids[r*k], top[r*k]: the k likeliest next ones, the likeliest first. */
CB_API int32_t cb_head_top(cb_model* m, cb_tensor* hidden, const int64_t* rows,
                           const int64_t* targets, int64_t r, int64_t k, float* logprob,
                           int64_t* ids, float* top, cb_err* e);
/* Exact KL(p||q) in nats over the vocabulary for each row, p by mp and hp, and p's entropy. */
CB_API int32_t cb_head_kl(cb_model* mp, cb_tensor* hp, cb_model* mq, cb_tensor* hq,
                          const int64_t* rows, int64_t r, float* kl, float* entropy, cb_err* e);
/* Logits [R,V] fp32 of the rows, for tests and tools. */
CB_API int32_t cb_head_logits(cb_model* m, cb_tensor* hidden, const int64_t* rows, int64_t r,
                              cb_tensor** out, cb_err* e);

/* ---- decode ---- */

typedef struct {
  float temperature; /* 0: greedy */
  int32_t top_k;     /* 0: off */
  float top_p;       /* 1: off */
  int32_t min_new;   /* end tokens are impossible before this many tokens */
  int32_t max_new;
} cb_sampling;

/* slots: sequences held at once; max_len: longest prompt + completion in tokens; s: settings of the
 * sequences that are admitted without their own. */
CB_API int32_t cb_decoder_new(cb_model* m, int64_t slots, int64_t max_len, const cb_sampling* s,
                              const int64_t* eos, int64_t n_eos, cb_decoder** out, cb_err* e);
CB_API void cb_decoder_free(cb_decoder* d);
/* Prefills b sequences of the tree into free slots and samples the first token of each. chain lists
 * each sequence's packed rows, one after the other, chain_len[i] of them. key[i] keys the Gumbel
 * noise of sequence i. own (may be NULL) holds each sequence's settings; their max_new is at most
 * the decoder's. slot receives the slots used. */
CB_API int32_t cb_decoder_admit(cb_decoder* d, cb_tree* t, const int64_t* chain,
                                const int64_t* chain_len, int64_t b, const uint64_t* key,
                                const cb_sampling* own, int64_t* slot, cb_err* e);
/* Samples up to n more tokens for every admitted sequence that has not ended. */
CB_API int32_t cb_decoder_step(cb_decoder* d, int64_t n, cb_err* e);
/* Reads the finished flags and lets ended rows leave the batch: their slots, at most the decoder's
 * slots, in order of admission. */
CB_API int32_t cb_decoder_compact(cb_decoder* d, int64_t* ended, int64_t* n_ended, cb_err* e);
/* Reads the last token of each of n slots, its log-prob at temperature 1, and the k likeliest ids
 * in its place [n*k], the likeliest first. k > 0 only right behind the admission or step that
 * sampled the tokens, of sequences with settings of their own: their decoder keeps the logits. */
CB_API int32_t cb_decoder_last(cb_decoder* d, const int64_t* slot, int64_t n, int64_t k,
                               int64_t* id, float* logprob, int64_t* top_id, float* top_logprob,
                               cb_err* e);
/* Reads one slot's count of tokens, ids and log-probs at temperature 1 [max_new]; frees it. */
CB_API int32_t cb_decoder_release(cb_decoder* d, int64_t slot, int64_t* ids, float* logprob,
                                  int64_t* count, cb_err* e);
/* The sampler alone, on given logits [B,V]: for tests and for comparing its two implementations. */
CB_API int32_t cb_sample(cb_tensor* logits, const cb_sampling* s, const uint64_t* key,
                         const int64_t* pos, const int64_t* eos, int64_t n_eos, int64_t* ids,
                         float* logprob, cb_err* e);

/* ---- recording ---- */

/* Room for the activations of `rows` packed tokens of one round of sampling: what a forward pass
 * with a tape keeps. */
CB_API int32_t cb_recording_new(cb_model* m, int64_t rows, cb_recording** out, cb_err* e);
CB_API void cb_recording_free(cb_recording* r);
/* Empties the recording for another round; its memory stays. The gradients of a backward pass may
 * lie in it: drop them first (cb_model_drop_grad). */
CB_API int32_t cb_recording_clear(cb_recording* r, cb_err* e);
/* Empties it and gives its memory back until it is cleared. */
CB_API int32_t cb_recording_release(cb_recording* r, cb_err* e);
/* From now on the decoder records: first the rows of the one tree that is admitted, then the rows
 * of every step. */
CB_API int32_t cb_decoder_record(cb_decoder* d, cb_recording* r, cb_err* e);
/* Where each row comes from: slot -1 and the tree's row, or a slot and the token's place in it. */
CB_API int32_t cb_recording_rows(cb_recording* r, int64_t* slot, int64_t* position, int64_t max,
                                 int64_t* n, cb_err* e);
/* A tape and the hidden rows as cb_forward would give them for a tree whose packed row i was
 * recorded as rows[i]. The recording must outlive the tape. last: no other tape is taken before the
 * recording is cleared, so that the backward pass can give its memory back layer by layer. */
CB_API int32_t cb_recording_tape(cb_recording* r, const int64_t* rows, int64_t n, int32_t last,
                                 cb_tape** tape, cb_tensor** hidden, cb_err* e);

/* ---- optimizer ---- */

CB_API int32_t cb_adamw_new(cb_model* m, double beta1, double beta2, double eps,
                            double weight_decay, cb_adamw** out, cb_err* e);
CB_API void cb_adamw_free(cb_adamw* o);
/* Global L2 norm of the model's gradients. */
CB_API int32_t cb_grad_norm(cb_model* m, double* norm, cb_err* e);
/* One step on the masters with the gradients times `scale` (for clipping); t is the 1-based step
 * number. Call cb_model_commit afterwards. */
CB_API int32_t cb_adamw_step(cb_adamw* o, cb_model* m, double lr, double scale, int64_t t,
                             cb_err* e);
/* First (0) or second (1) moment of buffer index, fp32, shared memory. */
CB_API int32_t cb_adamw_moment(cb_adamw* o, int32_t which, int32_t index, cb_tensor** out,
                               cb_err* e);

#ifdef __cplusplus
}
#endif
#endif /* CBRIDGE_H */
