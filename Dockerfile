# syntax=docker/dockerfile:1
#
# Two images from one environment, `worker` and `api`; `cronicorn-db` is in both.
#
#     docker build --target worker --tag cronicorn-worker .
#     docker build --target api --tag cronicorn-api .

FROM ghcr.io/astral-sh/uv:0.13.9 AS uv

FROM python:3.11.14-slim-trixie AS build
COPY --from=uv /uv /usr/local/bin/uv
ENV UV_PROJECT_ENVIRONMENT=/opt/cronicorn \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy
WORKDIR /build
# What others wrote is a layer of its own, which stays until the lock file changes.
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-dev --no-install-workspace \
        --package cronicorn-worker --package cronicorn-api --extra traces --extra ai
COPY . .
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev --no-editable \
        --package cronicorn-worker --package cronicorn-api --extra traces --extra ai

FROM python:3.11.14-slim-trixie AS base
RUN useradd --system --uid 10001 --home-dir /var/lib/cronicorn --create-home cronicorn
COPY --from=build /opt/cronicorn /opt/cronicorn
ENV PATH=/opt/cronicorn/bin:$PATH
# Without a database on PostgreSQL, `cronicorn.db` and its key are made here: give it a volume then.
WORKDIR /var/lib/cronicorn
USER 10001

FROM base AS api
ENV CRONICORN_HOST=0.0.0.0 \
    CRONICORN_PORT=3333
EXPOSE 3333
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:3333/health/live')"]
CMD ["cronicorn-api"]

FROM base AS worker
ENV CRONICORN_LOG_FORMAT=json \
    CRONICORN_METRICS_HOST=0.0.0.0 \
    CRONICORN_METRICS_PORT=9464
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9464/healthz')"]
CMD ["cronicorn-worker"]
