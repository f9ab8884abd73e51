"""`python -m wsproxy`."""

from wsproxy.cli.main import main

if __name__ == "__main__":
    main()
