#!/bin/bash
# A broker of the tests' own: broker.sh start DIR AMQP_PORT TLS_PORT DIST_PORT EPMD_PORT CERT_DIR | run DIR (again) | wait DIR | ctl DIR ARGUMENTS… | kill DIR | mapper DIR
# Everything it has is in DIR. It runs as a user without rights if the tests run as root.
set -eu
command=$1 dir=$2
shift 2
bin=/usr/lib/rabbitmq/bin
as() {
    if [ "$(id -u)" = 0 ]; then exec setpriv --reuid nobody --regid nogroup --clear-groups "$@"; fi
    exec "$@"
}
if [ "$command" = start ]; then
    mkdir -p "$dir/mnesia" "$dir/log"
    {
        echo "export HOME='$dir' RABBITMQ_NODENAME=spindle$2@localhost RABBITMQ_NODE_PORT=$1 RABBITMQ_DIST_PORT=$3 ERL_EPMD_PORT=$4"
        echo "export RABBITMQ_MNESIA_BASE='$dir/mnesia' RABBITMQ_LOG_BASE='$dir/log' RABBITMQ_CONFIG_FILE='$dir/rabbitmq' RABBITMQ_PID_FILE='$dir/pid'"
        echo "export RABBITMQ_ENABLED_PLUGINS_FILE='$dir/enabled_plugins' RABBITMQ_CONF_ENV_FILE='$dir/none' RABBITMQ_SCHEMA_DIR='$dir/schema'"
        echo "export RABBITMQ_GENERATED_CONFIG_DIR='$dir/schema' RABBITMQ_FEATURE_FLAGS_FILE='$dir/feature_flags' ERL_EPMD_ADDRESS=127.0.0.1"
        echo "export RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 ERL_CRASH_DUMP=/dev/null LANG=C.UTF-8"
        # Two schedulers that do not spin while they wait: the machine is shared.
        echo "export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}'"
    } >"$dir/env"
    cat >"$dir/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$1
listeners.ssl.1 = 127.0.0.1:$2
ssl_options.cacertfile = $5/ca.pem
ssl_options.certfile = $5/server.pem
ssl_options.keyfile = $5/server.key
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = false
loopback_users = none
log.file.level = info
disk_free_limit.absolute = 1MB
queue_index_embed_msgs_below = 4096
CONF
    echo "[]." >"$dir/enabled_plugins"
    head -c 20 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$dir/.erlang.cookie"
    chmod 600 "$dir/.erlang.cookie"
    [ "$(id -u)" != 0 ] || chown -R nobody:nogroup "$dir"
    command=run
    # The port mapper outlives the broker; one that was not started here could not be ended here.
    (as epmd -port "$4" -address 127.0.0.1) </dev/null >/dev/null 2>&1 &
    echo $! >"$dir/mapper"
fi
# shellcheck disable=SC1091
. "$dir/env"
cd "$dir"
case $command in
    run)
        : >"$dir/log/out"
        (as setsid "$bin/rabbitmq-server") </dev/null >"$dir/log/out" 2>&1 &
        ;;
    wait) # for what it prints when it is up
        for ((i = 0; i < 1200; i++)); do
            ! grep -q "completed with" "$dir/log/out" || exit 0
            ! grep -q -i -e "BOOT FAILED" -e "^error" "$dir/log/out" || break
            sleep 0.1
        done
        cat "$dir/log/out" >&2
        exit 1
        ;;
    ctl) as "$bin/rabbitmqctl" "$@" ;;
    kill) # as the kernel would in an emergency; nothing is said to anybody
        [ ! -s "$dir/pid" ] || kill -9 "$(cat "$dir/pid")" 2>/dev/null || true
        ;;
    mapper) kill "$(cat "$dir/mapper")" 2>/dev/null || true ;;
esac
