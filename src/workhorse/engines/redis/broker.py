"""The broker: moves work, each verb one script."""

from workhorse.engines.redis.link import Link


class Broker:
    """As the contract says."""

    def __init__(self, link: Link) -> None:
        self._link = link
