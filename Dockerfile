# Wirewatch in a container; docs/container.md says how to build and run it, scripts/image-test does both.
# The digest is the index of all platforms of that tag; Renovate proposes the next one (renovate.json).
ARG PYTHON_IMAGE=python:3.13-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${PYTHON_IMAGE} AS build
# What is installed: postgres (SQLite and PostgreSQL), run (SQLite only), or all (also language models and assistants).
ARG REQUIREMENTS=postgres
WORKDIR /src
# Where it will stand in the end: an environment cannot be moved.
RUN python3 -m venv /opt/wirewatch
COPY requirements/${REQUIREMENTS}.txt requirements/
RUN /opt/wirewatch/bin/pip install --disable-pip-version-check --no-cache-dir --no-compile \
    --require-hashes -r "requirements/${REQUIREMENTS}.txt"
COPY pyproject.toml README.md LICENSE ./
COPY config/ config/
COPY bot/ bot/
COPY scripts/trim-image scripts/healthy scripts/
# There is no repository in here to read the version from; a release names it.
ARG VERSION=
RUN SETUPTOOLS_SCM_PRETEND_VERSION=${VERSION} \
    /opt/wirewatch/bin/pip install --disable-pip-version-check --no-cache-dir --no-compile \
    --no-deps --no-build-isolation . \
    && /opt/wirewatch/bin/python scripts/trim-image /opt/wirewatch \
    && cp scripts/healthy /opt/wirewatch/bin/ \
    && mkdir /data

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Wirewatch" \
      org.opencontainers.image.description="Watches the news and posts one message per story" \
      org.opencontainers.image.licenses="Apache-2.0"
# PYTHONPYCACHEPREFIX: the base has no bytecode of the standard library and the root is read-only, so every start and
# every health check would compile it anew; scripts/trim-image puts what is imported there.
# TMPDIR: /data is the one place that is surely writable. WIREWATCH_HOME: sqlite:///data/wirewatch.db is in /data.
ENV PATH=/opt/wirewatch/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPYCACHEPREFIX=/opt/wirewatch/bytecode \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/data \
    WIREWATCH_HOME=/
COPY --from=build /opt/wirewatch /opt/wirewatch
COPY --from=build --chown=10001:10001 /data /data
# The shipped configuration, so that it runs as it is; mount your own over it.
COPY config/ /config/
# From here the default --config (./config) is /config.
WORKDIR /
USER 10001:10001
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["healthy", "/config"]
ENTRYPOINT ["wirewatch"]
CMD ["run", "--config", "/config"]
