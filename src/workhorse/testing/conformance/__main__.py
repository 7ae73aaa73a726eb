"""`python -m workhorse.testing.conformance FILE...`: run an engine's test files and print the table."""

import sys

from workhorse.testing.conformance.table import main

sys.exit(main(sys.argv[1:]))
