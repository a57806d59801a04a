# An S3 server (SeaweedFS, from its wheel) on a plain Debian: enough for one host, and for trying things out.
ARG BASE=debian:13-slim
FROM ${BASE}
COPY deploy/certificates/ /usr/local/share/ca-certificates/
RUN apt-get -qq update \
    && DEBIAN_FRONTEND=noninteractive apt-get -qq --yes install --no-install-recommends ca-certificates python3-venv >/dev/null \
    && update-ca-certificates \
    && rm -rf /var/lib/apt/lists/*
ARG PIP_INDEX_URL=
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt
COPY deploy/s3.txt /opt/s3/
RUN python3 -m venv /opt/s3/venv \
    && /opt/s3/venv/bin/pip install -q --disable-pip-version-check --no-cache-dir --no-deps --require-hashes -r /opt/s3/s3.txt \
    && useradd --system --uid 10001 s3 \
    && install -d -o s3 -g s3 /data
COPY deploy/s3.sh /usr/local/bin/s3.sh
VOLUME /data
USER s3
CMD ["sh", "/usr/local/bin/s3.sh"]
