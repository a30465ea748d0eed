#!/usr/bin/env bash
# gpu.sh [FOLDER]: what oaif does on this machine's GPU, in one command: doctor, tests, the
# comparison with transformers, and times beside the reference and TRL. It is run in an unpacked
# bundle (`make bundle`). FOLDER (gpu-results) keeps the output of each step and the results. A step
# that fails is named at the end; the others run all the same. DEVICE=cpu does it without a GPU.
# STEPS="doctor tests" does only these.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=$(realpath -m "${1:-gpu-results}")
device=${DEVICE:-cuda}
steps=${STEPS:-doctor tests parity bench}
case ${PYTHON:-python3} in  # a relative one is meant from here; a link of a venv must stay one
  */*) PYTHON=$(realpath -s "$PYTHON"); export PYTHON ;;
esac
[ -z "${LIBTORCH:-}" ] || LIBTORCH=$(realpath "$LIBTORCH")
cd "$root" || exit 1
if [ ! -e torch-version ]; then
  echo "gpu: this is no unpacked bundle: \`make bundle\` makes one" >&2
  exit 2
fi
. bench/bundle/torch.sh
python=$("${PYTHON:-python3}" -c 'import sys; print("%d.%d" % sys.version_info[:2])' || true)
if [ "$python" != "$(cat python-version)" ]; then
  echo "gpu: parity and bench want Python $(cat python-version), this is ${python:-none}:" \
    "\`make bundle BUNDLE_PYTHON=$python\` packs for it" >&2
fi
mkdir -p "$out" || exit 1
export OMP_WAIT_POLICY=passive OAIF_TEST_DEVICE=$device
failed=()

# step NAME COMMAND...: runs it, its output into a file of that name.
step() {
  local name=$1 begun=$SECONDS status
  shift
  "$@" > "$out/$name.log" 2>&1 < /dev/null
  status=$?
  if [ $status -eq 0 ]; then
    echo "ok      $name ($((SECONDS - begun)) s)"
  else
    echo "FAILED  $name ($((SECONDS - begun)) s): $(tail -n 1 "$out/$name.log")"
    failed+=("$name")
  fi
}

go_test() (
  cd "$(dirname "$1")" && exec "./$(basename "$1")" -test.timeout 30m
)

tests() {
  local program
  for program in test/cpp/*; do
    step "$(basename "$program")" "$program"
  done
  for program in torch/*.test oaif/*/*.test; do
    step "go-$(basename "$program" .test)" go_test "$program"
  done
}

times() {
  step bench "${PYTHON:-python3}" bench/speed/compare.py --device "$device" --out "$out"
  step table "${PYTHON:-python3}" bench/speed/table.py "$out/speed-$device.json"
}

for name in $steps; do
  case $name in
    doctor) step doctor bin/oaif doctor --device "$device" ;;
    tests) tests ;;
    parity) step parity bench/parity/run.sh --device "$device" ;;
    bench) times ;;
    *) echo "gpu: no step $name: doctor, tests, parity, bench" >&2; exit 2 ;;
  esac
done
echo "results: $out"
if [ ${#failed[@]} -gt 0 ]; then
  echo "failed: ${failed[*]}"
  exit 1
fi
