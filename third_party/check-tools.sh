#!/usr/bin/env bash
# Names a processor that cannot run what is built, or every tool that is missing, in one line, and
# fails: run before anything is downloaded.
set -euo pipefail

# CMakeLists.txt compiles for x86-64-v3. Where there is no such file, oaif itself says so.
if [ "$(uname -m)" = x86_64 ] && [ -r /proc/cpuinfo ]; then
  for flag in avx2 fma; do
    if ! grep -qw "$flag" /proc/cpuinfo; then
      echo "oaif: this processor has no ${flag^^}:" \
        "oaif is compiled for x86-64 with AVX2 and FMA" >&2
      exit 1
    fi
  done
fi

python=${PYTHON:-python3}
missing=()

# at_least HAVE WANT: both dotted numbers.
at_least() { [ "$(printf '%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# need NAME WANT HAVE: HAVE is the version found, empty when the tool is not there.
need() {
  if [ -z "$3" ]; then
    missing+=("$1 >= $2")
  elif ! at_least "$3" "$2"; then
    missing+=("$1 >= $2 (found $3)")
  fi
}

# version COMMAND...: the first number with a dot in what it prints, empty when it fails.
version() { "$@" 2>/dev/null | sed -nE '1s/^[^0-9]*([0-9.]+).*/\1/p' || true; }

# Without GOTOOLCHAIN=local an older go would fetch a newer one here.
need go 1.26 "$(cd / && GOTOOLCHAIN=local version go version)"
need g++ 11 "$(version g++ -dumpfullversion -dumpversion)"
need cmake 3.21 "$(version cmake --version)"
need make 4.0 "$(version make --version)"
# The pinned wheels of torch are for Python 3.11 and newer, or for older ones too.
need "$python" 3.11 "$(version "$python" --version)"
need "pip of $python" 22.1 "$(version "$python" -m pip --version)"

if [ ${#missing[@]} -gt 0 ]; then
  list=$(printf ', %s' "${missing[@]}")
  echo "oaif: missing: ${list:2};" \
    "on Debian 12: apt install g++ cmake make python3-pip, and Go 1.26 or newer" >&2
  exit 1
fi
