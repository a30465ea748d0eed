#!/usr/bin/env bash
# fetch.sh [cu126|cu128|cu130|cu132|cpu]: gets the pinned libtorch into dist/<version>, 4.0 GB
# for cu130. dist/<version>/torch is then a libtorch: include/ and lib/.
set -euo pipefail

version=${1:-cu130}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pins=$here/pins/$version.txt

if [ ! -f "$pins" ]; then
  pinned=$(cd "$here/pins" && echo *.txt | sed 's/\.txt//g')
  echo "oaif: no libtorch is pinned as $version; there are: $pinned" >&2
  exit 2
fi
exec "$here/../pip-target.sh" "$pins" "$here/dist/$version"
