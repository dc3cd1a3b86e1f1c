# What run.sh makes before it tests; uses its $here, $root and $out.
# shellcheck shell=bash disable=SC2154

cc=$(command -v "${CC:-clang}" || command -v cc)
cxx=$(command -v "${CXX:-clang++}" || command -v c++)
common=(-Wall -Wextra -Werror -D_GNU_SOURCE -g -I "$root/PluginSDK/c/include" -I "$root/PluginSDK/net")

build_plugin() { # NAME FLAGS…: as $out/NAME/grpc.so, in two compilers at a time
    local name=$1
    shift
    # A sanitizer's runtime is in the program: the library leaves its symbols open.
    local link=(-Wl,-z,defs)
    case "$*" in *-fsanitize*) link=("$@") ;; esac
    mkdir "$out/$name"
    printf '%s\0' "$root"/Plugins/grpc/*.c "$root"/PluginSDK/net/*.c | xargs -0 -P 2 -I '{}' sh -c 'source=$1; to=$2; shift 2; exec "$@" -c "$source" -o "$to/$(basename "$source").o"' \
        sh '{}' "$out/$name" "$cc" -std=c11 -fPIC -fvisibility=hidden "${common[@]}" "$@"
    printf '%s\0' "$root"/Plugins/grpc/*.cpp | xargs -0 -P 2 -I '{}' sh -c 'source=$1; to=$2; shift 2; exec "$@" -c "$source" -o "$to/$(basename "$source").o"' \
        sh '{}' "$out/$name" "$cxx" -std=c++17 -fPIC -fvisibility=hidden -fvisibility-inlines-hidden "${common[@]}" "$@"
    "$cxx" -shared "$out/$name"/*.o -o "$out/$name/grpc.so" "${link[@]}" "-Wl,--version-script=$root/PluginSDK/plugin.map" \
        -Wl,--as-needed -lgrpc++ -lgrpc -lgpr -lprotobuf -labsl_synchronization -lcrypto -ljansson -lpthread
}

build_harness() { # NAME FLAGS…
    local name=$1
    shift
    "$cc" -std=gnu11 "${common[@]}" "$@" -fuse-ld=lld -rdynamic "$here"/*.c -o "$out/harness-$name" -ldl -lpthread
}

descriptor_sets() {
    local name
    for name in shop other wrong strict; do
        protoc "--descriptor_set_out=$out/$name.pb" --include_imports -I "$here" "$here/$name.proto"
    done
    # Without what it imports, and that is none of protobuf's own files.
    printf 'syntax = "proto3"; package orphan; import "shop.proto"; message M { shop.Item item = 1; }\n' >"$out/orphan.proto"
    protoc "--descriptor_set_out=$out/orphan.pb" -I "$here" -I "$out" "$out/orphan.proto"
}

certificate() { # NAME AUTHORITY EXTENSION
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
    printf '%s\n' "$3" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -out "$1.pem" -days 2 -extfile "$1.ext"
}
certificates() {
    (
        cd "$out"
        for name in ca foreign; do
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name.key" -out "$name.pem" -days 2 -subj "/CN=$name"
        done
        certificate site ca 'subjectAltName=DNS:good.test,IP:127.0.0.1'
        certificate client ca 'extendedKeyUsage=clientAuth'
        certificate stranger foreign 'extendedKeyUsage=clientAuth'
        openssl ec -in client.key -out locked.key -aes128 -passout pass:secret
        chmod 644 ./*.key # a sandbox's user reads them
    ) >"$out/openssl.log" 2>&1 || { cat "$out/openssl.log"; return 1; }
}
