set shell := ["bash", "-euo", "pipefail", "-c"]

# List the recipes
default:
    @just --list --unsorted

# Everything that continuous integration does, in the same words
check:
    .ci/run

# Every test: SQLite, a real PostgreSQL, real HTTP. All processors at once; files that are named run
# in one process (also `-n 0`), where `--pdb` and `-s` work
test *arguments:
    uv run pytest {{arguments}}

# The tests that need PgBouncer, which `just test` leaves out: see `just pgbouncer`
pooler *arguments:
    uv run pytest tests/pooler {{arguments}}

# Install PgBouncer with Debian's package, where it is not there yet
pgbouncer:
    PATH="$PATH:/usr/sbin"; command -v pgbouncer || { \
        as_root=$([[ $EUID -eq 0 ]] || echo sudo); \
        $as_root apt-get update && $as_root apt-get install -y --no-install-recommends pgbouncer; \
    }

# The tests of the dashboard in a browser, which `just test` leaves out: see `just chromium`
browser *arguments:
    uv run pytest -n 2 --dist loadgroup tests/browser {{arguments}}

# Take the pictures of the docs anew, of a shop at work; `just pictures FOLDER` takes every page
pictures *folder:
    uv run python -m tests.browser.pictures {{folder}}

# Install Debian's Chromium, where it is not there yet
chromium:
    command -v chromium || command -v chromium-browser || { \
        as_root=$([[ $EUID -eq 0 ]] || echo sudo); \
        $as_root apt-get update && $as_root apt-get install -y --no-install-recommends chromium; \
    }

# Lint, and see that everything is formatted
lint:
    uv run ruff check
    uv run ruff format --check

untyped := "--allow-untyped-defs --allow-incomplete-defs --allow-untyped-calls --allow-any-generics"

# Members' tests may leave annotations out. They have a cache of their own, since with other flags mypy
# throws away what it has kept.
# Strict types of all sources, then those of each member with its tests
types:
    uv run mypy packages/*/src apps/*/src
    uv run mypy bench tools tests conftest.py
    uv run mypy tests/pooler/*.py
    export MYPY_CACHE_DIR=.mypy_cache/untyped; \
    for member in packages/* apps/*; do uv run mypy {{untyped}} "$member"; done; \
    uv run mypy {{untyped}} --explicit-package-bases tests/browser/*.py

# The architecture: who may import whom
imports:
    uv run lint-imports --no-cache --no-logo

# All have been run before, so each file is imported here and its first test is run, unless told
# otherwise: `just alone ""`. They go two at a time, as one installs while the other tests.
# Each member's own tests, with nothing installed but what it declares
alone how="--first-of-each-file":
    room=$(mktemp -d); trap 'rm -r "$room"' EXIT; \
    members=(packages/* apps/*); \
    {{just_executable()}} alone-in "$room/even" "{{how}}" $(for n in "${!members[@]}"; do ((n % 2)) || echo "${members[n]}"; done) & \
    even=$!; \
    {{just_executable()}} alone-in "$room/odd" "{{how}}" $(for n in "${!members[@]}"; do ((n % 2)) && echo "${members[n]}"; done) & \
    odd=$!; \
    wait "$even" && even=0 || even=$?; wait "$odd" && odd=0 || odd=$?; \
    exit $((even | odd))

# One environment serves all in turn: an exact sync takes out what the next one does not declare.
[private]
alone-in room how +members:
    mkdir -p "{{room}}"; \
    export UV_PROJECT_ENVIRONMENT="{{room}}/environment" PYTHONPYCACHEPREFIX="{{room}}/compiled"; \
    for member in {{members}}; do \
        uv run --locked --exact --package "cronicorn-${member##*/}" pytest -n 0 -p no:cacheprovider {{how}} "$member" \
            >"{{room}}/told" 2>&1 && failed=0 || failed=$?; \
        echo "== $member"; cat "{{room}}/told"; \
        ((failed == 0)) || exit "$failed"; \
    done

# The first command of the README, as a newcomer types it
smoke:
    uv run python tools/smoke.py

# Put the code in shape
format:
    uv run ruff check --fix
    uv run ruff format

# Seeds played in virtual time, every history judged: about a minute on two cores
simulate *arguments="--seeds 60":
    uv run tools/simulate {{arguments}}

# Stories told to memory, SQLite and PostgreSQL at once, which have to agree
agree *arguments="--stories 50":
    uv run tools/agree {{arguments}}
