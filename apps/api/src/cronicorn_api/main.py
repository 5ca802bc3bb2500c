"""The API's entry point."""

from cronicorn_api.command import app


def main() -> None:
    """Serve the API: exits 0 when it was asked to stop, 2 on bad usage, 1 otherwise."""
    app(prog_name="cronicorn-api")
