"""Names of media types by convention, and what helps with events."""

from workhorse.core.events.media import media_type
from workhorse.events.resources import ResourceHandler

__all__ = ["ResourceHandler", "media_type"]
