"""`python -m symmbench.bench`: the `bench` command where no script is installed."""

from .cli import main

main()
