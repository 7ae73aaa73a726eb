"""The broker: moves work, each verb one statement."""

from workhorse.engines.postgres.link import Link
from workhorse.engines.postgres.news import News


class Broker:
    """As the contract says."""

    def __init__(self, link: Link, news: News) -> None:
        self._link, self._news = link, news
