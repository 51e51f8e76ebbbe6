#!/usr/bin/env bash
# The official Web UI in a real browser, in front of the binary: its pages, and what they can do to workflows.
#   ci/ui.sh [path of the binary, by default target/debug/foretime] [CHAPTER...]
# The binary may be the real server, too (target/clients-venv/bin/temporal). Needs python3 (3.10 or newer, with venv), go (1.26 or
# newer), node (20.14 or newer) and npm. Installs Debian's chromium-headless-shell with apt-get if there is no Chromium; the rest
# goes below target/, into tests/ui/node_modules, and into the usual caches of Go. Screenshots of all pages are in target/ui/.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
server=$(realpath "${1:-$root/target/debug/foretime}")
if [[ ! -x $server ]]; then
  echo "ci/ui.sh: no binary at $server; build it first: cargo build -p foretime-cli" >&2
  exit 2
fi
out=$root/target/ui
mkdir -p "$out"

# Beside the installations below: it takes a minute when nothing of it is in the cache.
(cd "$root/tests/ui/server" && go build -o "$out/webui" .) &
build=$!

browser=${CHROMIUM:-}
for program in chromium-headless-shell chromium chromium-browser google-chrome; do
  [[ -n $browser ]] || browser=$(command -v "$program" || true)
done
if [[ -z $browser ]]; then
  echo "ci/ui.sh: installs chromium-headless-shell"
  sudo=$([[ $(id -u) == 0 ]] || echo sudo)
  # Quiet but for errors: the log is long.
  { $sudo apt-get update && $sudo apt-get install --yes --no-install-recommends chromium-headless-shell fonts-dejavu-core; } >"$out/apt.log" 2>&1 ||
    { tail -20 "$out/apt.log" >&2; exit 1; }
  browser=$(command -v chromium-headless-shell)
fi

venv=$root/target/clients-venv
[[ -x $venv/bin/python ]] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$root/tests/cli/requirements.txt"

cd "$root/tests/ui"
[[ node_modules/.package-lock.json -nt package-lock.json ]] || npm ci --no-audit --no-fund
wait "$build"
exec node run.mjs --server "$server" --webui "$out/webui" --python "$venv/bin/python" --browser "$browser" --out "$out" "${@:2}"
