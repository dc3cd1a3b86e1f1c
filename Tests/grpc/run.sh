#!/bin/bash
# Tests of the grpc plugin against servers in Python's grpcio: run.sh [--quick | --long]
#   --quick  the plugin as it was built by SwiftPM, if it is there, else as this builds it
#   default  also builds with the address and undefined-behaviour sanitizers, and with the thread sanitizer
#   --long   larger loads and more rounds
# The host's binaries are taken from $SPINDLE_BIN_DIR, else from where `swift build` puts them. Everything is made in a directory
# of its own. The last line is "N passed, N failed"; the exit status is 0 only if none failed.
set -eu
mode=${1:-normal}
case $mode in normal | --quick | --long) ;; *) echo "usage: run.sh [--quick|--long]" >&2; exit 2 ;; esac
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=${SPINDLE_BIN_DIR:-$(cd "$root" && swift build --show-bin-path)}
out=$(mktemp -d)
chmod 755 "$out" # servers and sandboxes have users of their own
passed=0 failed=0 finished='' servers=()
finish() {
    [ ${#servers[@]} -eq 0 ] || kill "${servers[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$out"
    # Also when something failed and `set -e` ended the script.
    [ -n "$finished" ] || echo "$passed passed, $((failed + 1)) failed"
}
trap finish EXIT

# A part prints what failed and, last, "N passed, N failed".
count() { # LABEL COMMAND…
    local label=$1 last status=0
    shift
    "$@" >"$out/log" 2>&1 || status=$?
    sed '$d' "$out/log" | sed "s/^/$label: /"
    last=$(tail -n 1 "$out/log")
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
        [ "$status" -eq 0 ] || [ "${BASH_REMATCH[2]}" -gt 0 ] || failed=$((failed + 1)) # a sanitizer's report at exit
        echo "$label: $last"
    else
        echo "$label: $last"
        echo "$label: ended with status $status"
        failed=$((failed + 1))
    fi
}

# shellcheck source=Tests/grpc/build.sh
. "$here/build.sh"
python3 -m venv "$out/python"
"$out/python/bin/pip" install -q --disable-pip-version-check grpcio==1.85.3 grpcio-reflection==1.85.1 googleapis-common-protos==1.76.0
python=$out/python/bin/python
descriptor_sets
certificates

start() { # NAME COMMAND…: leaves the first line that it prints in $NAME
    local name=$1 line
    shift
    mkfifo "$out/$name.line"
    "$@" >"$out/$name.line" 2>"$out/$name.log" &
    servers+=($!)
    # The open of the reading end waits for the server's; a server that ends without a line ends the read.
    read -r line <"$out/$name.line" || { cat "$out/$name.log"; exit 1; }
    printf -v "$name" '%s' "$line"
}
server=$here/server.py
start plain "$python" "$server" "$out/shop.pb"
start v1 "$python" "$server" "$out/shop.pb" --reflection v1
start bare "$python" "$server" "$out/shop.pb" --reflection none
start tls "$python" "$server" "$out/shop.pb" --tls "$out/site.pem" "$out/site.key"
start mutual "$python" "$server" "$out/shop.pb" --tls "$out/site.pem" "$out/site.key" "$out/ca.pem"
start hostile "$python" "$here/hostile.py"
start noise python3 "$here/noise.py"

plugin=$bin/libspindle-plugin-grpc.so
if [ ! -e "$plugin" ]; then
    build_plugin plain -O1
    plugin=$out/plain/grpc.so
fi
exported=$(nm -D --defined-only "$plugin" | awk '{print $3}')
if [ "$exported" = spindle_executor_factory_v1 ]; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    echo "exports: $exported"
fi
harness() { # NAME PLUGIN
    # shellcheck disable=SC2086,SC2154
    count "$1" timeout 600 "$out/harness-$1" "$2" "$out" "$python" "$server" "$plain" "$v1" "$bare" "$tls" "$mutual" "$hostile" $noise "$mode"
}
build_harness plain -O1
harness plain "$plugin"
export SPINDLE=$bin/spindle
# Beside each other: most of the time they wait.
begin() { # NAME COMMAND…
    local name=$1
    shift
    (status=0; "$@" >"$out/$name.log" 2>&1 || status=$?; echo "$status" >"$out/$name.status") &
    parts+=("$name")
    waits+=($!)
}
parts=() waits=()
begin page "$here/page.py" "$root" "$SPINDLE" "$plugin" "$out" "$plain" "$mutual"
begin worker "$here/host.sh" worker "$plugin" "$out" "$plain" "$bare" "$tls" "$server" "$python"
begin sandbox "$here/host.sh" sandbox "$plugin" "$out" "$plain" "$bare" "$tls" "$server" "$python"
wait "${waits[@]}"
for part in "${parts[@]}"; do
    count "$part" sh -c 'cat "$1.log"; exit "$(cat "$1.status")"' sh "$out/$part"
done
if [ "$mode" != --quick ]; then
    export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
    sanitize=(-O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    build_plugin address "${sanitize[@]}"
    build_harness address "${sanitize[@]}"
    harness address "$out/address/grpc.so"
    # gRPC's own libraries are not instrumented: what they do is not looked at, only what the plugin and the host do.
    export TSAN_OPTIONS=ignore_noninstrumented_modules=1:exitcode=66
    # The thread sanitizer of Swift's clang wants Swift's libdispatch, of another clang nothing.
    swift=$(dirname "$(readlink -f "$cc")")/../lib/swift/linux
    dispatch=()
    [ ! -e "$swift/libdispatch.so" ] || dispatch=("-L$swift" "-Wl,-rpath,$swift" -Wl,--push-state,--no-as-needed -ldispatch -lBlocksRuntime -Wl,--pop-state)
    build_plugin thread -O1 -fsanitize=thread
    build_harness thread -O1 -fsanitize=thread ${dispatch[@]+"${dispatch[@]}"}
    harness thread "$out/thread/grpc.so"
fi
finished=yes
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
