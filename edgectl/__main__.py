"""`python -m edgectl`."""

from edgectl.cli.main import main

main()
