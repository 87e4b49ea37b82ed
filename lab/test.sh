#!/usr/bin/env bash
# Runs every test of both modules on one lab of its own, which it ends again. Arguments: packages of the product.
set -euo pipefail
export CGO_ENABLED=0 # as the Makefile builds: everything is compiled once
export PATH=$PATH:/usr/sbin:/sbin
cd "$(dirname "$0")/.."

name=test-$$
lab=lab/bin/lab
labs=${XDG_STATE_HOME:-$HOME/.local/state}/firebreak/lab
tmp=${TMPDIR:-/tmp}
job=

# clear PID takes down what the run with this PID left: its lab, and the labs that its tests started below their own
# temporary directory. A test that is killed has no time to do it itself.
clear() {
  local work=$tmp/firebreak-test-$1 state failed=0
  if [ -O "$work" ]; then
    while IFS= read -r state; do
      "$lab" down --dir "$(dirname "$state")" || failed=1
    done < <(find "$work" -name state.json)
    [ "$failed" != 0 ] || rm -rf "$work"
  fi
  "$lab" down --name "test-$1" || failed=1
  return "$failed"
}

# A run that was killed outright left its lab. The PID of one that still runs is in use.
for old in "$labs"/test-* "$tmp"/firebreak-test-*; do
  pid=${old##*-}
  if [[ $pid =~ ^[0-9]+$ ]] && [ -O "$old" ] && ! [ -e "/proc/$pid" ]; then
    clear "$pid" && rm -rf "${labs:?}/test-$pid" || echo "cannot take down what the test run $pid left" >&2
  fi
done

finish() {
  code=$?
  trap '' HUP INT TERM
  if [ -n "$job" ]; then
    kill -- "-$job" 2>/dev/null || true
    wait "$job" || true
  fi
  clear $$ || code=1
  exit "$code"
}
trap finish EXIT
trap 'exit 130' HUP INT TERM

# run waits for a command in a process group of its own: a signal to this script is heard at once, and ends all of it.
set -m
run() {
  local code=0
  "$@" &
  job=$!
  wait "$job" || code=$?
  job=
  return "$code"
}

export TMPDIR=$tmp/firebreak-test-$$
mkdir -m 700 "$TMPDIR"

run "$lab" up --name "$name"
vars=$("$lab" env --name "$name")
eval "$vars"
export FIREBREAK_BIN=$PWD/bin/firebreak FIREBREAK_LAB_PROGRAM=$PWD/$lab FIREBREAK_LAB_NAME=$name

failed=0
run go test -timeout 40m -parallel 4 "$@" || failed=1
# Vet is part of `make lint`; here it would read all of Temporal once more.
cd lab
run go test -vet=off -timeout 40m ./... || failed=1
cd ..
exit "$failed"
