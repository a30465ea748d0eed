#!/bin/bash
# Runs every fuzz target for SECONDS, one after the other on one processor, and prints a row of
# docs/fuzz.md for each. The exit status is 1 if one failed; go then names the input that it wrote
# into the package's testdata/fuzz. With names of targets, runs these only.
set -eu -o pipefail
seconds=$1
shift
cd "$(dirname "$0")/.."
export CGO_ENABLED=0 GOMAXPROCS=1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
for folder in $(grep -rl --include='*_test.go' '^func Fuzz' oaif | xargs -n 1 dirname | sort -u); do
	for target in $(go test -list '^Fuzz' "./$folder" | grep '^Fuzz'); do
		[ $# = 0 ] || [[ " $* " == *" $target "* ]] || continue
		findings=0
		nice go test -run '^$' -fuzz "^$target\$" -fuzztime "${seconds}s" -fuzzminimizetime 100x \
			-parallel 1 "./$folder" > "$log" 2>&1 || findings=1
		[ $findings = 0 ] || { status=1; cat "$log" >&2; }
		executions=$(sed -nE 's/.*execs: ([0-9]+).*/\1/p' "$log" | tail -n 1)
		echo "| $folder $target | ${executions:-0} | $seconds s | $findings |"
	done
done
exit $status
