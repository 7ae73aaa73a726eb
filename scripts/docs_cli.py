"""Prints docs/cli.md: every command with its usage, arguments and options, as the commands themselves say."""

import inspect
from collections.abc import Iterator

import click

from workhorse.cli import main

HEAD = """\
# The command line

Written by `scripts/docs-cli` from the commands themselves; change them, not this page. What to do with them is in
[Running and looking](operations.md).
"""


def sections(command: click.Command, context: click.Context) -> Iterator[str]:
    """One section a command, groups before what is in them."""
    yield section(command, context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from sections(child, click.Context(child, info_name=name, parent=context))


def section(command: click.Command, context: click.Context) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)]).replace(" [OPTIONS]", "")
    rows = [row(option, context) for option in command.params if isinstance(option, click.Option) and not option.hidden]
    table = "\n".join(["| option | what it does | unless given |", "|---|---|---|", *rows]) if rows else ""
    parts = [
        f"## `{context.command_path}`",
        f"    {usage}",
        prose(command.help or ""),
        table,
        prose(command.epilog or ""),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def prose(text: str) -> str:
    """A help text as Markdown; what click must not wrap is fenced."""
    clean = inspect.cleandoc(text)
    return f"```\n{clean.removeprefix(chr(8)).strip()}\n```" if clean.startswith("\b") else clean


def row(option: click.Option, context: click.Context) -> str:
    metavar = "" if option.is_flag or option.count else f" {option.make_metavar(context).replace(' RANGE', '')}"
    names = ", ".join([*option.opts, *option.secondary_opts]) + metavar
    default = option.to_info_dict()["default"]
    shown = f"`{default}`" if isinstance(default, str | int | float) and default not in ("", False) else ""
    cells = [cell.replace("|", "\\|") for cell in (f"`{names}`", option.help or "", shown)]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    click.echo("\n".join([HEAD, *sections(main, click.Context(main, info_name="workhorse"))]), nl=False)
