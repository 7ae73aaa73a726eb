"""Names of media types by convention, and what helps with events."""

from workhorse.events.resources import ResourceHandler

__all__ = ["ResourceHandler"]
