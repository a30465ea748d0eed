# Sourced with root set to the bundle's folder: finds the torch of this machine, the one that
# LIBTORCH or else python3 names, and sets LIBTORCH and LD_LIBRARY_PATH for it.
wanted=$(cat "$root/torch-version")
if [ -z "${LIBTORCH:-}" ]; then
  LIBTORCH=$("${PYTHON:-python3}" -c 'import importlib.util
spec = importlib.util.find_spec("torch")
print(spec.submodule_search_locations[0] if spec else "")' || true)
fi
[ -e "$LIBTORCH/lib/libtorch_cpu.so" ] || LIBTORCH=$LIBTORCH/torch
if [ ! -e "$LIBTORCH/lib/libtorch_cpu.so" ]; then
  echo "oaif: no torch $wanted: ${PYTHON:-python3} does not import one and LIBTORCH names none" >&2
  exit 1
fi
found=$(sed -n "s/^__version__ = '\(.*\)'/\1/p" "$LIBTORCH/version.py" 2> /dev/null || true)
if [[ $found != "$wanted".* ]]; then
  echo "oaif: this bundle is for torch $wanted; $LIBTORCH is ${found:-of no known version}" >&2
  exit 1
fi
tag=$(cat "$root/cuda-version")
if [[ $found != *"$tag" ]]; then
  echo "oaif: this bundle is for CUDA as in $tag; torch here is $found: no GPU may be found" >&2
fi
libraries=$root/build/current/lib:$LIBTORCH/lib
for folder in "$LIBTORCH"/../nvidia/*/lib; do
  libraries=$libraries:$folder
done
export LIBTORCH LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
