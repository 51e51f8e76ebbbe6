#!/usr/bin/env bash
# The official Python, TypeScript, Go and Java SDKs, from their registries, against the binary.
#   ci/clients.sh [path of the binary, by default target/debug/foretime]
# Needs python3 (3.10 or newer, with venv), node (20.14 or newer) and npm, go (1.26 or newer), java (17 or newer) and
# mvn on the PATH; installs the rest below target/, in tests/clients/typescript/node_modules, and in the usual caches of
# Go and Maven. Every suite runs, also if one before it fails; each ends with "N passed, N failed".
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

go_suite() {
  cd "$root/tests/clients/go"
  local log=$root/target/clients-go.log status=0
  # Each failed attempt of the flaky gateway is an error to the SDK; the log keeps them.
  go test -count=1 -timeout 60s -v . 2>&1 | tee "$log" | grep -v 'msg="Activity error."' || status=$?
  awk '$1 == "---" && $2 == "PASS:" { passed++ } $1 == "---" && $2 == "FAIL:" { failed++ }
    END { printf "go: %d passed, %d failed\n", passed, failed }' "$log"
  return "$status"
}

java_suite() {
  cd "$root/tests/clients/java"
  local log=$root/target/clients-java.log status=0
  mvn --batch-mode --no-transfer-progress test | tee "$log" || status=$?
  # A class's line goes on with the time it took; the line of all of them does not. Maven ends without a newline.
  awk -F '[:,]' '/Tests run:.*Skipped: [0-9]+$/ { failed = $4 + $6; passed = $2 - failed - $8 }
    END { printf "\njava: %d passed, %d failed\n", passed, failed }' "$log"
  return "$status"
}

mkdir -p "$root/target"
# Not "suite || failed=1": bash ignores errexit inside such a list.
set +e
failed=0
for suite in python typescript go java; do
  (set -e; "${suite}_suite")
  (($? == 0)) || failed=1
done
exit "$failed"
