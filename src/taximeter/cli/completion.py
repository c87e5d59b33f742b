"""`taximeter completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from taximeter.cli import options
from taximeter.numbers import to_json

_HOW = {
    "bash": 'eval "$(taximeter completion bash)"        # in ~/.bashrc',
    "zsh": 'eval "$(taximeter completion zsh)"         # in ~/.zshrc',
    "fish": "taximeter completion fish | source          # in ~/.config/fish/config.fish",
}


@click.command("completion", epilog="\b\n" + "\n".join(_HOW.values()))
@click.argument("shell", type=click.Choice([*_HOW]))
@options.as_json
@click.pass_context
def command(context: click.Context, shell: str, as_json: bool) -> None:
    """Print a script that completes commands, options and run ids in a shell."""
    found = get_completion_class(shell)
    assert found is not None
    root = context.find_root()
    script = found(root.command, {}, "taximeter", "_TAXIMETER_COMPLETE").source()
    click.echo(to_json({"schema_version": "completion_v1", "shell": shell, "script": script}) if as_json else script)
