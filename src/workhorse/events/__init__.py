"""Names of media types by convention, and what helps with events."""

from workhorse.core.events.media import media_type

__all__ = ["media_type"]
