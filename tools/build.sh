#!/usr/bin/env bash
# Builds one program, and says how far it is where there is much to compile: build.sh OUT PACKAGE [go build flags].
set -euo pipefail
out=$1 package=$2
shift 2

if [ -x "$out" ]; then
  exec go build -o "$out" "$@" "$package"
fi
name=$(basename "$out")
echo "building $name: some minutes the first time, seconds from then on" >&2
total=$(go list -deps "$package" 2> >(grep -v '^go: downloading' >&2 || true) | wc -l)
tty=0
[ -t 2 ] && tty=1
go build -v -o "$out" "$@" "$package" 2>&1 | awk -v total="$total" -v name="$name" -v tty="$tty" '
  function show(end) {
    line = sprintf("  %s: %d of at most %d packages compiled, %d s", name, n, total, systime() - began)
    if (tty) printf "\r\033[K%s%s", line, end; else print line
  }
  BEGIN { began = systime() }
  /^go: downloading/ { next }
  /^[A-Za-z0-9_.~\/+-]+$/ { n++; if (tty || n % 100 == 0) { show(""); fflush() } next }
  { print; fflush() }
  END { if (n) show("\n") }' >&2
