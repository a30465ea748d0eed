#!/usr/bin/env bash
# run.sh [ARGUMENTS OF parity.py]: compares bin/oaif with transformers.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$here/python.sh" "$here/parity.py" "$@"
