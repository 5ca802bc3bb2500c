"""Lets `python -m cronicorn_worker` start the worker."""

from cronicorn_worker.main import main

if __name__ == "__main__":
    main()
