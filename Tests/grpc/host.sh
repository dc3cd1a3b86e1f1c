#!/bin/bash
# The plugin in the real host, at one isolation level: host.sh LEVEL PLUGIN DIRECTORY PLAIN BARE TLS SERVER PYTHON
# $SPINDLE is the host's program. At sandbox each sidecar grants what Docs/executors/grpc.md says, and no more.
set -eu
level=$1 plugin=$2 files=$3 plain=$4 bare=$5 tls=$6 server=$7 python=$8
passed=0 failed=0 host='' victim=''
room=$(mktemp -d)
finish() {
    exec 2>/dev/null # the shell would tell of what is killed here
    [ -z "$host" ] || kill "$host" 2>/dev/null || true
    [ -z "$victim" ] || kill -9 "$victim" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$room"
}
trap finish EXIT
chmod 755 "$room"
mkdir -m 700 "$room/state" "$room/plugins" "$room/secrets"
mkdir -m 755 "$room/granted"
cp "$files"/{ca.pem,client.pem,client.key,shop.pb} "$room/granted"
chmod 644 "$room"/granted/*
printf 's3cret-value\n' >"$room/secrets/shop-token"
chmod 600 "$room/secrets/shop-token"
export SPINDLE_STATE=$room/state SPINDLE_SOCKET=$room/socket SPINDLE_SECRETS_DIRECTORY=$room/secrets HOME=$room XDG_STATE_HOME=$room/state
"$SPINDLE" plugins add "$plugin" --as grpc --plugins "$room/plugins" >/dev/null
start_victim() { # PORT ARGUMENTS…: leaves the port in $port
    rm -f "$room/line"
    mkfifo "$room/line"
    "$python" "$server" "$files/shop.pb" --port "$@" >"$room/line" 2>/dev/null &
    victim=$!
    read -r port <"$room/line"
}
start_victim 0

sidecar() { # CONFIG
    # What Docs/executors/grpc.md says under "Security".
    cat >"$room/plugins/grpc.yaml" <<YAML
isolation: $level
secrets: [shop-token]
config: $1
YAML
    [ "$level" = worker ] || cat >>"$room/plugins/grpc.yaml" <<YAML
needs:
  net: ["127.0.0.1:$plain", "127.0.0.1:$bare", "127.0.0.1:$tls", "127.0.0.1:$port"]
  read: ["$room/granted"]
YAML
    chmod 600 "$room/plugins/grpc.yaml"
}
check() { # WHAT CONDITION…
    local what=$1
    shift
    if "$@"; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAILED $what: $output"
    fi
}
contains() { [[ $output == *"$1"* ]]; }
ended() { [ "$status" -eq "$1" ]; }
x10000=$(printf 'x%.0s' {1..10000})
run() { # STATUS TEXT TARGET ARGUMENTS…
    local want=$1 part=$2
    shift 2
    status=0
    output=$(timeout 120 "$SPINDLE" run --plugins "$room/plugins" --retries 0 "$@" 2>&1) || status=$?
    check "$* (status $status)" ended "$want"
    check "$* (wanted $part)" contains "$part"
}

sidecar '{}'
run 0 '{"orderId":"7","customer":"Ada"' "grpc://127.0.0.1:$plain/shop.Shop/GetOrder" -p order_id=7
run 0 '{"index":2}' "grpc://127.0.0.1:$plain/shop.Shop/Stream" -p count=3
run 0 '"count":2' "grpc://127.0.0.1:$plain/shop.Shop/Add" --payload '[{"value": 1}, {"value": 2}]'
run 0 '"authorization":"Bearer ***"' "grpc://127.0.0.1:$plain/shop.Shop/WhoAmI" -p 'Metadata_authorization=Bearer secret://shop-token'
run 1 '[grpc.status.unauthenticated]' "grpc://127.0.0.1:$plain/shop.Shop/Private" -p 'Metadata_authorization=Bearer other'
run 1 '[grpc.status.not_found]' "grpc://127.0.0.1:$plain/shop.Shop/GetOrder" -p order_id=404
run 1 'did you mean "order_id"? [grpc.message]' "grpc://127.0.0.1:$plain/shop.Shop/GetOrder" -p ordr_id=404
run 1 '[grpc.target]' "grpc://127.0.0.1:$plain/shop.Shop"
run 1 '[grpc.address]' grpc://169.254.169.254:80/shop.Shop/GetOrder
run 1 '[grpc.descriptors]' "grpc://127.0.0.1:$bare/shop.Shop/GetOrder"
run 1 '[grpc.tls.certificate]' "grpcs://127.0.0.1:$tls/shop.Shop/GetOrder"
run 124 'The attempt did not end within its time limit of 3s. [spindle.timeout]' "grpc://127.0.0.1:$plain/shop.Shop/Behave" -p hold=true -p tag="slow-$$" --timeout 3s
# What the server saw of it: the call was broken off.
run 0 '"cancelled":1' "grpc://127.0.0.1:$plain/shop.Shop/See" -p hold=true -p tag="slow-$$"
sidecar "{addresses: public}"
run 1 '[grpc.address]' "grpc://127.0.0.1:$plain/shop.Shop/GetOrder"
sidecar "{descriptors: $room/granted/shop.pb, reflection: false}"
run 0 '"orderId":"5"' "grpc://127.0.0.1:$bare/shop.Shop/GetOrder" -p order_id=5
sidecar "{tls: {caFile: $room/granted/ca.pem, certFile: $room/granted/client.pem, keyFile: $room/granted/client.key}}"
run 0 '"orderId":"5"' "grpcs://127.0.0.1:$tls/shop.Shop/GetOrder" -p order_id=5
run 1 '[grpc.tls.certificate]' "grpcs://localhost:$tls/shop.Shop/GetOrder"

# Durable executions: a server that is killed in the middle is tried again until it is back; a cancel reaches the server.
sidecar '{}'
"$SPINDLE" serve --plugins "$room/plugins" >"$room/host.log" 2>&1 &
host=$!
until output=$("$SPINDLE" executions list 2>&1); do kill -0 "$host" || { cat "$room/host.log"; exit 1; }; done
submit() { # KEY ARGUMENTS…; the same key again is the same execution
    "$SPINDLE" submit --idempotency-key "$@"
}
retried=(retried "grpc://127.0.0.1:$port/shop.Shop/Behave" -p tag=retried -p hold=true --retries 100 --retry-strategy fixed --retry-delay 200ms)
cancelled=(cancelled "grpc://127.0.0.1:$plain/shop.Shop/Behave" -p hold=true -p tag="cancel-$$")
submit "${retried[@]}" >/dev/null
id=$(submit "${cancelled[@]}")
run 0 '"calls":1' "grpc://127.0.0.1:$port/shop.Shop/See" -p tag=retried -p count=1
run 0 '"calls":1' "grpc://127.0.0.1:$plain/shop.Shop/See" -p tag="cancel-$$" -p count=1
kill -9 "$victim"
wait "$victim" 2>/dev/null || true
run 1 '[grpc.connect]' "grpc://127.0.0.1:$port/shop.Shop/GetOrder"
"$SPINDLE" executions cancel "$id" >/dev/null
# 20 MB: ten times what goes through the host's queue at once.
long=(long "grpc://127.0.0.1:$plain/shop.Shop/Stream" -p count=2000 -p size=10000)
status=0
output=$(submit "${long[@]}" --wait 2>&1) || status=$?
check "a long stream (status $status)" ended 0
output=$("$SPINDLE" executions output "$(submit "${long[@]}" 2>/dev/null)" --artefact response | sha256sum)
check "its artefact is whole" contains "$(for ((i = 0; i < 2000; i++)); do if ((i)); then printf '{"index":%d,' $i; else printf '{'; fi; echo "\"text\":\"$x10000\"}"; done | sha256sum)"
run 0 '"cancelled":1' "grpc://127.0.0.1:$plain/shop.Shop/See" -p hold=true -p tag="cancel-$$"
status=0
output=$(submit "${cancelled[@]}" --wait 2>&1) || status=$?
check "cancelled (status $status)" contains cancelled
start_victim "$port" --patient
status=0
output=$(submit "${retried[@]}" --wait 2>&1) || status=$?
check "retried until the server was back (status $status)" ended 0
output=$("$SPINDLE" executions show "$(submit "${retried[@]}" 2>/dev/null)")
check "its first failure" contains 'grpc.status.unavailable: '
check "what came of it while the server was down" contains 'grpc.connect: '

kill "$host"
wait "$host" || true
host=''
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
