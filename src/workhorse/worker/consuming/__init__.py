"""Consuming by hand: messages of a queue for code that is no task, under the same leases, settles and decisions as jobs."""
