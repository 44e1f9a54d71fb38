"""The command `zarr-edr`. Whatever takes long to import is imported by the command that needs it."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from zarr_edr.errors import ConfigurationError, EdrError


class _Group(click.Group):
    """Commands whose errors are one sentence on stderr: exit status 2 for a wrong configuration, 1 for other errors."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except EdrError as error:
            click.echo(f"zarr-edr: {error.message}", err=True)
            ctx.exit(2 if isinstance(error, ConfigurationError) else 1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("zarr-edr"), message="zarr-edr %(version)s")
def main() -> None:
    """OGC API - EDR for Zarr stores."""


@main.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--bind", metavar="HOST:PORT", help="Where to listen.  [default: the configuration's, else 127.0.0.1:5000]"
)
@click.option("--workers", type=click.IntRange(1, 256), help="Processes.  [default: one per processor, at most 4]")
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    default=64,
    show_default=True,
    help="Per process; most wait for slow clients.",
)
def serve(config: Path, bind: str | None, workers: int | None, threads: int) -> None:
    """Serve the collections of a pygeoapi configuration file."""
    from zarr_edr.web import server  # noqa: PLC0415  # other commands do not need it

    sys.exit(server.serve(config, bind, workers, threads))


@main.command()
@click.argument("stores", nargs=-1, required=True, metavar="STORE...")
def inspect(stores: tuple[str, ...]) -> None:
    """Print what the service understands of each store."""
    from zarr_edr.inspect import inspect as describe  # noqa: PLC0415  # other commands do not need it

    for store in stores:
        click.echo(describe(store), nl=False)


@main.command()
@click.argument("stores", nargs=-1, required=True, metavar="STORE...")
def init(stores: tuple[str, ...]) -> None:
    """Print a configuration that serves the stores.

    Stores that cannot be served are told on stderr; the exit status is 1 when there is no other.
    """
    from zarr_edr.init import config  # noqa: PLC0415  # other commands do not need it

    notes: list[str] = []
    click.echo(config(stores, notes), nl=False)
    for note in notes:
        click.echo(f"zarr-edr: {note}", err=True)
    if len(notes) == len(stores):
        sys.exit(1)


@main.command()
@click.argument("source", metavar="SRC")
@click.argument("target", metavar="DST", type=click.Path(path_type=Path))
@click.option("--for", "kind", required=True, type=click.Choice(["points", "maps", "both"]), help="What will be asked.")
@click.option("--memory", default="1 GiB", show_default=True, help="For values, beside the program itself.")
@click.option(
    "--storage", metavar="KEY=VALUE", multiple=True, help="An fsspec option of a remote SRC; may be repeated."
)
@click.option("--no-verify", is_flag=True, help="Do not read back what was written.")
def rechunk(source: str, target: Path, kind: str, memory: str, storage: tuple[str, ...], no_verify: bool) -> None:
    """Write the data of SRC in other chunks to the folder DST.

    For `points`, a chunk has the whole series of some cells; for `maps`, the whole field of one time; with `both`, two stores are
    written, DST/points.zarr and DST/maps.zarr. What is written is compared with SRC. When interrupted, the same command goes on
    where it was. At the end the lines for the configuration are printed.
    """
    from zarr_edr.rechunk import command  # noqa: PLC0415  # other commands do not need it

    sys.exit(command.run(source, target, kind, memory, storage, verify=not no_verify))
