#!/usr/bin/env bash
# pack.sh BUILD FILE [PYTHON_VERSION]: packs what lies in the build folder BUILD into the tarball
# FILE. `make bundle` calls it. Unpacked on another machine the program runs against the torch found
# there, without network, Go or a compiler; bench/gpu.sh tests and times it.
#
# The layout is the repository's, so that scripts and tests find their files where they are here.
# The Python packages are those of the comparisons, for PYTHON_VERSION (3.12; default: the version
# of python3 here); torch itself is not among them.
set -euo pipefail

build=$1
file=$2
python=${PYTHON:-python3}
[ -z "${3:-}" ] || export PIP_PYTHON_VERSION=$3  # pip's own variable
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

stage=$build/bundle/oaif
rm -rf "$stage"
mkdir -p "$stage/bin" "$stage/test" "$stage/build/current" "$stage/third_party"

cp bin/oaif "$stage/bin/oaif.program"
cp bench/bundle/oaif "$stage/bin/oaif"
cp -r "$build/lib" "$stage/build/current/"
cp -r "$build/test" "$stage/test/cpp"
cp -r configs bench go.mod README.md "$stage/"
rm -rf "$stage/bench/results"
cp third_party/pip-target.sh "$stage/third_party/"
mkdir "$stage/third_party/models"
cp third_party/models/*.gguf "$stage/third_party/models/"
"$python" bench/machine.py --commit > "$stage/commit"
version=$(sed -n "s/^__version__ = '\(.*\)'/\1/p" "$LIBTORCH/version.py")
echo "$version" | sed 's/^\([0-9]*\.[0-9]*\)\..*/\1/' > "$stage/torch-version"
echo "${version#*+}" > "$stage/cuda-version"
wanted=${3:-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')}
echo "$wanted" > "$stage/python-version"

# The tests that a device takes part in, each run in its package's folder for its testdata.
for package in torch oaif/model oaif/sampler oaif/lm oaif/engine oaif/serve oaif/loss \
  oaif/trainer; do
  mkdir -p "$stage/$package"
  go test -c -o "$stage/$package/$(basename "$package").test" "./$package"
  [ ! -d "$package/testdata" ] || cp -r "$package/testdata" "$stage/$package/"
done

# Those of this Python are what bench/parity/python.sh uses here; another's have a folder beside.
for name in parity trl speed; do
  packages=third_party/$name/dist/packages
  third_party/pip-target.sh "bench/$name/pins.txt" "$packages${3:+-$3}"
  mkdir -p "$stage/third_party/$name/dist"
  cp -r "$packages${3:+-$3}" "$stage/$packages"
done
if ! ls "$stage"/third_party/parity/dist/packages/numpy/_core/*.cpython-"${wanted/./}"-*.so \
  > /dev/null 2>&1; then
  echo "pack.sh: the packages installed here are another Python's: say BUNDLE_PYTHON=$wanted" >&2
  exit 1
fi

mkdir -p "$(dirname "$file")"
tar -C "$build/bundle" -czf "$file.partial" oaif
mv "$file.partial" "$file"
rm -rf "$build/bundle"
echo "$file: $(du -h "$file" | cut -f 1)"
