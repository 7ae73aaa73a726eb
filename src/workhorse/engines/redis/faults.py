"""What a server's errors mean: for now (BrokerUnavailable), or as it is (EngineRefused), and what to do about it."""

from typing import Final

from workhorse.core.errors import BrokerUnavailable, EngineRefused, WorkhorseError
from workhorse.engines.passwords import NotLetIn

_FOR_NOW: Final = {
    "LOADING": "it is loading its data; it answers when that is done",
    "READONLY": "it is a replica, which takes no writes: a failover may be under way, or the URL names a replica",
    "MASTERDOWN": "it has lost its master; a failover may be under way",
    "CLUSTERDOWN": "its cluster is not complete; a failover may be under way",
    "TRYAGAIN": "its cluster is moving our slot to another node",
    "BUSY": "it is busy with somebody's script",
    "NOREPLICAS": "too few of its replicas are in step with it for it to take writes",
    "MISCONF": "it cannot write its snapshot to disk and so takes no writes; see its log, and free some room on its disk",
    "UNBLOCKED": "it let go of our call: a failover may be under way",
    "OOM": (
        "its memory is full, so it takes nothing new; what was accepted is intact, and workers go on. Give it more (maxmemory), let it keep"
        " ended jobs for less long (?retain=), or let workers catch up, and try again"
    ),
}
_NOT_LET_IN: Final = {
    "NOAUTH": "it wants a password: redis://USER:PASSWORD@HOST, or ?password_file=PATH",
    "WRONGPASS": "it refused the user or the password: look at both in the URL, or in ?password_file=",
}
_FORBIDDEN: Final = (
    "its user may not do that: grant the commands and the keys (ACL SETUSER NAME on +@all ~{PREFIX}:*), "
    "or name another user"
)


def translated(error: Exception, name: str) -> Exception:
    """The error to raise in its place; itself where it is a mistake of ours."""
    text = str(error)
    code = text.partition(" ")[0]
    if code in _FOR_NOW:
        return BrokerUnavailable(f"{name}: {_FOR_NOW[code]} ({text}).")
    if "maxmemory" in text and "OOM" in text:
        return BrokerUnavailable(f"{name}: {_FOR_NOW['OOM']} ({text}).")
    if code in _NOT_LET_IN:
        return NotLetIn(f"{name}: {_NOT_LET_IN[code]} ({text}).")
    if code == "NOPERM":
        return EngineRefused(f"{name}: {_FORBIDDEN} ({text}).")
    if "max number of clients" in text:
        return BrokerUnavailable(f"{name}: it has as many clients as it may (maxclients); try again ({text}).")
    return error


def lost(name: str, why: object) -> WorkhorseError:
    """The connection broke, or never came about."""
    return BrokerUnavailable(f"{name}: no connection ({why}); is the server up, and is the address right?")


def foreign(name: str, why: object) -> WorkhorseError:
    """What answers there is no Redis."""
    return EngineRefused(
        f"{name}: expected a Redis server, got something that speaks otherwise ({why}); look at the address and the port."
    )


def silent(name: str, seconds: float) -> WorkhorseError:
    """No answer in time."""
    return BrokerUnavailable(
        f"{name}: no answer within {seconds:g} s; the server or the way to it is stuck. Raise ?timeout= if it may be slower."
    )
