"""`python -m modos`: the command line, where the script `modos` is not on the path.

Owns nothing but the call. Must not know any command.
"""

import sys

from modos.cli import main

if __name__ == "__main__":
    sys.exit(main())
