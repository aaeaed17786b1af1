#!/usr/bin/env bash
# Makes sure that the software to compare with is there: installs it where that is possible (Debian, as root), else says
# what to install. Usage: bench/peers.sh COMMAND… (default: all that the benchmarks need). Exit status 1: something is missing.
set -euo pipefail

package() {
  case $1 in
    nginx) echo nginx-light ;;
    ab) echo apache2-utils ;;
    taskset | nsenter) echo util-linux ;;
    nft) echo nftables ;;
    ip) echo iproute2 ;;
    *) echo "$1" ;;
  esac
}

commands=("$@")
[ ${#commands[@]} -gt 0 ] || commands=(nginx haproxy wrk strace taskset)
PATH=$PATH:/usr/sbin:/sbin

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
