#!/usr/bin/env bash
# Makes the examples of this folder anew from example.json: ./generate.sh HALLCTL
set -euo pipefail
hallctl=$(readlink -f -- "$1")
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
for fails in open closed; do
  "$hallctl" proxy-config nginx --config example.json "--fail-$fails" >"nginx/fail-$fails.conf"
  "$hallctl" proxy-config haproxy --config example.json "--fail-$fails" >"haproxy/fail-$fails.cfg"
  "$hallctl" proxy-config caddy --config example.json "--fail-$fails" >"caddy/fail-$fails.Caddyfile"
done
"$hallctl" proxy-config nginx --config example.json --snippet erp.example.org >nginx/snippet.conf
"$hallctl" proxy-config nginx --config example.json --swag testing.example.org >nginx/swag.conf
