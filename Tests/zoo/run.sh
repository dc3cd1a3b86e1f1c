#!/usr/bin/env bash
# Plugins that misbehave (PluginSDK/zoo), each at every level of isolation, in real hosts.
#
#   run.sh [--quick | --long]     once; --long: 20 times in a row in the same hosts
#   run.sh [--rounds N] [NAME …]  only these plugins
#
# Prints plugin × level → outcome, and holds it against PluginSDK/zoo/outcomes.txt. With SPINDLE_UPDATE_ZOO=1 it writes that file,
# and the tables of Docs/zoo.md, anew. SPINDLE_BIN: a directory with other builds of spindle, spindle-worker and
# libspindle-plugin-bench.so.
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
    "" | --quick) arguments=(--rounds 1 "${@:2}") ;;
    --long) arguments=(--rounds 20 "${@:2}") ;;
    *) arguments=("$@") ;;
esac
exec python3 -B Tests/zoo/main.py --bin "$bin" "${arguments[@]}"
