# The one entry to building, testing and running oaif. `make` prints what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# Which libtorch: a pinned wheel by CUDA version, or LIBTORCH=/path to one that is there.
TORCH_CUDA ?= cu130
CUDA_VERSIONS := cu126 cu128 cu130 cu132 cpu
PYTHON ?= python3
export PYTHON

ROOT := $(CURDIR)
MODEL := third_party/models/SmolLM2-135M-Instruct.Q4_1.gguf
CLANG_FORMAT := third_party/clang-format/dist/wheel/clang_format/data/bin/clang-format
GOTORCH := github.com/wangkuiyi/gotorch

ifeq ($(filter $(TORCH_CUDA),$(CUDA_VERSIONS)),)
$(error TORCH_CUDA=$(TORCH_CUDA) is not one of $(CUDA_VERSIONS))
endif
ifdef LIBTORCH
# A folder that holds include/ and lib/, or the folder above a torch/ that does.
override LIBTORCH := $(abspath $(or $(patsubst %/include/ATen/ATen.h,%,$(firstword \
	$(wildcard $(LIBTORCH)/include/ATen/ATen.h $(LIBTORCH)/torch/include/ATen/ATen.h))),\
	$(error LIBTORCH=$(LIBTORCH) holds no include/ATen/ATen.h)))
LIBTORCH_READY :=
else
LIBTORCH := $(ROOT)/third_party/libtorch/dist/$(TORCH_CUDA)/torch
LIBTORCH_READY := libtorch
endif
# Each libtorch has a build folder of its own, so that going back to one rebuilds nothing;
# build/current, where Go looks, is a link to the one built last.
TARGET := $(if $(LIBTORCH_READY),$(TORCH_CUDA),own)
BUILD := $(ROOT)/build/$(TARGET)
CB_CUDA := $(if $(filter cpu,$(TORCH_CUDA)),off,auto)

# Tests and tools start OpenMP programs side by side: threads that wait must not spin.
export OMP_WAIT_POLICY ?= passive

.PHONY: help
help: ## show this text
	@printf '%s\n' 'make TARGET [TORCH_CUDA=cu130] [LIBTORCH=/path/to/torch]' '' \
		'Start with `make demo`: it sets everything up and trains a model.' '' 'Targets:'
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18
	@printf '%s\n' '' 'TORCH_CUDA picks the pinned libtorch, by CUDA version:' \
		'  $(CUDA_VERSIONS)' \
		'  (`make cu126` is short for `make build TORCH_CUDA=cu126`)' \
		'LIBTORCH is a libtorch of your own: include/ and lib/, or the folder of a Python torch.' \
		'' 'Each has its own build folder: going back to one rebuilds nothing.' \
		'Downloads stay below third_party/, what is built below build/ and bin/.'

.PHONY: check
check:
	@third_party/check-tools.sh

.PHONY: libtorch
libtorch: check ## get the pinned libtorch for TORCH_CUDA
	@third_party/libtorch/fetch.sh $(TORCH_CUDA)

.PHONY: model
model: check ## get the demo model, SmolLM2-135M-Instruct
	@third_party/models/fetch.sh

# CMake is asked on every call and does nothing when nothing has changed.
.PHONY: cbridge
cbridge: check $(LIBTORCH_READY) ## build the C++ libraries
	@go mod download $(GOTORCH) || { echo "oaif: go could not download $(GOTORCH)" >&2; exit 1; }
	@gotorch=$$(go list -m -f '{{.Dir}}' $(GOTORCH)); mkdir -p $(BUILD); \
	cmake -S . -B $(BUILD) -DLIBTORCH=$(LIBTORCH) -DGOTORCH="$$gotorch" -DCB_CUDA=$(CB_CUDA) \
		-DCB_TARGET=$(TARGET) -Wno-dev > $(BUILD)/cmake.log 2>&1 || \
		{ cat $(BUILD)/cmake.log; exit 1; }
	@cmake --build $(BUILD) --parallel 2 -- --no-print-directory
	@ln -sfn $(TARGET) build/current
	@line="#define CB_BUILD_DIGEST \"$$(cat cbridge/include/*.h $(BUILD)/lib/*.so | sha256sum | \
		cut -c 1-16)\""; \
	[ "$$line" = "$$(cat torch/gen_build.h 2>/dev/null)" ] || echo "$$line" > torch/gen_build.h

.PHONY: cpp-tests
cpp-tests: cbridge ## build the C++ tests, into build/test
	@cmake --build $(BUILD) --parallel 2 --target cpp_tests -- --no-print-directory

# Nothing reads a commit out of the program, and asking git for it fails in a tree of another user.
.PHONY: build
build: cbridge ## build everything; the program is bin/oaif
	@go build -buildvcs=false -o bin/ ./cmd/oaif

.PHONY: $(CUDA_VERSIONS)
$(CUDA_VERSIONS):
	@$(MAKE) --no-print-directory build TORCH_CUDA=$@

.PHONY: demo
demo: build model ## train SmolLM2-135M-Instruct on film reviews, into runs/demo
	@bin/oaif train configs/demo.toml --out runs/demo \
		$(if $(wildcard runs/demo/config.toml),--resume)

# Packages that do without libtorch are tested without cgo, so that they stay so. Of the others one
# test program runs at a time: each uses all processors itself.
PACKAGES := go list -f '{{.ImportPath}} {{.Deps}}' ./...
WITH_TORCH := -e github.com/oaif/oaif/torch -e $(GOTORCH)

.PHONY: client
client: check ## get OpenAI's Python client, which is a test of oaif serve
	@third_party/pip-target.sh bench/serve/pins.txt third_party/serve/dist/packages

.PHONY: test
test: build cpp-tests model client ## run every test, Go and C++
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error
	@CGO_ENABLED=0 go test $$($(PACKAGES) | grep -v $(WITH_TORCH) | cut -d ' ' -f 1)
	@go test -p 1 -timeout 60m $$($(PACKAGES) | grep $(WITH_TORCH) | cut -d ' ' -f 1)

# The targets' seeds are part of `make test`; what these find is written into testdata/fuzz.
.PHONY: fuzz-short
fuzz-short: ## fuzz every parser for a minute
	@.ci/fuzz.sh 60

.PHONY: fuzz
fuzz: ## fuzz every parser for ten minutes
	@.ci/fuzz.sh 600

# What the comparisons find goes into docs/parity.md.
ROWS := $(BUILD)/parity.jsonl
.PHONY: parity
parity: build model ## compare with transformers and PyTorch; RUN=runs/demo compares its model/ too
	@rm -f $(ROWS)
	@OAIF_PARITY_ROWS=$(ROWS) go test -count=1 -run 'Families|Jinja2' \
		./oaif/tokenizer ./oaif/chat ./oaif/model
	@LIBTORCH=$(LIBTORCH) bench/parity/run.sh $(if $(RUN),--run $(RUN)) | tee $(BUILD)/parity.md
	@status=0; LIBTORCH=$(LIBTORCH) bench/parity/python.sh bench/reference/check.py --json $(ROWS) \
		|| status=$$?; \
	$(PYTHON) bench/parity/table.py $(ROWS) $(BUILD)/parity.md > $(BUILD)/table.md; \
	mv $(BUILD)/table.md docs/parity.md; exit $$status

# Nothing else should run meanwhile. What is found goes into bench/results, and without DEVICE
# into bench/SPEED.md and README.md.
SPEED := $(PYTHON) bench/speed/compare.py --device $(or $(DEVICE),cpu)
RESULTS := bench/results/speed-$(or $(DEVICE),cpu).json
SWEEPS := bench/results/sweeps-$(or $(DEVICE),cpu).json
.PHONY: bench
bench: build model ## time oaif beside the reference in PyTorch and TRL (an hour); DEVICE=cuda
	@LIBTORCH=$(LIBTORCH) $(SPEED)
	@LIBTORCH=$(LIBTORCH) bench/parity/python.sh bench/speed/plot.py $(RESULTS)
	@$(PYTHON) bench/speed/table.py $(RESULTS) $(wildcard $(SWEEPS)) \
		$(if $(DEVICE),,--into bench/SPEED.md --short README.md)

.PHONY: bench-sweeps
bench-sweeps: build model ## how the cost grows with prompts, lengths and the model (an hour)
	@LIBTORCH=$(LIBTORCH) $(SPEED) --sweeps
	@LIBTORCH=$(LIBTORCH) bench/parity/python.sh bench/speed/plot.py $(SWEEPS)

.PHONY: bench-remote
bench-remote: build model ## what a step costs with an annotator that takes a second to answer
	@$(PYTHON) bench/speed/remote.py --into docs/annotators.md

.PHONY: bench-steady
bench-steady: build model ## whether 300 steps stay as they began, and how long a start takes
	@LIBTORCH=$(LIBTORCH) bench/parity/python.sh bench/speed/steady.py

ANNOTATORS := # those of configs/annotators that fit and run here
.PHONY: bench-annotators
bench-annotators: build model ## judge labelled pairs with the files ANNOTATORS, into docs/
	@$(PYTHON) bench/annotator/compare.py --into docs/annotators.md $(ANNOTATORS)

BUNDLE := build/oaif-$(TARGET).tar.gz
.PHONY: bundle
bundle: build cpp-tests model ## one tarball for a machine with torch and a GPU (BUNDLE_PYTHON=3.12)
	@LIBTORCH=$(LIBTORCH) bench/bundle/pack.sh $(BUILD) $(BUNDLE) $(BUNDLE_PYTHON)

.PHONY: goldens
goldens: model ## make the numbers again that tests compare with
	@LIBTORCH=$(LIBTORCH) bench/parity/goldens.sh $(MODEL)

GO_FOLDERS := $(wildcard bench cmd oaif torch)
CPP := cbridge/include/*.h cbridge/src/* cbridge/cuda/* cbridge/test/* third_party/gotorch/*.cc
TOOL := go tool -modfile=third_party/tools/go.mod

.PHONY: clang-format
clang-format: check
	@third_party/pip-target.sh third_party/clang-format/pins.txt third_party/clang-format/dist/wheel

.PHONY: lint
lint: cbridge clang-format ## check format, line lengths, vet, staticcheck, errcheck, go.mod
	@$(PYTHON) .ci/measure.py
	@unformatted=$$(gofmt -l $(GO_FOLDERS)); [ -z "$$unformatted" ] || { \
		echo "gofmt would change: $$unformatted"; exit 1; }
	go vet ./...
	$(TOOL) staticcheck ./...
	$(TOOL) errcheck ./...
	@$(CLANG_FORMAT) --dry-run -Werror $(CPP)
	go mod tidy -diff

.PHONY: format
format: clang-format ## rewrite Go and C++ files in the house's format
	@gofmt -w $(GO_FOLDERS)
	@$(CLANG_FORMAT) -i $(CPP)

.PHONY: clean
clean: ## remove what was built; downloads and runs stay
	rm -rf build bin torch/gen_build.h
