"""`python -m bot` is `panah`."""

import sys

from bot.cli import main

sys.exit(main())
