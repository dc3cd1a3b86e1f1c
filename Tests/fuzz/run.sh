#!/usr/bin/env bash
# Builds the fuzzers and runs them: first on every input that once was a finding, then on inputs that they make up.
#
#   run.sh [--quick | --long] [NAME…]    all, or those named: elf, configuration, sidecar, trust, json, frames, wire
#   run.sh --repeat NAME FILE…           one of them on the given inputs
#
# A minute each; --quick: 15 seconds, --long: ten minutes. Two run at once. What they learn stays in .build-fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=.build-fuzz
seconds=60
repeat=
case "${1:-}" in
    --quick) seconds=15 && shift ;;
    --long) seconds=600 && shift ;;
    --repeat) repeat=$2 && shift 2 ;;
esac
# After a crash Swift's own backtrace would wait for ever. Leaks: Swift's runtime has some, so only C is watched for them.
export SWIFT_BACKTRACE=enable=no
export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16

build_fuzzers() {
    SPINDLE_PACKAGE=fuzz swift build -c release --scratch-path "$build" --product spindle-fuzz --sanitize=address \
        -Xswiftc -sanitize=fuzzer -Xswiftc -enable-testing -Xswiftc -use-ld=lld -Xcc -fsanitize=fuzzer-no-link
    mkdir -p "$build/bin"
    local name program
    program=$(SPINDLE_PACKAGE=fuzz swift build -c release --scratch-path "$build" --show-bin-path)/spindle-fuzz
    for name in elf configuration sidecar trust json frames; do ln -sf "$program" "$build/bin/fuzz-$name"; done
    local c=(clang -std=c11 -D_GNU_SOURCE -g -O1 -Wall -Wextra -Werror -fuse-ld=lld -ISources/SpindleWire/include)
    local wire=(Sources/SpindleWire/{wire,stream,messages}.c)
    "${c[@]}" -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined Tests/fuzz/wire.c "${wire[@]}" -o "$build/bin/fuzz-wire"
    "${c[@]}" Tests/fuzz/seeds.c "${wire[@]}" -o "$build/bin/seeds"
}

# Seeds that are programs are made here: a frame of every type, and the smallest libraries that a linker makes.
make_seeds() {
    mkdir -p "$build"/seeds/{elf,frames,wire}
    "$build/bin/seeds" "$build/seeds/wire"
    "$build/bin/seeds" "$build/seeds/frames" 128
    local style search
    for style in gnu sysv both; do
        for search in "" ",-rpath,/opt/lib:\$ORIGIN"; do
            echo 'int spindle_executor_factory_v1(void) { return 0; }' |
                cc -x c -shared -fPIC -nostdlib -s "-Wl,-z,noseparate-code,-z,norelro,--hash-style=$style,--build-id=none$search" \
                    - -o "$build/seeds/elf/$style${search:+-search}.so"
        done
    done
}

limits() { # NAME: the longest input, and what it is made of
    case $1 in
        elf) echo "-max_len=16384 -dict=Tests/fuzz/dictionaries/elf.dict" ;;
        configuration) echo "-max_len=4096 -dict=Tests/fuzz/dictionaries/configuration.dict" ;;
        sidecar) echo "-max_len=4096 -dict=Tests/fuzz/dictionaries/sidecar.dict" ;;
        json) echo "-max_len=4096 -dict=Tests/fuzz/dictionaries/json.dict" ;;
        trust) echo "-max_len=4096 -dict=Tests/fuzz/dictionaries/trust.dict" ;;
        *) echo "-max_len=4096" ;;
    esac
}

fuzz() { # NAME
    local name=$1 log=$build/$1.log directories=("$build/corpus/$1") directory
    mkdir -p "$build/corpus/$name" "$build/findings"
    for directory in Tests/fuzz/{corpus,regressions}/"$name" "$build/seeds/$name"; do
        [ ! -d "$directory" ] || directories+=("$directory")
    done
    [ "$name" != wire ] || export ASAN_OPTIONS=detect_leaks=1
    # shellcheck disable=SC2046
    if nice "$build/bin/fuzz-$name" "${directories[@]}" $(limits "$name") -max_total_time="$seconds" -timeout=60 \
        -rss_limit_mb=1024 -malloc_limit_mb=512 -reload=0 -print_final_stats=1 \
        -artifact_prefix="$build/findings/$name-" >"$log" 2>&1; then
        sed -n 's/^#\([0-9]*\)[^c]*DONE *cov: \([0-9]*\) ft: [0-9]* corp: \([0-9]*\).* exec\/s: \([0-9]*\) .*/\1 inputs, \4 a second, \2 edges, \3 kept/p' "$log" |
            sed "s/^/ok    $name: /"
    else
        echo "FAIL  $name"
        grep -v '^#[0-9]*.*\(NEW\|REDUCE\|pulse\)\|NEW_FUNC' "$log" | tail -40
        sed -n 's/^Test unit written to \(.*\)/to repeat: Tests\/fuzz\/run.sh --repeat '"$name"' \1/p' "$log"
        return 1
    fi
}

mkdir -p "$build"
# In the background: to the left of `||`, `set -e` would not stop it at its first failure.
build_fuzzers >"$build/build.log" 2>&1 &
wait $! || { grep -v '^\[[0-9]*/' "$build/build.log" | tail -40 && echo "0 passed, 1 failed" && exit 1; }
if [ -n "$repeat" ]; then exec "$build/bin/fuzz-$repeat" -timeout=60 -rss_limit_mb=1024 "$@"; fi
make_seeds
[ $# -gt 0 ] || set -- elf configuration sidecar trust json frames wire
passed=0 failed=0 running=0
one_ended() {
    if wait -n; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    running=$((running - 1))
}
for name in "$@"; do
    [ $running -lt 2 ] || one_ended
    fuzz "$name" &
    running=$((running + 1))
done
while [ $running -gt 0 ]; do one_ended; done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
