"""How a worker runs the turns of sagas."""
