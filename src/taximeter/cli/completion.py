"""`taximeter completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_HOW = {
    "bash": 'eval "$(taximeter completion bash)"        # in ~/.bashrc',
    "zsh": 'eval "$(taximeter completion zsh)"         # in ~/.zshrc',
    "fish": "taximeter completion fish | source          # in ~/.config/fish/config.fish",
}


@click.command("completion", epilog="\b\n" + "\n".join(_HOW.values()))
@click.argument("shell", type=click.Choice([*_HOW]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print a script that completes commands, options and run ids in a shell."""
    found = get_completion_class(shell)
    assert found is not None
    root = context.find_root()
    click.echo(found(root.command, {}, "taximeter", "_TAXIMETER_COMPLETE").source())
