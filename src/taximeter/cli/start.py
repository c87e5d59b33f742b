"""The command `taximeter`, before anything of it is loaded."""

import signal


def main() -> None:
    """Runs the command line. Ctrl-C while that is loaded ends it without a word, and without a traceback of imports."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, as behind `&`
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from taximeter.cli.main import main as command

    command()
