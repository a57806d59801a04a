#!/bin/sh
# Prints the settings of deploy/compose.yaml with fresh secrets: sh deploy/env.sh > deploy/.env
set -eu
secret() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
umask 077
cat <<ENV
# Where clients reach what is published; it stands in every index.
FARM_BASE_URL=http://localhost:8333/pythons/farm
# The base of all images; where no registry answers: python -m workers base debian13
FARM_IMAGE_BASE=debian:13-slim
# The container engine's socket on this host: whoever speaks to it is root here.
FARM_ENGINE_SOCKET=/var/run/docker.sock
# Folders of this host that builders and the trusted side see: your own facts, source archives.
FARM_FACTS_FOLDER=./facts
FARM_SOURCES_FOLDER=./sources
# The key that signs what is published, as the publisher (user 10001) sees it, e.g. /etc/farm/keys/signing.pem for
# deploy/keys/signing.pem, which must belong to that user. Empty: nothing is signed.
FARM_SIGNING_KEY=
# Also understood: FARM_SLOTS, FARM_APT_MIRROR, FARM_LEASE_S, PIP_INDEX_URL, and on which ports of this host, 127.0.0.1 alone, the
# store and the status page answer: FARM_S3_PORT (8333), FARM_STATUS_PORT (8080).
FARM_REDIS_PASSWORD=$(secret 24)
FARM_S3_ACCESS_KEY=$(secret 10)
FARM_S3_SECRET_KEY=$(secret 24)
FARM_S3_READER_ACCESS_KEY=$(secret 10)
FARM_S3_READER_SECRET_KEY=$(secret 24)
ENV
