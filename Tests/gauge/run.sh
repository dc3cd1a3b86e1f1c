#!/usr/bin/env bash
# Builds the gauges of the plugin `bench` with their tests into a temporary directory and runs them: plain, with ASan + UBSan, with
# TSan. --quick: small loads. --long: larger ones.
set -euo pipefail
cd "$(dirname "$0")"
mode=${1:-normal}
case $mode in normal | --quick | --long) ;; *) echo "usage: run.sh [--quick|--long]" >&2; exit 2 ;; esac
cc=$(command -v "${CC:-clang}" || command -v cc)
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
rounds=20
[ "$mode" = --quick ] && rounds=5
[ "$mode" = --long ] && rounds=400
failed=0

# The thread sanitizer of Swift's clang wants Swift's libdispatch, of another clang nothing.
swift=$(dirname "$(dirname "$cc")")/lib/swift/linux
dispatch=()
if [ -e "$swift/libdispatch.so" ]; then
    dispatch=(-Wl,--no-as-needed "-L$swift" "-Wl,-rpath,$swift" -ldispatch -lBlocksRuntime)
fi

round() { # NAME ROUNDS FLAGS…
    local name=$1 count=$2 libraries=()
    shift 2
    case "$*" in *=thread*) libraries=("${dispatch[@]}") ;; esac
    mkdir "$build/$name.d"
    if ! "$cc" -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I ../../PluginSDK/c/include -g -pthread "$@" \
        test_gauge.c ../../Plugins/bench/gauge.c -o "$build/$name" "${libraries[@]}" 2> "$build/$name.log"; then
        cat "$build/$name.log"
        echo "$name: does not build"
        failed=$((failed + 1))
        return
    fi
    "$build/$name" "$build/$name.d" "$count" | sed "s/^/$name: /" || failed=$((failed + 1))
}

export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1
round plain $rounds -O2
round asan $((rounds / 5)) -O1 -fsanitize=address,undefined -fno-omit-frame-pointer
round tsan $((rounds / 5)) -O1 -fsanitize=thread
[ $failed = 0 ]
