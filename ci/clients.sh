#!/usr/bin/env bash
# The official Python and TypeScript SDKs, from their registries, against the binary.
#   ci/clients.sh [path of the binary, by default target/debug/foretime]
# Needs python3 (3.10 or newer, with venv), node (20.14 or newer) and npm; installs the rest below target/ and
# tests/clients/typescript/node_modules. Both suites run, also if the first fails; each ends with "N passed, N failed".
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
binary=${1:-$root/target/debug/foretime}
if [[ ! -x $binary ]]; then
  echo "ci/clients.sh: no binary at $binary; build it first: cargo build -p foretime-cli" >&2
  exit 2
fi
FORETIME=$(realpath "$binary")
export FORETIME

python_suite() {
  local venv=$root/target/clients-venv
  [[ -x $venv/bin/python ]] || python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --requirement "$root/tests/clients/python/requirements.txt"
  cd "$root/tests/clients/python"
  "$venv/bin/python" -m pytest --quiet -p no:cacheprovider
}

typescript_suite() {
  cd "$root/tests/clients/typescript"
  # npm ci starts from nothing every time; what is as new as the lock file can stay.
  [[ node_modules/.package-lock.json -nt package-lock.json ]] || npm ci --no-audit --no-fund
  rm -rf lib
  npm run --silent build
  local log=$root/target/clients-typescript.log status=0
  npm test --silent | tee "$log" || status=$?
  awk '$2 == "pass" { passed = $3 } $2 == "fail" || $2 == "cancelled" { failed += $3 }
    END { printf "typescript: %d passed, %d failed\n", passed, failed }' "$log"
  return "$status"
}

mkdir -p "$root/target"
# Not "suite || failed=1": bash ignores errexit inside such a list.
set +e
(set -e; python_suite)
python_status=$?
(set -e; typescript_suite)
typescript_status=$?
exit $((python_status != 0 || typescript_status != 0))
