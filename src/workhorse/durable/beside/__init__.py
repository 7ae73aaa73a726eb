"""An engine whose facts stand beside its jobs, in another engine's store, or nowhere: what `store=` names."""

from workhorse.durable.beside.engine import Beside

__all__ = ["Beside"]
