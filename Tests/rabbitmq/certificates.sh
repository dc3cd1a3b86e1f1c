#!/bin/bash
# Certificates of the tests: certificates.sh DIR. An authority, a server named localhost, a client, and a second authority.
set -eu
cd "$1"
authority() { # NAME
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" -keyout "$1.key" -out "$1.pem" 2>/dev/null
}
certificate() { # NAME EXTENSION
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "$1.pem" -extfile <(echo "$2") 2>/dev/null
}
authority ca
authority other
certificate server "subjectAltName=DNS:localhost"
certificate client "extendedKeyUsage=clientAuth"
chmod 644 ./*.key
