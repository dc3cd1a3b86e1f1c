#!/bin/sh
# Builds and runs all tests of the ABI, the wire, the session and the worker, plain and with sanitizers. run.sh [--quick | --long]
#   --long  1 GiB of log flood                  Tests/fuzz fuzzes the wire
set -u
cd "$(dirname "$0")/../.." || exit 2
mode=${1:-}
build=$(mktemp -d) || exit 2
trap 'rm -rf "$build"' EXIT
passed=0 failed=0
includes="-IPluginSDK/c/include -ISources/SpindleWire/include -ITests/abi"
strict="-Wall -Wextra -Werror"
c11="-std=c11 -D_GNU_SOURCE -g $strict $includes"

# step NAME COMMAND…: counts it, shows its output if it failed or ends with the counts of its own checks.
step() {
    name=$1
    shift
    if "$@" >"$build/output" 2>&1; then
        passed=$((passed + 1))
        echo "ok    $name$(tail -1 "$build/output" | sed -n 's/^\([0-9]* passed, 0 failed\)$/ (\1)/p')"
    else
        failed=$((failed + 1))
        echo "FAIL  $name"
        tail -50 "$build/output"
    fi
}

header=PluginSDK/c/include/spindle/executor.h
for compiler in gcc clang; do
    step "header, C99, $compiler" $compiler -std=c99 -pedantic $strict $includes -c Tests/abi/plugins/header.c -o "$build/h.o"
done
step "header alone, C99" gcc -std=c99 -pedantic $strict -x c -fsyntax-only $header
step "header of triggers alone, C99" gcc -std=c99 -pedantic $strict -x c -fsyntax-only "${header%executor.h}trigger.h"
step "header of triggers alone, C++17" g++ -std=c++17 -pedantic $strict -x c++ -fsyntax-only "${header%executor.h}trigger.h"
for compiler in g++ clang++; do
    step "header, C++17, $compiler" $compiler -std=c++17 -pedantic $strict $includes -x c++ -c Tests/abi/plugins/header.c -o "$build/h.o"
done
step "layout, build" clang $c11 Tests/abi/layout.c -o "$build/layout"
layout_is_golden() { "$build/layout" | diff - Tests/abi/golden/layout.txt; }
step "layout is the promised one" layout_is_golden

# all DIRECTORY COMPILER FLAGS…: everything that runs, built so.
all() {
    to=$build/$1 compiler=$2
    shift 2
    mkdir -p "$to" || return 1
    for source in Sources/SpindleWire/*.c Sources/SpindleWorker/*.c Tests/abi/driver.c; do
        $compiler $c11 "$@" -fvisibility=hidden -c "$source" -o "$to/$(basename "$(dirname "$source")")_$(basename "$source").o" || return 1
    done
    wire="$to/SpindleWire_*.o"
    $compiler "$@" $to/SpindleWorker_*.o $wire -ldl -lpthread -o "$to/spindle-worker" || return 1
    # The zoo crashes on purpose.
    $compiler $c11 "$@" -Wno-infinite-recursion -shared -fPIC -fvisibility=hidden Tests/abi/plugins/zoo.c -o "$to/zoo.so" || return 1
    $compiler $c11 "$@" -shared -fPIC -fvisibility=hidden Tests/SpindlePluginsTests/Fixtures/ticker.c -lpthread -o "$to/ticker.so" || return 1
    for test in test_worker test_trigger test_compat test_result bench; do
        $compiler $c11 "$@" Tests/abi/$test.c $to/abi_driver.c.o $wire -ldl -lpthread -o "$to/$test" || return 1
    done
}

flood=8
[ "$mode" = --long ] && flood=1024
step "build" all plain clang -O2
step "old and new plugins" "$build/plain/test_compat"
step "results" "$build/plain/test_result"
step "worker" "$build/plain/test_worker" "$build/plain/spindle-worker" "$build/plain/zoo.so" plain $flood
step "trigger" "$build/plain/test_trigger" "$build/plain/spindle-worker" "$build/plain/ticker.so"

# A worker's stderr is the plugin's log, so the sanitizers write files.
no_reports() { ls "$build"/report.* >/dev/null 2>&1 || return 0; cat "$build"/report.*; return 1; }
# exit() inside a worker ends with memory in use: leaks are looked for where a session is closed.
export ASAN_OPTIONS="log_path=$build/report:detect_leaks=0:handle_segv=0:handle_abort=0:handle_sigbus=0"
export UBSAN_OPTIONS="log_path=$build/report:print_stacktrace=1" TSAN_OPTIONS="log_path=$build/report:handle_segv=0:handle_abort=0"
step "ASan, UBSan: build" all asan clang -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined
step "ASan, UBSan: old and new plugins" env ASAN_OPTIONS=detect_leaks=1 "$build/asan/test_compat"
step "ASan, UBSan: results" env ASAN_OPTIONS=detect_leaks=1 "$build/asan/test_result"
step "ASan, UBSan: worker" "$build/asan/test_worker" "$build/asan/spindle-worker" "$build/asan/zoo.so" sanitized 2
step "ASan, UBSan: trigger" "$build/asan/test_trigger" "$build/asan/spindle-worker" "$build/asan/ticker.so"
# gcc's runtime, because the toolchain's wants libdispatch.
step "TSan: build" all tsan gcc -O1 -fsanitize=thread -Wno-tsan
step "TSan: old and new plugins" "$build/tsan/test_compat"
step "TSan: results" "$build/tsan/test_result"
step "TSan: worker" "$build/tsan/test_worker" "$build/tsan/spindle-worker" "$build/tsan/zoo.so" sanitized 2
step "TSan: trigger" "$build/tsan/test_trigger" "$build/tsan/spindle-worker" "$build/tsan/ticker.so"
step "no sanitizer has anything to say" no_reports
step "bench runs" "$build/plain/bench" "$build/plain/spindle-worker" "$build/plain/zoo.so" 2000
cat "$build/output"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
