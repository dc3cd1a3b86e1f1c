#!/usr/bin/env bash
# Tests of the sql plugin against real PostgreSQL, MariaDB and SQLite, which it starts on free ports with data of their own.
#   run.sh --quick  the tables under a sanitizer, everything with the plain build, and at worker and sandbox of the real host
#   run.sh          also everything with ASan + UBSan, and with TSan
#   run.sh --long   also a server that is frozen, which takes the host's whole patience
# The host's programs are looked for in SPINDLE_BIN_DIR, else where `swift build` puts them. The last line is "N passed, N failed".
set -euo pipefail
mode=${1:-normal}
case $mode in normal | --quick | --long) ;; *) echo "usage: run.sh [--quick|--long]" >&2; exit 2 ;; esac
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cc=$(command -v "${CC:-clang}" || command -v cc)
out=$(mktemp -d)
passed=0 failed=0 finished=
finish() {
    rm -rf "$out"
    # Also when a build failed and `set -e` ended the script.
    [ -n "$finished" ] || echo "$passed passed, $((failed + 1)) failed"
}
trap finish EXIT
chmod 755 "$out"
export PYTHONDONTWRITEBYTECODE=1

flags=(-std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -g -pthread -fuse-ld=lld -I "$root/PluginSDK/c/include")
sanitize=(-O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
# The thread sanitizer of Swift's clang wants Swift's libdispatch, of another clang nothing.
swift=$(dirname "$(readlink -f "$cc")")/../lib/swift/linux
dispatch=()
[ ! -e "$swift/libdispatch.so" ] || dispatch=(-Wl,--no-as-needed "-L$swift" "-Wl,-rpath,$swift" -ldispatch -lBlocksRuntime)

count() { # LABEL COMMAND…: adds what its last line says, "N passed, N failed"
    local label=$1 last status=0
    shift
    "$@" 2>&1 | tee "$out/log" | sed "s/^/$label: /" || status=$?
    last=$(tail -n 1 "$out/log")
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
        [ $status -eq 0 ] || [ "${BASH_REMATCH[2]}" -gt 0 ] || failed=$((failed + 1))
    else
        echo "$label: ended with status $status"
        failed=$((failed + 1))
    fi
}
build() { # NAME FLAGS…
    local name=$1 closed=(-Wl,-z,defs "-Wl,--version-script=$root/PluginSDK/plugin.map") libraries=()
    shift
    # A sanitizer's symbols are in the program, and cannot be hidden.
    [ "$name" = plain ] || closed=()
    [ "$name" != thread ] || libraries=("${dispatch[@]}")
    mkdir -p "$out/$name"
    "$cc" "${flags[@]}" "$@" -fPIC -fvisibility=hidden -shared "$root"/Plugins/sql/*.c -o "$out/$name/sql.so" "${closed[@]}" -lodbc -ljansson
    "$cc" "${flags[@]}" "$@" "$here/host.c" -o "$out/$name/host" "${libraries[@]}" -ljansson -ldl
}

"$cc" "${flags[@]}" "${sanitize[@]}" "$here/unit.c" "$root"/Plugins/sql/{text,types,placeholders,config,operations,connection_string,temporal,base64,values,verdict,writer}.c \
    -ljansson -lodbc -lm -o "$out/unit"
count tables "$out/unit"

build plain -O2
exported=$(nm -D --defined-only "$out/plain/sql.so" | awk '{print $3}')
if [ "$exported" = spindle_executor_factory_v1 ]; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    echo "exports: $exported"
fi
count page python3 "$here/page.py" "$out/plain/host" "$out/plain/sql.so"
builds=(plain)
if [ "$mode" != --quick ]; then
    # Leaks of the drivers' own are no business of this plugin.
    export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 LSAN_OPTIONS=suppressions=$here/lsan.supp:print_suppressions=0
    export UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=suppressions=$here/tsan.supp:exitcode=66
    build address "${sanitize[@]}"
    build thread -O1 -fsanitize=thread
    builds+=(address thread)
fi
bin=${SPINDLE_BIN_DIR:-$(cd "$root" && swift build --show-bin-path)}
ln -s "$bin" "$out/bin"
[ "$mode" != --long ] || export SPINDLE_TEST_LONG=1
count servers python3 "$here/main.py" "$out" "${builds[@]}"
finished=yes
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
