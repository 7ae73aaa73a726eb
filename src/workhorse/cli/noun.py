"""The shape `workhorse NOUN APP [VERB] [ARGS]`: without a verb a noun lists; options may stand anywhere."""

from collections.abc import Callable
from typing import Any, Final

import click

from workhorse.core.names import did_you_mean

LIST: Final = "list"
_EPILOG: Final = "Without a verb it lists. What a verb takes is shown by NOUN APP VERB --help."
_HELP: Final = ("-h", "--help")


class Noun(click.Group):
    """A group whose verbs follow an APP."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._in_order(ctx, args) if args else ["--help"])

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order of their use

    def _in_order(self, ctx: click.Context, args: list[str]) -> list[str]:
        """APP, verb, the rest: as click wants them, whatever the order in which they were typed."""
        valued = self._options_with_values()
        first = _next_word(args, 0, valued)
        if first is None:
            return ["--help"] if set(args) & set(_HELP) else args
        app, rest = args[first], args[:first] + args[first + 1 :]
        second = _next_word(rest, first, valued)
        if second is None:
            return ["--help"] if set(rest) & set(_HELP) else [app, LIST, *rest]
        verb = rest[second]
        if verb not in self.commands:
            verbs = ", ".join(self.commands)
            ctx.fail(f"no verb {verb!r}{did_you_mean(verb, self.commands)}; there are {verbs}")
        return [app, verb, *rest[:second], *rest[second + 1 :]]

    def _options_with_values(self) -> set[str]:
        parameters = [parameter for verb in self.commands.values() for parameter in verb.params]
        options = [each for each in parameters if isinstance(each, click.Option) and not each.is_flag]
        return {name for option in options for name in option.opts}


def noun(name: str) -> Callable[[Callable[..., Any]], Noun]:
    """Declare a noun by a function that does nothing; its docstring is the help."""

    def declare(fn: Callable[..., Any]) -> Noun:
        group = click.group(name, cls=Noun, subcommand_metavar="[VERB] [ARGS]...", epilog=_EPILOG)(
            click.argument("app")(_remember)
        )
        group.help = fn.__doc__
        return group

    return declare


def _remember(app: str) -> None:
    click.get_current_context().obj = app


def _next_word(args: list[str], start: int, valued: set[str]) -> int | None:
    """Where the first argument stands that is neither an option nor an option's value."""
    index = start
    while index < len(args):
        if args[index] == "--":
            return index + 1 if index + 1 < len(args) else None
        if not args[index].startswith("-") or args[index] == "-":
            return index
        index += 2 if args[index] in valued else 1
    return None
