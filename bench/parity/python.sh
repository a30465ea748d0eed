#!/usr/bin/env bash
# python.sh SCRIPT [ARGUMENTS]: runs a script with the pinned transformers, which it installs below
# third_party/ (once), and with the torch of the libtorch that oaif is linked to: the one that
# LIBTORCH names, else the pinned one of TORCH_CUDA. A script whose folder has pins of its own gets
# those packages too. The script runs in the repository's root.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
script=$(realpath "$1")
shift
cd "$root"

torch=${LIBTORCH:-$root/third_party/libtorch/dist/${TORCH_CUDA:-cu130}/torch}
[ -e "$torch/__init__.py" ] || torch=$torch/torch
if [ ! -e "$torch/__init__.py" ]; then
  echo "parity: no Python torch beside the libtorch in use: \`make libtorch\` or set LIBTORCH" >&2
  exit 2
fi
packages=third_party/parity/dist/packages
third_party/pip-target.sh "$here/pins.txt" "$packages"
path=$root/$packages
own=$(dirname "$script")
if [ "$own" != "$here" ] && [ -e "$own/pins.txt" ]; then
  packages=third_party/$(basename "$own")/dist/packages
  third_party/pip-target.sh "$own/pins.txt" "$packages"
  path=$root/$packages:$path
fi

# Nothing is looked up: model and tokenizer are local files.
export HF_HUB_OFFLINE=1 HF_HUB_DISABLE_PROGRESS_BARS=1 TQDM_DISABLE=1
export TRANSFORMERS_VERBOSITY=error TOKENIZERS_PARALLELISM=false
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
export PYTHONPATH=$path:$(dirname "$torch") PYTHONDONTWRITEBYTECODE=1
exec "${PYTHON:-python3}" "$script" "$@"
