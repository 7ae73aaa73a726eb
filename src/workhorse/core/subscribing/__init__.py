"""The tasks that subscribe to events."""
