"""Events: what describes them, what they are named by, and the tasks that subscribe to them."""
