"""The worker's entry point."""

from cronicorn_worker.command import app


def main() -> None:
    """Run the worker: exits 0 when it has drained, 2 on bad usage or a bad file, 1 otherwise."""
    app(prog_name="cronicorn-worker")
