"""The jobs of a saga that are no turns: a signal, a cancel, the one that forgets it. Each puts or deletes facts."""

from workhorse.core.contract import Claim, Dead, Outcome, Put, Store, Succeeded
from workhorse.core.errand import Errand
from workhorse.durable.sagas import head, jobs, keys, signals
from workhorse.durable.sagas.jobs import Address


async def run(store: Store, claim: Claim, errand: Errand) -> Outcome:
    """What comes of it."""
    if errand.kind == "prune":
        await forget(store, errand.saga, errand.born)
        return Succeeded(claim)
    (found,) = await store.get([keys.head(errand.saga)])
    its = None if found is None else head.load(found[0])
    if its is not None and its.over:
        return Succeeded(claim)
    job = claim.job
    to = Address(errand.saga, "" if its is None else its.born, job.task, job.queue, job.priority, dict(job.headers))
    if errand.kind == "cancel":
        return Succeeded(claim, [Put(keys.cancel(errand.saga), b"{}")], [jobs.turn(to, what="cancel")])
    return await _signal(store, claim, errand, to)


async def _signal(store: Store, claim: Claim, errand: Errand, to: Address) -> Outcome:
    if why := await signals.full(store, errand.saga):
        return Dead(claim, reason=why)
    signal = claim.job.id.rpartition("~")[2]
    key = f"{keys.signals(errand.saga, errand.name)}{signal}"
    return Succeeded(claim, [Put(key, bytes(errand.value))], [jobs.turn(to, what=signal)])


async def forget(store: Store, id: str, born: str) -> None:
    """All facts of a saga that has ended. The head goes last: as long as it stands, nobody takes what is left for a saga that
    lives. By their versions, so that a pruner that wakes late takes nothing from the next saga of this id."""
    (found,) = await store.get([keys.head(id)])
    its = None if found is None else head.load(found[0])
    if found is None or its is None or not its.over or its.born != born:
        return
    for prefix in (keys.journal(id), keys.signals(id), keys.calls(id)):
        while page := await store.scan(prefix):
            await store.delete({key: version for key, _, version in page})
    await store.delete({keys.cancel(id): None})
    await store.delete({keys.head(id): found[1]})
