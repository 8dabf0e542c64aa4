#!/usr/bin/env bash
# Makes a certificate authority of your own and the broker's certificate. Run again at any time: the authority is kept;
# the certificate is renewed when it ends within 30 days, or when other names are asked for.
set -euo pipefail

usage() {
  cat <<'EOF'
usage: make-certs.sh [--dir DIR] --host NAME_OR_ADDRESS [--host ...]
  --dir DIR  where ca.key, ca.crt, server.key and server.crt stand; default /etc/mosquitto/certs
  --host X   every name and address by which clients reach the broker, as they write it; may be repeated
The authority lasts 10 years, the broker's certificate 2. Clients need ca.crt alone; keep ca.key to yourself.
Then: systemctl reload mosquitto
EOF
}

fail() {
  echo "make-certs.sh: $*" >&2
  exit 1
}

dir=/etc/mosquitto/certs
names=()
while [ $# -gt 0 ]; do
  case $1 in
    --dir | --host)
      [ $# -ge 2 ] || fail "$1 needs a value"
      if [ "$1" = --dir ]; then
        dir=$2
      elif [[ $2 =~ ^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$ || $2 =~ ^[0-9a-fA-F:]*:[0-9a-fA-F:]*$ ]]; then
        names+=("IP:$2")
      elif [[ $2 =~ ^[a-zA-Z0-9.-]+$ ]]; then
        names+=("DNS:$2")
      else
        fail "\"$2\" is neither a host name nor an address"
      fi
      shift 2
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) fail "unknown argument \"$1\"; see --help" ;;
  esac
done
[ ${#names[@]} -gt 0 ] || fail "--host is missing; see --help"
command -v openssl >/dev/null || fail "openssl is missing: apt-get install openssl"
mkdir -p "$dir" || fail "the folder $dir cannot be made; run as root?"
[ -w "$dir" ] || fail "the folder $dir cannot be written to; run as root?"

umask 077
work=$(mktemp -d "$dir/.certs.XXXXXX")
trap 'rm -rf "$work"' EXIT

new_key() {
  openssl ecparam -name prime256v1 -genkey -noout -out "$1"
}

if [ ! -e "$dir/ca.key" ] || [ ! -e "$dir/ca.crt" ]; then
  new_key "$work/ca.key"
  openssl req -x509 -new -key "$work/ca.key" -sha256 -days 3650 -subj "/CN=Hall broker CA" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
    -out "$work/ca.crt"
  mv "$work/ca.key" "$work/ca.crt" "$dir/"
  rm -f "$dir/server.crt"
  echo "new authority: $dir/ca.crt" >&2
fi

sans=$(IFS=,; echo "${names[*]}")
if [ -e "$dir/server.crt" ] && [ "$(cat "$dir/server.names" 2>/dev/null)" = "$sans" ] &&
  openssl x509 -in "$dir/server.crt" -noout -checkend $((30 * 24 * 3600)) >/dev/null; then
  echo "$dir/server.crt: good, kept" >&2
else
  new_key "$work/server.key"
  cat >"$work/extensions" <<EOF
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectAltName=$sans
EOF
  openssl req -new -key "$work/server.key" -subj "/CN=Hall broker" -out "$work/server.csr"
  openssl x509 -req -in "$work/server.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -sha256 -days 730 \
    -set_serial "0x$(openssl rand -hex 16)" -extfile "$work/extensions" -out "$work/server.crt" 2>/dev/null
  echo "$sans" >"$work/server.names"
  mv "$work/server.key" "$work/server.crt" "$work/server.names" "$dir/"
  echo "new certificate: $dir/server.crt for $sans" >&2
fi

chmod 644 "$dir/ca.crt" "$dir/server.crt" "$dir/server.names"
chmod 640 "$dir/server.key"
if [ "$(id -u)" = 0 ] && getent group mosquitto >/dev/null; then chgrp mosquitto "$dir/server.key"; fi
