"""`python -m tileserver.demo FOLDER`: make the demo archive there, once."""

from __future__ import annotations

import socket
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tileserver.demo import is_complete, make_demo


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--port-free", type=click.IntRange(1, 65535), help="Stop at once if this port is taken.")
def main(folder: Path, port_free: int | None) -> None:
    """Make the demo archive in FOLDER."""
    console = Console(stderr=True)
    if port_free and not _is_free(port_free):
        console.print(
            f"Port {port_free} is taken by another program. Choose another one: PORT={port_free + 1}",
            highlight=False,
        )
        raise SystemExit(2)
    if is_complete(folder):
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("Making the demo archive (once)", total=1.0)
        make_demo(folder, progress=lambda text, share: bar.update(task, completed=share, description=text))
    console.print(f"The demo archive is in {folder}.", highlight=False)


if __name__ == "__main__":
    main()
