"""What a person wants to know of a server: what it is, what a crash would cost, how much is in it; and what is wrong with it."""

from workhorse.engines.redis import checks, schema
from workhorse.engines.redis.link import Link


async def describe(link: Link) -> list[tuple[str, str]]:
    """Facts, each with its name."""
    it = await checks.standing(link)
    limit = f"{it.limit:,}" if it.limit else "unlimited"
    facts = [
        ("engine", link.place.name),
        (it.product, it.version or "of a version that it does not tell"),
        ("schema", f"{link.place.prefix}, version {await schema.version(link)}"),
        ("durability", checks.durability(it)),
        ("memory", f"{it.used:,} bytes of {limit}, {it.policy or 'a policy that it does not tell'}"),
        ("jobs", f"{await link.ask('HLEN', link.key('jobs')):,}"),
        ("facts", f"{await link.ask('HLEN', link.key('facts')):,}"),
    ]
    if it.replicas:
        facts.append(("replicas", f"{it.replicas}; {FAILOVER}"))
    return facts


async def check(link: Link) -> list[tuple[str, str]]:
    """Problems, each with its fix."""
    return checks.problems(await checks.standing(link))


FAILOVER = (
    "replication is asynchronous: a failover may lose what was accepted just before it (min-replicas-to-write and"
    " min-replicas-max-lag bound that)"
)
