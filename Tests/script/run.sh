#!/usr/bin/env bash
# Builds the plugin and its tests into a temporary directory and runs them: plain, with ASan + UBSan, with TSan, as
# nobody, and without pidfd; then the plugin in the real host (SPINDLE_BIN_DIR, or what `swift build` has built).
# --quick: plain and ASan, small loads. --long: larger loads and more rounds.
set -euo pipefail
cd "$(dirname "$0")"
mode=${1:-normal}
case $mode in normal | --quick | --long) ;; *) echo "usage: run.sh [--quick|--long]" >&2; exit 2 ;; esac
cc=$(command -v "${CC:-clang}" || command -v cc)
build=$(mktemp -d)
chmod 711 "$build" # other users run programs in it
trap 'rm -rf "$build"' EXIT
root=../..
flags=(-std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I "$root/PluginSDK/c/include" -g -pthread)
passed=0 failed=0

# The thread sanitizer of Swift's clang wants Swift's libdispatch, of another clang nothing.
swift=$(dirname "$(dirname "$cc")")/lib/swift/linux
dispatch=()
if [ -e "$swift/libdispatch.so" ]; then
    dispatch=(-Wl,--no-as-needed "-L$swift" "-Wl,-rpath,$swift" -ldispatch -lBlocksRuntime)
fi

round() { # NAME ARGUMENT FLAGS…
    local name=$1 argument=$2 status=0 pids=() ok=1 pid
    shift 2
    # A sanitizer's own symbols cannot be hidden.
    local link=(-Wl,--version-script="$root/PluginSDK/plugin.map")
    case "$*" in *-fsanitize*) link=() ;; esac
    local libraries=(-ldl -ljansson)
    case "$*" in *=thread*) libraries+=("${dispatch[@]}") ;; esac
    mkdir -p "$build/$name/scratch"
    "$cc" "${flags[@]}" "$@" -fPIC -fvisibility=hidden -shared \
        "${link[@]}" "$root"/Plugins/script/*.c -ljansson -o "$build/$name/script.so" 2> "$build/$name/plugin.log" & pids+=($!)
    "$cc" "${flags[@]}" "$@" ./*.c -o "$build/$name/tests" "${libraries[@]}" 2> "$build/$name/tests.log" & pids+=($!)
    for pid in "${pids[@]}"; do wait "$pid" || ok=0; done
    if [ $ok = 0 ]; then cat "$build/$name"/*.log; echo "$name: does not build"; echo 0 1 >"$build/$name/counts"; return; fi
    local as=()
    if [ "$name" = nobody ]; then
        chown 65534 "$build/$name/scratch"
        as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    fi
    "${as[@]}" "$build/$name/tests" "$build/$name/script.so" "$build/$name/scratch" "$argument" \
        >"$build/$name/output" 2>&1 || status=$?
    take_counts "$name" "$status" '^\([0-9]*\) checks passed, \([0-9]*\) failed$'
}

# Shows $build/NAME/output, and leaves how many passed and failed for the end: rounds run beside each other, because they mostly wait.
take_counts() { # NAME STATUS PATTERN
    local counts
    sed "s/^/$1: /" "$build/$1/output"
    counts=$(sed -n "s/$3/\1 \2/p" "$build/$1/output" | tail -1)
    if [ -z "$counts" ]; then counts="0 1"; fi
    if [ "$2" != 0 ] && [ "${counts#* }" = 0 ]; then
        echo "$1: exit status $2"
        counts="${counts% *} 1"
    fi
    echo "$counts" >"$build/$1/counts"
}

export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1
size=normal
[ "$mode" = --quick ] && size=quick
[ "$mode" = --long ] && size=long
end_to_end() {
    local status=0 binaries=${SPINDLE_BIN_DIR:-}
    if [ -z "$binaries" ]; then binaries=$(cd "$root" && swift build --show-bin-path); fi
    mkdir -p "$build/host"
    python3 end_to_end.py "$binaries" "$build/plain/script.so" >"$build/host/output" 2>&1 || status=$?
    take_counts host "$status" '^\([0-9]*\) passed, \([0-9]*\) failed$'
}

round asan "$([ $size = long ] && echo normal || echo quick)" -O1 -fsanitize=address,undefined -fno-omit-frame-pointer &
round plain $size -O2
wait
end_to_end
if [ "$mode" != --quick ]; then
    round tsan "$([ $size = long ] && echo normal || echo quick)" -O1 -fsanitize=thread
    # Root passes by the modes of files; somebody else has to change them to remove a private directory.
    if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then round nobody quick -O2; fi
    round nopidfd quick -O2 -DSCRIPT_WITHOUT_PIDFD
fi
if [ "$mode" = --long ]; then
    for i in 1 2 3 4 5; do round "plain$i" normal -O2; done
fi
for counts in "$build"/*/counts; do
    read -r good bad <"$counts"
    passed=$((passed + good)) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
