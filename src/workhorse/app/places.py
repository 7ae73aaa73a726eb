"""Where an app's work and its facts are kept: what `url` and `store` name, as one engine."""

from workhorse.app import urls
from workhorse.core.contract import Engine
from workhorse.durable.beside import Beside
from workhorse.engines import open_engine


class Places:
    """A URL, and perhaps another for the facts. DeclarationError for what no engine takes: here, not at the first job."""

    def __init__(self, url: str, store: str | None = None) -> None:
        self.url, self.store = url, store if store != url else None
        for each in self.urls:
            urls.check(each)

    @property
    def urls(self) -> list[str]:
        """All that name an engine."""
        return [self.url] if self.store in (None, urls.NONE) else [self.url, self.store]

    def engine(self) -> Engine:
        """Both as one, not yet open."""
        engine = open_engine(self.url)
        if self.store is None:
            return engine
        return Beside(engine, None if self.store == urls.NONE else open_engine(self.store))

    def apart(self) -> list[tuple[str, Engine]]:
        """Each by itself with its URL, not yet open."""
        return [(url, open_engine(url)) for url in self.urls]

    def work(self) -> Engine:
        """The first alone, not yet open: for who writes no facts."""
        return open_engine(self.url)
