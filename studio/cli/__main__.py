"""`python -m studio.cli`."""

from studio.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
