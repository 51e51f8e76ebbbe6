#!/usr/bin/env bash
# Records the histories of histories/go and histories/java anew: runs each worker's own code against a server that skips
# time, and writes down what the server keeps.
#
# usage: FORETIME=path/to/foretime TEMPORAL=path/to/temporal record-go-java.sh [go] [java]
#   GO_WORKER and JAVA_WORKER are the commands of the workers, built before:
#     (cd go && go build -o /tmp/go-worker .)        GO_WORKER=/tmp/go-worker
#     (cd java && mvn -q package)                    JAVA_WORKER="java -jar java/target/check.jar"
#   WORKER_LOG is a file for what the workers write. The event ids in expected-go-java.json follow the histories.
set -euo pipefail
cd "$(dirname "$0")"

foretime=${FORETIME:-foretime}
temporal=${TEMPORAL:-temporal}
port=${PORT:-7391}
address=127.0.0.1:$port
start=2026-03-01T09:00:00Z

cli() { "$temporal" --address "$address" --identity recorder "$@"; }
skip() { "$foretime" time skip "$1" --settle --address "$address" >/dev/null; }
settle() { "$foretime" time settle --address "$address" >/dev/null; }

begin() { # NAME RENEWALS
  cli workflow start --type Subscription --task-queue subscriptions --workflow-id "$1" --input "$(plan "$2")" >/dev/null
  settle
}

# The two languages spell fields their own way.
plan() {
  case $language in
    go) echo "{\"Customer\":\"ada\",\"PriceCents\":1000,\"Renewals\":$1}" ;;
    java) echo "{\"customer\":\"ada\",\"priceCents\":1000,\"renewals\":$1}" ;;
  esac
}

# Go names its sticky task queue after the machine, which does not belong in fixtures.
keep() { # NAME
  cli workflow show --workflow-id "$1" --output json | sed "s/\"$(hostname):/\"worker:/" >"histories/$language/$1.json"
}

# Starts a server and a worker of one version, runs a recording function, and ends both.
with_worker() { # VERSION FUNCTION
  "$foretime" serve --port "$port" --time awaited --seed 1 --start-time "$start" \
    --search-attribute CustomerId=Keyword >/dev/null &
  server=$!
  for _ in $(seq 100); do
    "$foretime" time now --address "$address" >/dev/null 2>&1 && break
    sleep 0.1
  done
  env VERSION="$1" TEMPORAL_ADDRESS="$address" $worker_command >"${WORKER_LOG:-/dev/null}" 2>&1 &
  worker=$!
  "$2"
  end
}

end() {
  [[ -z $server ]] || kill $worker $server 2>/dev/null || true
  wait
}
trap end EXIT
worker= server=

record_same() {
  begin completed 2
  skip 30d
  skip 30d
  keep completed

  begin loyal 8
  for _ in 1 2 3 4 5 6 7 8; do skip 30d; done
  keep loyal

  begin waiting 12
  skip 30d
  keep waiting

  begin updated 12
  cli workflow update execute --workflow-id updated --name change_price --input 1200 >/dev/null
  settle
  keep updated

  begin cancelled 12
  skip 30d
  cli workflow signal --workflow-id cancelled --name cancel >/dev/null
  settle
  keep cancelled
}

# A customer who is past month 7 since before there was a discount.
record_before() {
  begin undiscounted 8
  for _ in 1 2 3 4 5 6 7; do skip 30d; done
  keep undiscounted
}

for language in ${@:-go java}; do
  case $language in
    go) worker_command=${GO_WORKER:?} ;;
    java) worker_command=${JAVA_WORKER:?} ;;
  esac
  mkdir -p "histories/$language"
  with_worker same record_same
  with_worker before record_before
done
