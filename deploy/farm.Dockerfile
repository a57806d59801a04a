# The farm's processes, on a plain Debian. Two images: `farm` for the trusted side, `builder` for build hosts.
# BASE may be an image that the farm bootstrapped itself, where no registry answers: `python -m workers base debian13`.
ARG BASE=debian:13-slim
FROM ${BASE} AS farm
COPY deploy/certificates/ /usr/local/share/ca-certificates/
RUN apt-get -qq update \
    && DEBIAN_FRONTEND=noninteractive apt-get -qq --yes install --no-install-recommends ca-certificates python3-venv >/dev/null \
    && update-ca-certificates \
    && rm -rf /var/lib/apt/lists/*
ENV REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt
ARG PIP_INDEX_URL=
WORKDIR /opt/farm
# What changes seldom first: the dependencies are a layer of their own.
COPY pyproject.toml constraints.txt ./
RUN python3 -m venv venv \
    && python3 -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' >wanted \
    && venv/bin/pip install -q --disable-pip-version-check --no-cache-dir --constraint constraints.txt setuptools -r wanted
COPY README.md ./
COPY farm farm
COPY workers workers
RUN venv/bin/pip install -q --disable-pip-version-check --no-build-isolation --no-deps . \
    && useradd --system --uid 10001 --create-home farm \
    && install -d -o farm -g farm /var/lib/farm
ENV PATH=/opt/farm/venv/bin:$PATH PYTHONUNBUFFERED=1 FARM_STATE=/var/lib/farm FARM_CACHE=/var/lib/farm/cache
WORKDIR /var/lib/farm
USER farm
ENTRYPOINT ["farm"]
CMD ["--help"]

# Whoever may speak to a container engine is root on its host, so this one does not pretend to be anybody else.
FROM farm AS builder
USER root
RUN apt-get -qq update \
    && DEBIAN_FRONTEND=noninteractive apt-get -qq --yes install --no-install-recommends \
        mmdebstrap debian-archive-keyring >/dev/null \
    && rm -rf /var/lib/apt/lists/*
ENTRYPOINT ["python", "-m", "workers"]
CMD ["worker"]
