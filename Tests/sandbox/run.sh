#!/bin/sh
# Builds the worker, plain and with sanitizers, and runs a plugin in its sandbox that tries to get out; as root and as another user.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=$(mktemp -d) || exit 2
chmod 755 "$build"
trap 'rm -rf "$build"' EXIT
passed=0 failed=0
c11="-std=c11 -D_GNU_SOURCE -g -Wall -Wextra -Werror -IPluginSDK/c/include -ISources/SpindleWire/include -ITests/abi"

# step NAME COMMAND…: counts it, and shows its output if it failed, or what it left out.
step() {
    name=$1
    shift
    if "$@" >"$build/output" 2>&1; then
        passed=$((passed + 1))
        echo "ok    $name$(tail -1 "$build/output" | sed -n 's/^\([0-9]* passed, 0 failed\)$/ (\1)/p')"
        grep '^left out' "$build/output"
    else
        failed=$((failed + 1))
        echo "FAIL  $name"
        tail -50 "$build/output"
    fi
}

# all DIRECTORY FLAGS…
all() {
    to=$build/$1
    shift
    mkdir -p "$to" || return 1
    for source in Sources/SpindleWire/*.c Sources/SpindleWorker/*.c Tests/abi/driver.c; do
        clang $c11 "$@" -fvisibility=hidden -c "$source" -o "$to/$(basename "$(dirname "$source")")_$(basename "$source").o" || return 1
    done
    wire="$to/SpindleWire_*.o"
    clang "$@" $to/SpindleWorker_*.o $wire -ldl -lpthread -o "$to/spindle-worker" || return 1
    clang $c11 -shared -fPIC -fvisibility=hidden Tests/SpindlePluginsTests/Fixtures/escape.c -o "$to/escape.so" || return 1
    clang $c11 "$@" Tests/sandbox/test_sandbox.c $to/abi_driver.c.o $wire -ldl -lpthread -o "$to/test_sandbox" || return 1
}

# as_another COMMAND…: without root's rights, if we have them.
as_another() {
    if [ "$(id -u)" -eq 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi
}

step "build" all plain -O2
step "sandbox" "$build/plain/test_sandbox" "$build/plain/spindle-worker" "$build/plain/escape.so"
step "sandbox of another user" as_another "$build/plain/test_sandbox" "$build/plain/spindle-worker" "$build/plain/escape.so"
# A worker's stderr is the plugin's log, and files of the host are out of its reach: what it finds ends it, which a test notices.
export ASAN_OPTIONS="detect_leaks=0:handle_segv=0:handle_abort=0:handle_sigbus=0:exitcode=99" UBSAN_OPTIONS="halt_on_error=1"
step "ASan, UBSan: build" all asan -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined
step "ASan, UBSan: sandbox" "$build/asan/test_sandbox" "$build/asan/spindle-worker" "$build/asan/escape.so"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
