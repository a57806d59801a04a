#!/bin/sh
# Starts Redis with the password that REDIS_PASSWORD holds. It goes in by standard input: an argument would show in `ps`.
set -eu
: "${REDIS_PASSWORD:?is not set}"
exec redis-server - <<CONFIG
dir /data
bind 0.0.0.0
port 6379
requirepass $REDIS_PASSWORD
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
proto-max-bulk-len 4mb
CONFIG
