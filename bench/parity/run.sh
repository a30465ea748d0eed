#!/usr/bin/env bash
# run.sh [ARGUMENTS OF parity.py]: compares bin/oaif with transformers. Installs the pinned
# transformers below third_party/ (once) and takes torch from the libtorch that oaif is linked to:
# the one that LIBTORCH names, else the pinned one of TORCH_CUDA.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-python3}
cd "$root"

torch=${LIBTORCH:-$root/third_party/libtorch/dist/${TORCH_CUDA:-cu130}/torch}
[ -e "$torch/__init__.py" ] || torch=$torch/torch
if [ ! -e "$torch/__init__.py" ]; then
  echo "parity: no Python torch beside the libtorch in use: \`make libtorch\` or set LIBTORCH" >&2
  exit 2
fi
packages=third_party/parity/dist/packages
third_party/pip-target.sh "$here/pins.txt" "$packages"

# Nothing is looked up: model and tokenizer are local files.
export HF_HUB_OFFLINE=1 HF_HUB_DISABLE_PROGRESS_BARS=1 TQDM_DISABLE=1
export TRANSFORMERS_VERBOSITY=error TOKENIZERS_PARALLELISM=false
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
export PYTHONPATH=$root/$packages:$(dirname "$torch") PYTHONDONTWRITEBYTECODE=1
exec "$python" "$here/parity.py" "$@"
