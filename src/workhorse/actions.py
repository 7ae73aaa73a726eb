"""Helpers for actions: when to ask for another try, and when to stop asking."""

from workhorse.core.backoff import DoublingBackoff

__all__ = ["DoublingBackoff"]
