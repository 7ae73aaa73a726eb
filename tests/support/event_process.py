"""Subscribers that run in processes of their own, which import this module by name; where its work is, the environment says."""

from shops import Paid, Placed, shop

app = shop("sqlite:///jobs.db", max_hops=4)


@app.on(Placed, run_in="process", filter=lambda order: order.order_id != 2)
def ping(order: Placed) -> bool:
    """Publishes, from where no Context is."""
    app.run(app.publish(Paid(order.order_id)))
    return order.order_id != 3


@app.on(Paid, run_in="process")
def pong(paid: Paid) -> None:
    """The same, back."""
    app.run(app.publish(Placed(paid.order_id)))
