"""The front door: the only room that knows everybody. It wires, and does no work itself."""

from workhorse.app.front import Workhorse

__all__ = ["Workhorse"]
