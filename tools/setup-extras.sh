#!/usr/bin/env bash
# Installs, from Debian packages, the programs that only some suites need: psql, pgbench, PgBouncer, psycopg 3, JDBC, Chromium
# and what "npm run conformance" builds drivers with.
# Suites whose program is missing say so and are skipped; nothing else depends on this step.
#
#   npm run setup:extras
#
# Safe to run again: what is present is left alone. Starts no service and creates no database cluster.
set -euo pipefail

say() { printf 'extras: %s\n' "$*"; }

# what | how to see that it is there | Debian package
wanted=(
  'psql|command -v psql|postgresql-client'
  'pgbench|command -v pgbench || ls /usr/lib/postgresql/*/bin/pgbench|postgresql'
  'PgBouncer|command -v pgbouncer || test -x /usr/sbin/pgbouncer|pgbouncer'
  'psycopg 3|/usr/bin/python3 -c "import psycopg"|python3-psycopg'
  'JDBC driver|test -e /usr/share/java/postgresql.jar|libpostgresql-jdbc-java'
  'Chromium|test -x /usr/bin/chromium|chromium'
  # A JRE alone cannot run a Java source file, and the repository holds no compiled classes.
  'Java compiler|command -v javac|default-jdk-headless'
  # "npm run conformance": a library of PostgreSQL's tests is compiled, drivers of other languages are installed. Its Go
  # driver needs a newer Go than Debian's.
  'C compiler|command -v gcc|gcc'
  'C library headers|test -e /usr/include/stdio.h|libc6-dev'
  'pip|python3 -m pip --version|python3-pip'
  'venv|python3 -c "import venv, ensurepip"|python3-venv'
  'Maven|command -v mvn|maven'
)

have() { bash -c "$1" >/dev/null 2>&1; }

# What comes from PyPI and npm; it needs Python of the packages above.
clients() { bash "$(dirname "$0")/setup-clients.sh"; }

packages=()
for entry in "${wanted[@]}"; do
  IFS='|' read -r what rest <<<"$entry"
  package=${rest##*|}
  check=${rest%|*}
  if have "$check"; then
    say "$what: present"
  else
    say "$what: missing, from package $package"
    packages+=("$package")
  fi
done
if [[ ${#packages[@]} -eq 0 ]]; then
  say 'no package to install'
  clients
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  say "skipped: this is not a Debian-like system (no apt-get). Install the like of: ${packages[*]}"
  clients
  exit 0
fi
as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  else
    say "skipped: this needs root (or a sudo that asks for no password). Run as root: apt-get install --no-install-recommends ${packages[*]}"
    clients
    exit 0
  fi
fi
root() { "${as_root[@]}" "$@"; }

# Packages of servers start them, unless policy-rc.d says no (invoke-rc.d(8): 101 is "action forbidden").
policy=/usr/sbin/policy-rc.d
cluster=/etc/postgresql-common/createcluster.conf
kept=$(mktemp -d)
# As it was before: PATH gets back the copy kept under NAME, or goes away when there was none.
restore() {
  local path=$1 copy=$kept/$2
  if [[ -e $copy ]]; then root cp -p "$copy" "$path"; else root rm -f "$path"; fi
}
cleanup() {
  restore "$policy" policy
  rm -rf "$kept"
}
if [[ -e $policy ]]; then root cp -p "$policy" "$kept/policy"; fi
trap cleanup EXIT
printf '#!/bin/sh\nexit 101\n' | root tee "$policy" >/dev/null
root chmod 755 "$policy"

# Without this, the package "postgresql" makes a cluster that would be started at the next boot. The file stays.
if [[ " ${packages[*]} " == *' postgresql '* && ! -e $cluster ]]; then
  root mkdir -p "$(dirname "$cluster")"
  printf 'create_main_cluster = false\n' | root tee "$cluster" >/dev/null
fi

apt() { root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold "$@"; }
say "installing: ${packages[*]}"
apt update
available=()
for package in "${packages[@]}"; do
  if apt-cache show "$package" >/dev/null 2>&1; then
    available+=("$package")
  else
    say "skipped $package: this release has no such package"
  fi
done
[[ ${#available[@]} -eq 0 ]] || apt install -y --no-install-recommends "${available[@]}"

# Nor at the next boot.
if command -v systemctl >/dev/null; then
  for package in "${available[@]}"; do
    case $package in
      pgbouncer | postgresql) root systemctl disable --quiet "$package" || say "could not disable the service $package" ;;
    esac
  done
fi

for entry in "${wanted[@]}"; do
  IFS='|' read -r what rest <<<"$entry"
  have "${rest%|*}" || say "still missing: $what (its suites will say so)"
done
clients
