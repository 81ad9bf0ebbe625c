"""`python -m seqloom` is the `seqloom` command."""

import sys

from seqloom.cli import main

if __name__ == "__main__":
    sys.exit(main())
