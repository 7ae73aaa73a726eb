"""Redis, and what speaks as it does: Valkey, an older Redis, a sentinel, a cluster."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from servers import found
from servers.process import HOST, Server, free_port
from waiting import until

MANNERS: Final = {"bind": HOST, "save": "", "daemonize": "no", "logfile": ""}


class Redis(Server):
    """One Redis. `durable`: appendonly with appendfsync always. `config` is its configuration, with _ for -. `kind`: redis, older
    redis or valkey."""

    def __init__(
        self, kind: str = "redis", *, durable: bool = False, clock: bool = False, fast: bool = False, **config: Any
    ) -> None:
        self.program = found.program(kind)
        super().__init__(clock=clock, fast=fast)
        self.config = {**MANNERS, "port": self.port, "dir": self.folder, **(DURABLE if durable else {}), **config}

    def command(self) -> list[str]:
        words = [
            word for name, value in self.config.items() for word in (f"--{name.replace('_', '-')}", *_words(value))
        ]
        return [str(self.program), *words]

    def up(self) -> bool:
        try:
            return bool(self.call("PING"))
        except redis.AuthenticationError:
            return True
        except redis.RedisError:
            return False

    def url(self, **query: object) -> str:
        """With these options; the password, if it asks for one."""
        secret = f":{self.config['requirepass']}@" if "requirepass" in self.config else ""
        options = "&".join(f"{name}={value}" for name, value in query.items())
        return f"redis://{secret}{self.address}/0" + (f"?{options}" if options else "")

    def call(self, *words: Any, seconds: float = 10) -> Any:
        """The answer to one command, asked beside any engine, over a connection of its own."""
        with _client(self.port, self.config.get("requirepass"), seconds) as client:
            return client.execute_command(*words)

    def info(self, field: str) -> Any:
        """What it says of itself."""
        return self.call("INFO")[field]

    def now(self) -> float:
        """Its time."""
        seconds, micros = self.call("TIME")
        return float(seconds) + float(micros) / 1e6

    def scripted_now(self) -> float:
        """The time by which a script goes: the server may keep it from one turn of its loop to the next."""
        seconds, micros = self.call("EVAL", "return redis.call('TIME')", 0)
        return float(seconds) + float(micros) / 1e6

    def move(self, seconds: float) -> None:
        """Move the clock forward, and wait until scripts go by it."""
        before = self.scripted_now()
        self.clock.move(seconds)
        until(lambda: self.scripted_now() >= before + seconds - 0.001)

    def jump(self, seconds: float) -> None:
        """Expiry goes by a time that it keeps for a moment: this waits until that one has followed."""
        self.call("SET", "clock", 1, "EX", 10**9)
        before = self.call("PTTL", "clock")
        super().jump(seconds)
        until(lambda: abs(before - self.call("PTTL", "clock") - seconds * 1000) < abs(seconds) * 500)
        self.call("DEL", "clock")


ONCE: Final = Retry(NoBackoff(), 0)
DURABLE: Final = {"appendonly": "yes", "appendfsync": "always"}


class Sentinel(Redis):
    """Watches a master by the name `workhorse`, alone: its own word is enough."""

    def __init__(self, master: Redis, kind: str = "redis", *, down_after: float = 1) -> None:
        super().__init__(kind)
        self._file = self.folder / "sentinel.conf"
        self._file.write_text(
            f"port {self.port}\nbind {HOST}\ndir {self.folder}\n"
            f"sentinel monitor workhorse {HOST} {master.port} 1\n"
            f"sentinel down-after-milliseconds workhorse {down_after * 1000:.0f}\n"
            "sentinel failover-timeout workhorse 5000\n"
        )

    def command(self) -> list[str]:
        return [str(self.program), str(self._file), "--sentinel"]


@contextmanager
def cluster(kind: str = "redis", nodes: int = 3, **config: Any) -> Iterator[list[Redis]]:
    """So many masters that share all slots; they know each other."""
    with ExitStack() as stack:
        made = [
            stack.enter_context(
                Redis(kind, cluster_enabled="yes", cluster_port=free_port(), cluster_node_timeout=2000, **config)
            )
            for _ in range(nodes)
        ]
        bounds = [16384 * node // nodes for node in range(nodes + 1)]
        for node, first, end in zip(made, bounds, bounds[1:], strict=False):
            node.call("CLUSTER", "ADDSLOTS", *range(first, end))
            for other in made:
                node.call("CLUSTER", "MEET", HOST, other.port, other.config["cluster_port"])
        until(lambda: all(_knows(node, nodes) for node in made))
        yield made


@lru_cache
def _client(port: int, password: str | None, seconds: float) -> "redis.Redis":
    """Once closed, it connects anew: to make one takes more than most commands."""
    return redis.Redis(HOST, port, password=password, socket_timeout=seconds, decode_responses=True, retry=ONCE)


def _knows(node: Redis, nodes: int) -> bool:
    info = node.call("CLUSTER", "INFO")
    told = info if isinstance(info, dict) else dict(line.split(":") for line in info.split())
    return told["cluster_state"] == "ok" and int(told["cluster_known_nodes"]) == nodes


def _words(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)]
