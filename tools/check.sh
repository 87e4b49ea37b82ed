#!/usr/bin/env bash
# Says whether this machine's Go and Python can build and run the project, and what to do when they cannot: exit code 3.
set -euo pipefail
cd "$(dirname "$0")/.."
say() {
  echo "$*" >&2
  exit 3
}

need=$(awk '$1 == "go" { print $2 }' lab/go.mod)
command -v go >/dev/null || say "Go $need or later is needed and not on the PATH: see go.dev/dl"
# Asked where it is needed most: a Go that may fetch another one does it here.
have=$(cd lab && GOWORK=off go env GOVERSION 2>&1) ||
  say "Go $need or later is needed: install it from go.dev/dl, or let this one fetch it (go env -w GOTOOLCHAIN=auto). It says: $have"
number=${have#go}
case $number in
[0-9]*) [ "$(printf '%s\n' "$need" "${number%%[ -]*}" | sort -V | head -n 1)" = "$need" ] ||
  say "Go $need or later is needed, and this one is $number: install a newer one from go.dev/dl" ;;
esac

command -v python3 >/dev/null || say "python3 is needed and not on the PATH; on Debian: apt-get install python3 python3-venv"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
  say "python3 3.10 or later is needed, and this one is $(python3 -c 'import platform; print(platform.python_version())'): put a newer one first on the PATH"
