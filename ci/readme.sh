#!/usr/bin/env bash
# Runs what the README says, so that it stays true.
#   ci/readme.sh tests|main|sim  runs the command in the README's block marked so
#   ci/readme.sh snippets     every code block that is marked with a file is that file, or what stands there between the
#                             comments "README: begin" and "README: end", moved to the left. Marked with FILE#NAME, it is what
#                             stands between "README NAME: begin" and "README NAME: end". Of two pages in docs/, too
#   ci/readme.sh check [path of the binary, by default target/debug/foretime]
#                             each command marked "check NAME" finds what its block of output begins with, and exits with 1.
#                             ci/check.sh runs it, which has built the workers
set -euo pipefail
cd "$(dirname "$0")/.."

# The block that follows the line "<!-- NAME -->" in a page, by default the README, without its fences.
block() {
  awk -v mark="<!-- $1 -->" '$0 == mark { wanted = 1; next } wanted && /^```/ { if (inside) exit; inside = 1; next } inside' "${2:-README.md}"
}

# What a page shows of a file, or of its named part.
shown() {
  if [[ -z ${2:-} ]] && ! grep -q 'README: begin' "$1"; then cat "$1"; return; fi
  awk -v part="README${2:+ $2}" 'index($0, part ": end") { exit }
    inside { if (!from) { match($0, /^[ \t]*/); from = RLENGTH + 1 } line = substr($0, from); if (line == "") blanks = blanks "\n"; else { printf "%s%s\n", blanks, line; blanks = "" } }
    index($0, part ": begin") { inside = 1 }' "$1"
}

case ${1:-} in
  tests | main | sim)
    command=$(block "$1")
    [[ -n $command ]] || { echo "ci/readme.sh: README.md has no block marked $1" >&2; exit 1; }
    echo "$command"
    bash -euo pipefail -c "$command"
    ;;
  snippets)
    for page in README.md docs/simulation.md docs/your-service-on-madsim.md; do
      for mark in $(sed -n 's/^<!-- \(.*\/.*\) -->$/\1/p' "$page"); do
        part=
        if [[ $mark == *#* ]]; then part=${mark#*#}; fi
        diff <(block "$mark" "$page") <(shown "${mark%%#*}" "$part") || { echo "ci/readme.sh: $page shows another $mark" >&2; exit 1; }
        echo "$mark: as shown in $page"
      done
    done
    ;;
  check)
    binary=$(realpath "${2:-target/debug/foretime}")
    # The README calls programs by their names.
    programs=$(mktemp -d)
    trap 'rm -rf "$programs"' EXIT
    ln -s "$binary" "$programs/foretime"
    # On GitHub's runners the report has annotations.
    unset GITHUB_ACTIONS GITHUB_STEP_SUMMARY
    for name in $(sed -n 's/^<!-- check \([a-z]*\) -->$/\1/p' README.md); do
      command=$(block "check $name")
      begin=$(block "check $name: output")
      [[ -n $command && -n $begin ]] || { echo "ci/readme.sh: README.md lacks a block of check $name" >&2; exit 1; }
      echo "$command"
      code=0
      output=$(PATH=$programs:$PWD/target/clients-venv/bin:$PATH bash -euo pipefail -c "$command") || code=$?
      diff <(echo "$begin") <(head -n "$(wc -l <<<"$begin")" <<<"$output") || { echo "ci/readme.sh: README.md shows another report" >&2; exit 1; }
      ((code == 1)) || { echo "ci/readme.sh: it exits with $code, not with 1" >&2; exit 1; }
    done
    ;;
  *)
    echo "usage: ci/readme.sh tests|main|snippets|check" >&2
    exit 2
    ;;
esac
