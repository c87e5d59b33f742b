"""`python -m taximeter`."""

from taximeter.cli.start import main

main()
