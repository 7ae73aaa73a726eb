"""`?slots=queue`: each queue's keys in a slot of their own, so that a cluster's nodes share the queues of one app."""
