#!/usr/bin/env bash
# What survives a `kill -9` of the host, and a host whose plugins misbehave, with the real programs.
#
#   run.sh [--quick | --long]   6 kills at random moments and 8 of the first 200 writes and syncs each;
#                               --long: 200 kills over 300,000 executions, and each of the first 200
#   run.sh storm [--seed N] [--kills N] [--executions N]
#   run.sh sweep [--call pwrite64 | fdatasync] [--nth N …] [--seed N]
#   run.sh farewell [--rounds N] [--seed N]
#   run.sh misbehaviour [NAME …]
#
# A failure prints the line that repeats it and leaves its store, journal and log. SPINDLE_BIN: a directory with other
# builds of spindle, spindle-worker and libspindle-plugin-bench.so.
set -euo pipefail
cd "$(dirname "$0")/../.."

bin=${SPINDLE_BIN:-}
if [ -z "$bin" ]; then
    for product in spindle spindle-plugin-bench; do
        output=$(swift build --product "$product" 2>&1) || {
            echo "$output"
            exit 1
        }
    done
    bin=$(swift build --show-bin-path)
fi
case "${1:-}" in
    "" | --quick) arguments=(quick "${@:2}") ;;
    --long) arguments=(long "${@:2}") ;;
    *) arguments=("$@") ;;
esac
exec python3 -B Tests/crash/main.py --bin "$bin" "${arguments[@]}"
