"""`python -m taximeter`."""

from taximeter.cli.main import main

main()
