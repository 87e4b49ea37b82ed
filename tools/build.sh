#!/usr/bin/env bash
# Builds one program, and says how far it is where there is much to compile: build.sh OUT PACKAGE [go build flags].
# The programs get their version from their flags, so that a checkout of another user's builds, too.
set -euo pipefail
out=$1 package=$2
shift 2
set -- -buildvcs=false "$@"

if [ -x "$out" ]; then
  exec go build -o "$out" "$@" "$package"
fi
name=$(basename "$out") began=$SECONDS live=0
[ ! -t 2 ] || live=1
list=$(mktemp)
trap 'rm -f "$list"' EXIT

# show NUMBER WORDS says how far it is: in place on a terminal, else once every hundred.
show() {
  local text="  $name: $1 $2, $((SECONDS - began)) s"
  if [ "$live" = 1 ]; then
    printf '\r\033[K%s' "$text" >&2
  elif [ $(($1 % 100)) = 0 ] || [ "${3:-}" = end ]; then
    echo "$text" >&2
  fi
}

# progress WORDS counts what go says it downloads or compiles, and passes on all else. The shell reads line by line as
# they come; awk would wait for a whole buffer of them.
progress() {
  local line n=0 modules=0
  while IFS= read -r line; do
    case $line in
    'go: downloading '*) show $((modules += 1)) "modules downloaded" ;;
    *[!A-Za-z0-9_.~/+-]*)
      [ "$live" = 0 ] || printf '\r\033[K' >&2
      printf '%s\n' "$line" >&2
      ;;
    *) show $((n += 1)) "$1" ;;
    esac
  done
  [ $((n + modules)) = 0 ] || [ "$live" = 0 ] || printf '\r\033[K' >&2
  [ "$n" = 0 ] || { live=0 show "$n" "$1" end; }
}

echo "building $name: some minutes the first time, seconds from then on" >&2
go list -deps "$package" 2>&1 >"$list" | progress "lines"
go build -v -o "$out" "$@" "$package" 2>&1 | progress "of at most $(wc -l <"$list") packages compiled"
