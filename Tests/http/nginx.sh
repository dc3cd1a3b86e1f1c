#!/bin/sh
# Makes a certificate authority and an nginx with HTTP/2 over TLS in the directory $1. Prints "PLAIN_PORT TLS_PORT
# MTLS_PORT"; the last one wants a client's certificate.
# The nginx ends with `kill $(cat $1/nginx.pid)`. Prints nothing and fails where there is no nginx.
set -eu
dir=$1
here=$(cd "$(dirname "$0")" && pwd)
command -v nginx >/dev/null && command -v openssl >/dev/null || exit 1
# nginx cannot take port 0 and tell which one it got: two that are free now.
set -- $(python3 "$here/free_ports.py" 3)
cd "$dir"
{
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout site.key -out site.csr -subj /CN=good.test
    printf 'subjectAltName=DNS:good.test\n' >site.ext
    openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out site.pem -days 2 -extfile site.ext
    printf 'subjectAltName=DNS:good.test,IP:127.0.0.1\n' >mutual.ext
    openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out mutual.pem -days 2 -extfile mutual.ext
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout client.key -out client.csr -subj /CN=spindle
    openssl x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out client.pem -days 2
} >openssl.log 2>&1
cat >nginx.conf <<CONF
worker_processes 1;
pid $dir/nginx.pid;
error_log $dir/nginx.log;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
    uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
    keepalive_requests 1000000;
    server {
        listen 127.0.0.1:$1;
        listen 127.0.0.1:$2 ssl http2;
        server_name good.test;
        ssl_certificate $dir/site.pem;
        ssl_certificate_key $dir/site.key;
        location /hello { return 200 \$host; }
        location /down { return 302 http://good.test:$1/hello; }
    }
    server {
        listen 127.0.0.1:$3 ssl;
        server_name good.test;
        ssl_certificate $dir/mutual.pem;
        ssl_certificate_key $dir/site.key;
        ssl_client_certificate $dir/ca.pem;
        ssl_verify_client on;
        location / { return 200 \$ssl_client_s_dn; }
    }
}
CONF
nginx -e "$dir/nginx.log" -c "$dir/nginx.conf" # returns when it listens
echo "$1 $2 $3"
