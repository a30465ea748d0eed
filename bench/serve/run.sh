#!/usr/bin/env bash
# run.sh SCRIPT [ARGUMENTS]: runs a script of this folder with the pinned packages of OpenAI's
# Python client, which it installs below third_party/ (once).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
script=$(realpath "$1")
shift
cd "$root"

packages=third_party/serve/dist/packages
third_party/pip-target.sh "$here/pins.txt" "$packages"
export PYTHONPATH=$root/$packages PYTHONDONTWRITEBYTECODE=1
exec "${PYTHON:-python3}" "$script" "$@"
