#!/bin/bash
# Tests of the http plugin: run.sh [--quick | --long | --update]
#   --quick   tables, the plain build, and a real host  (default: also address/undefined and thread sanitizers)
#   --long    the same with 20,000 cancels, and the benchmarks
#   --update  as --quick, and writes httpbin.md anew
# Binaries of the host come from SPINDLE_BIN_DIR, else from the package's build. Builds into a directory of its own. The last line is "N passed, N failed"; the exit status is 0 only if none failed.
set -eu
mode=${1:-}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$(mktemp -d)
chmod 755 "$out" # for the users of sandboxes
cc=$(command -v "${CC:-clang}" || command -v cc)
passed=0 failed=0 server= finished=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ ! -s "$out/nginx.pid" ] || kill "$(cat "$out/nginx.pid")" 2>/dev/null || true
    rm -rf "$out"
    # Also when a build failed and `set -e` ended the script.
    [ -n "$finished" ] || echo "$passed passed, $((failed + 1)) failed"
}
trap finish EXIT
ulimit -n "$(ulimit -Hn)"

flags="-std=c11 -Wall -Wextra -Werror -D_GNU_SOURCE -g -fuse-ld=lld -I$root/PluginSDK/c/include -I$root/PluginSDK/net"
build() { # NAME FLAGS…
    local name=$1
    shift
    # A sanitizer's runtime is in the program: the library leaves its symbols open.
    local closed=-Wl,-z,defs
    [ $# -eq 1 ] || closed=
    # shellcheck disable=SC2086
    $cc $flags "$@" -fPIC -fvisibility=hidden -shared "$root"/Plugins/http/*.c "$root"/PluginSDK/net/*.c -o "$out/http-$name.so" \
        "-Wl,--version-script=$root/PluginSDK/plugin.map" $closed -Wl,--as-needed -lcurl -ljansson
    # shellcheck disable=SC2086
    $cc $flags "$@" -rdynamic "$here"/{harness,fake_host,fake_dns}.c "$here"/test_*.c -o "$out/harness-$name" \
        -Wl,--push-state,--no-as-needed ${dispatch:-} -Wl,--pop-state -ldl -lpthread
}
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

# shellcheck disable=SC2086
$cc $flags -O1 -fsanitize=address,undefined -fno-sanitize-recover=all "$here/unit.c" \
    "$root"/Plugins/http/{assertion,attempt,body,encoding,headers,parameters,request,retry_after,schema,secret,status_set,template}.c \
    "$root"/Plugins/http/{text,upload,url}.c "$root"/PluginSDK/net/{address,ascii,thread}.c -lcurl -ljansson -o "$out/unit"
count tables "$out/unit"
"$out/unit" --schemas >"$out/schemas.json"
count page python3 "$here/page.py" "$out/schemas.json"

ports=$("$here/nginx.sh" "$out") || ports="0 0 0"
read -r plain_port tls_port mtls_port <<<"$ports"
start_server() { # [--all]
    coproc SERVER { exec python3 "$here/server.py" "$@"; }
    server=$SERVER_PID
    read -r port <&"${SERVER[0]}"
}
stop_server() {
    kill "$server"
    wait "$server" 2>/dev/null || true
    server=
}
run() { # NAME
    start_server
    count "$1" timeout 300 "$out/harness-$1" "$out/http-$1.so" "$port" "$tls_port" "$mtls_port" "$out" "$mode"
    stop_server
}

build plain -O2
exported=$(nm -D --defined-only "$out/http-plain.so" | awk '{print $3}')
if [ "$exported" = spindle_executor_factory_v1 ]; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    echo "exports: $exported"
fi
run plain
# A real host, with the plugin at worker and at sandbox, against real servers.
binaries=${SPINDLE_BIN_DIR:-$(cd "$root" && swift build --show-bin-path)}
python3 -m venv "$out/venv"
"$out/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/httpbin.txt"
start_server --all
count host timeout 300 python3 "$here/end_to_end.py" "$binaries" "$out/http-plain.so" "$out" "$plain_port" "$tls_port" "$mtls_port" \
    "$port" "$out/venv" "$mode"
stop_server

if [ "$mode" != --quick ] && [ "$mode" != --update ]; then
    export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
    export TSAN_OPTIONS=suppressions=$here/tsan.supp:exitcode=66
    build address -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
    run address
    # The thread sanitizer of Swift's clang wants Swift's libdispatch, of another clang nothing.
    swift=$(dirname "$(readlink -f "$(command -v "$cc")")")/../lib/swift/linux
    dispatch=
    [ ! -e "$swift/libdispatch.so" ] || dispatch="-L$swift -Wl,-rpath,$swift -ldispatch -lBlocksRuntime"
    build thread -O1 -fsanitize=thread && run thread
fi
if [ "$mode" = --long ] && [ "$plain_port" != 0 ]; then
    # shellcheck disable=SC2086
    $cc $flags -O2 -rdynamic "$here"/{bench,fake_host}.c -o "$out/bench" -ldl -lpthread
    for at_once in 1 64 500; do "$out/bench" "$out/http-plain.so" "http://127.0.0.1:$plain_port/hello" 20000 $at_once; done
    python3 "$here/throughput.py" "$binaries" "$out/http-plain.so" "$out" "$plain_port"
fi
finished=yes
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
