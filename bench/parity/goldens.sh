#!/usr/bin/env bash
# goldens.sh MODEL.gguf: makes the numbers again that the tests compare with, each by its own script
# and the pinned reference libraries. What has not changed comes out the same, byte for byte.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
model=$(realpath "$1")
golden() {
  echo "$*"
  "$root/bench/parity/python.sh" "$root/$1" "${@:2}"
}

golden oaif/weights/testdata/generate.py "$model"
golden oaif/weights/testdata/families.py
golden oaif/weights/testdata/families_gguf.py
golden oaif/weights/testdata/rope.py
golden oaif/model/testdata/make_golden.py tiny
golden oaif/model/testdata/make_golden.py smollm2 "$model"
golden oaif/tokenizer/testdata/golden.py "$model"
golden oaif/tokenizer/testdata/families.py
golden oaif/tokenizer/testdata/spm.py
golden oaif/chat/testdata/golden.py "$model"
golden oaif/lm/testdata/reward.py
golden oaif/lexicon/testdata/make_vader.py
golden oaif/annotator/testdata/prompts.py
