#!/usr/bin/env bash
# Installs what requirements.txt locks into the environment whose python comes first on PATH; `make setup` calls it.
# uv takes a third of pip's time. It reads no settings of pip's, so those that say where packages are go along. Where
# uv is not to be had, or fails, pip installs. uv compiles nothing: the first import does, which takes 8 s for what the
# stages import, and 22 s or more for all modules; only where imports may not write bytecode is it made here.
set -euo pipefail

lock=requirements.txt
install=(python -m pip install -qq --disable-pip-version-check --require-hashes)

# A setting of pip's, of its files or environment, with a space between values; nothing where it is not set.
setting() {
  python -m pip config list 2> /dev/null | sed -n "s/^[^=]*\.$1='\(.*\)'\$/\1/p" | head -n 1 | sed 's/\\n/ /g'
}

hand_over() {
  local value
  value=$(setting "$1")
  [ -z "$value" ] || [ -n "${!2:-}" ] || export "$2=$value"
}

with_uv() {
  # Its own lines of the lock alone.
  "${install[@]}" -r <(awk '/^uv==/ { own = 1 } own { print } own && !/\\$/ { exit }' "$lock") 2> /dev/null || return 1
  hand_over index-url UV_INDEX_URL
  hand_over extra-index-url UV_EXTRA_INDEX_URL
  hand_over find-links UV_FIND_LINKS
  hand_over cert SSL_CERT_FILE
  [ -z "${UV_FIND_LINKS:-}" ] || export UV_FIND_LINKS="${UV_FIND_LINKS// /,}"
  # As pip does: a version may come from any of the indexes. The hashes say which files are right.
  UV_INDEX_STRATEGY=unsafe-best-match uv pip install -q --python "$(command -v python)" \
    ${PYTHONDONTWRITEBYTECODE:+--compile-bytecode} --require-hashes -r "$lock"
}

if ! with_uv; then
  echo "Without uv, which could not be used: pip installs, which takes a minute or two."
  "${install[@]}" -r "$lock"
fi
