#!/bin/bash
# Tests of the rabbitmq plugin: run.sh [--quick | --long]
#   --quick  the harness with the address and undefined sanitizers, the page, the real host at worker and sandbox
#   default  also plain and with the thread sanitizer, with larger loads;  --long: three rounds of each
# Starts a broker of its own. The last line is "N passed, N failed"; the exit status is 0 only if none failed.
set -eu
mode=${1:-}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$(mktemp -d)
chmod 711 "$out"
cc=$(command -v "${CC:-clang}" || command -v cc)
passed=0 failed=0 finished= broker=
finish() {
    if [ -n "$broker" ]; then
        "$here/broker.sh" kill "$broker"
        "$here/broker.sh" mapper "$broker"
    fi
    rm -rf "$out"
    # Also when a build failed and `set -e` ended the script.
    [ -n "$finished" ] || echo "$passed passed, $((failed + 1)) failed"
}
trap finish EXIT

good() { # LABEL COMMAND…
    local label=$1
    shift
    if "$@"; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAILED: $label"
    fi
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

# The broker takes seconds to come up: they are used to build.
mkdir -m 755 "$out/certificates" "$out/broker" "$out/host"
"$here/certificates.sh" "$out/certificates"
read -r amqp tls distribution mapper <<<"$(python3 "$root/Tests/http/free_ports.py" 4)"
broker=$out/broker
"$here/broker.sh" start "$broker" "$amqp" "$tls" "$distribution" "$mapper" "$out/certificates"

flags=(-std=c11 -Wall -Wextra -Werror -D_GNU_SOURCE -g -fuse-ld=lld "-I$root/PluginSDK/c/include" "-I$root/PluginSDK/net")
build() { # NAME FLAGS…
    local name=$1 closed=-Wl,-z,defs dispatch=() swift
    shift
    case "$*" in
        # A sanitizer's runtime is in the program: the library leaves its symbols open.
        *-fsanitize*) closed= ;;
    esac
    case "$*" in
        *=thread*) # that of Swift's clang wants Swift's libdispatch, of another clang nothing
            swift=$(dirname "$(readlink -f "$cc")")/../lib/swift/linux
            [ ! -e "$swift/libdispatch.so" ] || dispatch=("-L$swift" "-Wl,-rpath,$swift" -ldispatch -lBlocksRuntime)
            ;;
    esac
    "$cc" "${flags[@]}" "$@" -fPIC -fvisibility=hidden -shared "$root"/Plugins/rabbitmq/*.c "$root"/PluginSDK/net/*.c -o "$out/rabbitmq-$name.so" \
        "-Wl,--version-script=$root/PluginSDK/plugin.map" $closed -Wl,--as-needed -lrabbitmq -ljansson -lssl -lcrypto -lpthread
    "$cc" "${flags[@]}" "$@" -rdynamic "$here"/*.c -o "$out/harness-$name" \
        -Wl,--push-state,--no-as-needed "${dispatch[@]}" -Wl,--pop-state -lrabbitmq -ldl -lpthread
}
harness() { # NAME ARGUMENT
    count "$1" timeout 580 "$out/harness-$1" "$out/rabbitmq-$1.so" "$amqp" "$tls" "$out/certificates" "$broker" "$here/broker.sh" "$2"
}

binaries=${SPINDLE_BIN_DIR:-$(cd "$root" && swift build --show-bin-path)}
plugin=$binaries/libspindle-plugin-rabbitmq.so
if [ ! -e "$plugin" ] || [ "$mode" != --quick ]; then build plain -O2; fi
[ -e "$plugin" ] || plugin=$out/rabbitmq-plain.so
exported() { [ "$(nm -D --defined-only "$plugin" | awk '{print $3}')" = spindle_executor_factory_v1 ]; }
good "only the factory is exported" exported
# Beside what only waits.
build address -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer &
building=$!

"$here/broker.sh" wait "$broker"
# A user who may write to what begins with "allowed" only, and a second virtual host; in one go, for each takes a second.
good "users of the broker" "$here/broker.sh" ctl "$broker" eval '
    rabbit_auth_backend_internal:add_user(<<"spindle">>, <<"s3cret-value">>, <<"tests">>),
    rabbit_auth_backend_internal:set_permissions(<<"spindle">>, <<"/">>, <<".*">>, <<"^allowed">>, <<".*">>, <<"tests">>),
    rabbit_vhost:add(<<"other">>, <<"tests">>),
    rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"other">>, <<".*">>, <<".*">>, <<".*">>, <<"tests">>).' >/dev/null

# A client from another field: where Debian's Python is not the first in the path, it is the one that has it.
python=python3
python3 -c "import pika" 2>/dev/null || python=/usr/bin/python3
count host "$python" "$here/end_to_end.py" "$root" "$binaries" "$plugin" "$amqp" "$tls" "$out/certificates" "$out/host"

wait "$building"
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=exitcode=66
"$out/harness-address" "$out/rabbitmq-address.so" --schemas >"$out/schemas"
count page python3 "$here/documentation.py" "$root" "$out/schemas"
if [ "$mode" = --quick ]; then
    harness address --quick
else
    build thread -O1 -fsanitize=thread
    rounds=1
    [ "$mode" != --long ] || rounds=3
    for ((i = 0; i < rounds; i++)); do
        for name in plain address thread; do harness $name --whole; done
    done
fi
finished=yes
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
