"""`python -m stream.cli`: the command, also where its script is not on the path."""

from __future__ import annotations

from stream.cli import main

if __name__ == "__main__":
    main()
