"""What others should hear of: queues with new work, facts that changed."""

from collections.abc import Iterable


class News:
    """Told after each verb."""

    def tell(self, queues: Iterable[str] = (), keys: Iterable[str] = ()) -> None:
        """These queues may have work, these facts changed."""

    def wear(self, ended: int) -> None:
        """So many rows are to be pruned one day."""
