"""The command `tileserver`. What goes wrong with what was asked is one clear sentence and exit code 2."""

from __future__ import annotations

import gc
import sys
from importlib import import_module

import click

import tileserver
from tileserver.errors import TileserverError

_COMMANDS = ("serve", "ingest", "harvest", "seed", "doctor")


class _Commands(click.Group):
    """A file per command, imported when it is called, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        gc.disable()  # loading makes much and drops little
        try:
            command: click.Command = import_module(f"tileserver.commands.{cmd_name}").command
        finally:
            gc.enable()
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(tileserver.__version__, prog_name="tileserver")
def cli() -> None:
    """Satellite archives as a map. Begin with: tileserver serve FOLDER."""
    import warnings

    # Libraries warn of what we tell in our own words, and name paths that are nobody's business.
    warnings.simplefilter("ignore", UserWarning)


def main() -> None:
    """The console script."""
    from pydantic import ValidationError

    from gpu.devices import DeviceUnavailable

    try:
        cli()
    except ValidationError as error:
        sentences = [
            f"TILESERVER_{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}."
            for problem in error.errors()
        ]
        _refuse(" ".join(sentences))
    except (TileserverError, DeviceUnavailable) as error:
        _refuse(str(error))


def _refuse(sentence: str) -> None:
    click.echo(f"tileserver: {sentence}", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
