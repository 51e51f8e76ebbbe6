#!/usr/bin/env bash
# Makes the keys and certificates that the tests of TLS use. They are for nothing else, and good until 2126.
set -euo pipefail
cd "$(dirname "$0")"
days=36500
key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1.key"; }
sign() { # NAME EXTENSIONS
  key "$1"
  openssl req -new -key "$1.key" -subj "/CN=foretime test $1" |
    openssl x509 -req -CA authority.pem -CAkey authority.key -days $days -extfile <(printf '%s\n' "$2") -out "$1.pem" 2>/dev/null
}
key authority
openssl req -x509 -new -key authority.key -subj "/CN=foretime test authority" -days $days -out authority.pem \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
sign server $'basicConstraints=CA:FALSE\nsubjectAltName=DNS:cluster.test\nextendedKeyUsage=serverAuth'
sign client $'basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth'
rm -f authority.key authority.srl
