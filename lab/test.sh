#!/usr/bin/env bash
# Runs every test of both modules on one lab of its own, which it ends again. Arguments: packages of the product.
set -euo pipefail
export CGO_ENABLED=0 # as the Makefile builds: everything is compiled once
cd "$(dirname "$0")/.."

name=test-$$
lab=lab/bin/lab
finish() {
  code=$?
  "$lab" down --name "$name" || code=1
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

"$lab" up --name "$name"
eval "$("$lab" env --name "$name")"
export FIREBREAK_BIN=$PWD/bin/firebreak FIREBREAK_LAB_PROGRAM=$PWD/$lab FIREBREAK_LAB_NAME=$name

failed=0
go test -timeout 40m -parallel 4 "$@" || failed=1
# Vet is part of `make lint`; here it would read all of Temporal once more.
(cd lab && go test -vet=off -timeout 40m ./...) || failed=1
exit "$failed"
