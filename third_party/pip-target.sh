#!/usr/bin/env bash
# pip-target.sh PINS FOLDER: installs the packages of the requirements file PINS into FOLDER.
# FOLDER appears whole or not at all, and a second call with the same PINS does nothing: the pins
# that FOLDER was made from are kept in it. Nothing outside FOLDER is written, and where packages
# come from is pip's own setting.
set -euo pipefail

pins=$1
folder=$2
stamp=$folder/pins.txt
partial=$folder.partial

if cmp -s "$pins" "$stamp"; then
  exit 0
fi

mkdir -p "$(dirname "$folder")"
exec 9>"$folder.lock"
flock 9
if cmp -s "$pins" "$stamp"; then
  exit 0
fi

echo "oaif: installing $(grep -vc '^#' "$pins") pinned packages of $pins"
rm -rf "$partial" "$folder"
mkdir -p "$partial/tmp"
# pip unpacks into TMPDIR first: kept on the same file system, moving from there costs nothing.
if ! TMPDIR=$partial/tmp "${PYTHON:-python3}" -m pip install --quiet --no-deps --no-compile \
  --no-cache-dir --only-binary :all: --root-user-action ignore --disable-pip-version-check \
  --target "$partial/packages" --requirement "$pins"; then
  rm -rf "$partial"
  echo "oaif: pip could not install $pins" >&2
  exit 1
fi
cp "$pins" "$partial/packages/pins.txt"
mv "$partial/packages" "$folder"
rm -rf "$partial"
