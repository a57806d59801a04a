# Redis with a password and an append-only file, on a plain Debian.
ARG BASE=debian:13-slim
FROM ${BASE}
RUN apt-get -qq update \
    && DEBIAN_FRONTEND=noninteractive apt-get -qq --yes install --no-install-recommends redis-server >/dev/null \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o redis -g redis /data
COPY deploy/redis.sh /usr/local/bin/redis.sh
VOLUME /data
USER redis
CMD ["sh", "/usr/local/bin/redis.sh"]
