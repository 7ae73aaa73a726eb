"""The spool: what could not be enqueued because the engine is away waits on the local disk, and is sent on later, in its order."""
