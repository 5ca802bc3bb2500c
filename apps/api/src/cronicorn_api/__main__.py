"""Lets `python -m cronicorn_api` start the API."""

from cronicorn_api.main import main

if __name__ == "__main__":
    main()
