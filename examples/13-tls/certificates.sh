#!/usr/bin/env bash
# Makes an authority and certificates to try TLS with, good for 30 days, and puts them where the manifests look for them.
# Usage: certificates.sh [DIRECTORY] (default: beside this script). Needs openssl.
set -euo pipefail
umask 077
cd "${1:-$(dirname "$0")}"
mkdir -p certificates
cd certificates

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=authority of the example' \
  -addext 'keyUsage=critical,keyCertSign' -keyout ca.key -out ca.crt 2>/dev/null

# issue NAME SUBJECT-ALTERNATIVE-NAMES
issue() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
  printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\n' "$2" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
  rm "$1.csr" "$1.ext"
}
issue shop 'DNS:shop.example,DNS:*.shop.example'
issue admin 'DNS:admin.example'
issue alice 'DNS:alice'

# secret NAME TYPE ENTRY=FILE… : a Secret manifest, as `kubectl create secret --dry-run=client -o yaml` would print it
secret() {
  printf -- '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\ntype: %s\ndata:\n' "$1" "$2"
  for entry in "${@:3}"; do printf '  %s: %s\n' "${entry%%=*}" "$(openssl base64 -A -in "${entry#*=}")"; done
}
{
  secret admin kubernetes.io/tls tls.crt=admin.crt tls.key=admin.key
  secret authority Opaque ca.crt=ca.crt
} >../secrets.yaml
