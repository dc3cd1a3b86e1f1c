#!/usr/bin/env bash
# Tests of the native plugin: run.sh [--quick | --long]
#   --quick  all tables and 600 generated signatures under the address and undefined behaviour sanitizers; real workers and sandboxes
#   --long   also 5,000 signatures of other seeds
# Without --quick also plain and with the thread sanitizer. Builds into a directory of its own. The last line is "N passed, N failed".
set -euo pipefail
mode=${1:-}
case $mode in "" | --quick | --long) ;; *) echo "usage: run.sh [--quick|--long]" >&2; exit 2 ;; esac
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
export PYTHONDONTWRITEBYTECODE=1
flags=(-std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -g -I "$root/PluginSDK/c/include")

# Of the sanitizers' own symbols gold has hundreds of warnings.
case $cc in *clang*) flags+=(-fuse-ld=lld) ;; esac

# The thread sanitizer of Swift's clang wants Swift's libdispatch, of another clang nothing.
swift=$(dirname "$(dirname "$(readlink -f "$cc")")")/lib/swift/linux
dispatch=()
if [ -e "$swift/libdispatch.so" ]; then
    dispatch=(-Wl,--no-as-needed "-L$swift" "-Wl,-rpath,$swift" -ldispatch -lBlocksRuntime)
fi

build() { # NAME FLAGS…
    local name=$1 closed=(-Wl,-z,defs "-Wl,--version-script=$root/PluginSDK/plugin.map") libraries=()
    shift
    # A sanitizer's runtime is in the program: the library leaves its symbols open, and its own cannot be hidden.
    case "$*" in *-fsanitize*) closed=() ;; esac
    case "$*" in *=thread*) libraries=("${dispatch[@]}") ;; esac
    "$cc" "${flags[@]}" "$@" -fPIC -fvisibility=hidden -shared "$root"/Plugins/native/*.c -o "$out/native-$name.so" \
        "${closed[@]}" -Wl,--as-needed -lffi -ljansson &
    local plugin=$!
    "$cc" "${flags[@]}" "$@" "$here"/{host,harness}.c -o "$out/harness-$name" "${libraries[@]}" -ljansson -ldl -lpthread
    wait $plugin
}
count() { # LABEL COMMAND…
    local label=$1 last status=0
    shift
    timeout 900 "$@" >"$out/log" 2>&1 || status=$?
    sed '$d' "$out/log" | cut -c 1-2000 | sed "s/^/$label: /"
    last=$(tail -n 1 "$out/log")
    echo "$label: $last"
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
        [ "$status" -eq 0 ] || [ "${BASH_REMATCH[2]}" -gt 0 ] || failed=$((failed + 1))
    else
        echo "$label: ended with status $status"
        failed=$((failed + 1))
    fi
}
tables() { # NAME
    local harness=("$out/harness-$1" "$out/native-$1.so")
    for table in signatures arguments calls callbacks results config libraries; do
        count "$1 $table" python3 "$here/test_$table.py" "${harness[@]}" "$out/libfixture.so"
    done
}
generated() { # NAME SEED COUNT
    mkdir -p "$out/generated"
    count "$1 generated ($2)" python3 "$here/test_generated.py" "$out/harness-$1" "$out/native-$1.so" "$out/generated" "$cc" "$2" "$3"
}

"$cc" "${flags[@]}" -shared -fPIC "$here/fixture.c" -o "$out/libfixture.so" -lpthread
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=exitcode=66
build address -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
tables address
generated address 1 600
if [ "$mode" != --quick ]; then
    build plain -O2
    tables plain
    generated plain 2 600
    build thread -O1 -fsanitize=thread
    tables thread
fi
if [ "$mode" = --long ]; then
    for seed in 3 4 5 6 7; do generated plain $seed 1000; done
fi
count "page" python3 "$here/test_page.py" "$root"
count "host" python3 "$here/test_host.py" "$root" "$out" "$cc"
finished=yes
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
