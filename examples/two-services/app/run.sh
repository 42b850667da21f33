#!/bin/sh
# One image, three programs: `run.sh web`, `run.sh worker`, `run.sh migrate`.
set -eu

case "$1" in
  web) exec caddy run --config /app/Caddyfile ;;
  worker)
    trap 'exit 0' TERM
    while true; do
      wget -q -O /dev/null "$WEB_URL/version.txt" && echo "worked"
      sleep 10 &
      wait $!
    done
    ;;
  migrate)
    # In place of a real one: it needs the password, and says what it does.
    : "${password:?The Secret database has no key password}"
    echo "The database is at version $(cat /app/version.txt)"
    ;;
esac
