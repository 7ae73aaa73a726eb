"""The log's own listener: every line of the library that tells of work is written here."""

import logging
from datetime import UTC, datetime

from workhorse.core import ids
from workhorse.core import trail as trails
from workhorse.core.contract import Cancelled, Dead, Envelope, Released, Retried
from workhorse.core.happenings import (
    BrokerBack,
    BrokerLost,
    Forwarded,
    ForwardRefused,
    JobEnded,
    JobLost,
    JobSucceeded,
    LoopBlocked,
    ProcessDied,
    Spooled,
    ThreadAbandoned,
    TickRefused,
    TicksMissed,
    WorkerStarted,
    WorkerStopped,
    WorkerStopping,
)
from workhorse.core.instrument import Bus

log = logging.getLogger("workhorse")
log.addHandler(logging.NullHandler())


def listen(bus: Bus) -> None:
    """Write what the bus tells to the logger `workhorse`, structured fields in `extra`."""
    bus.listen(Spooled, _spooled)
    bus.listen(Forwarded, _forwarded)
    bus.listen(ForwardRefused, _forward_refused)
    bus.listen(WorkerStarted, _worker_started)
    bus.listen(WorkerStopping, _worker_stopping)
    bus.listen(WorkerStopped, _worker_stopped)
    bus.listen(JobEnded, _job_ended)
    bus.listen(JobLost, _job_lost)
    bus.listen(TicksMissed, _ticks_missed)
    bus.listen(TickRefused, _tick_refused)
    bus.listen(LoopBlocked, _loop_blocked)
    bus.listen(ThreadAbandoned, _thread_abandoned)
    bus.listen(BrokerLost, _broker_lost)
    bus.listen(BrokerBack, _broker_back)
    bus.listen(ProcessDied, _process_died)
    if log.isEnabledFor(logging.DEBUG):
        bus.listen(JobSucceeded, _job_succeeded)  # a line a job costs as much as the job: only where it was asked for


def _spooled(it: Spooled) -> None:
    if it.why:  # the first; those behind it are many
        log.warning(
            "the engine does not answer (%s): jobs go to the spool until it does", it.why, extra={"jobs": it.jobs}
        )
    else:
        log.debug("%d jobs go to the spool, behind those that wait there", it.jobs, extra={"jobs": it.jobs})


def _forwarded(it: Forwarded) -> None:
    fields = {"jobs": it.jobs, "seconds": round(it.seconds, 6)}
    log.info("%d jobs of the spool are at the engine", it.jobs, extra=fields)


def _forward_refused(it: ForwardRefused) -> None:
    log.error("%s %s of the spool was not accepted: %s; it is put aside there", it.task, it.job, it.why)


def _worker_started(it: WorkerStarted) -> None:
    log.info("worker %s runs %d at once from %s", it.worker, it.concurrency, ", ".join(it.queues))
    for wanted, task, queue in it.serves:
        log.info("worker %s serves %s with %s, from %s", it.worker, wanted, task, queue)


def _worker_stopping(it: WorkerStopping) -> None:
    log.info("worker %s stops; %d running jobs have %g s", it.worker, it.running, it.grace)


def _worker_stopped(it: WorkerStopped) -> None:
    log.info("worker %s stopped after %.1f s", it.worker, it.seconds)


def _fields(job: Envelope, seconds: float) -> dict[str, object]:
    fields: dict[str, object] = {"job": job.id, "task": job.task, "attempt": job.attempt, "seconds": round(seconds, 6)}
    if ids.is_copy(job.id):  # of an event: the task is its media type, and many serve it
        fields["queue"] = job.queue
    return fields


def _job_ended(it: JobEnded) -> None:
    outcome = it.outcome
    job = outcome.claim.job
    fields = _fields(job, it.seconds)
    if isinstance(outcome, Dead):
        log.error("%s %s is dead: %s", job.task, job.id, outcome.reason, extra=fields)
    elif isinstance(outcome, Retried):
        log.warning(
            "%s %s failed at attempt %d, again in %.3g s: %s",
            job.task, job.id, job.attempt, outcome.after, it.error, extra=fields,
        )  # fmt: skip
    elif isinstance(outcome, Released):
        log.info("%s %s handed back for %.3g s %s", job.task, job.id, outcome.after, it.error, extra=fields)
    elif isinstance(outcome, Cancelled):
        log.info("%s %s cancelled", job.task, job.id, extra=fields)


def _job_succeeded(it: JobSucceeded) -> None:
    job = it.outcome.claim.job
    note = trails.load(it.outcome.trail or b"").note
    how = f"skipped ({note})" if note else "succeeded"
    log.debug("%s %s %s in %.3g s", job.task, job.id, how, it.seconds, extra=_fields(job, it.seconds))


def _job_lost(it: JobLost) -> None:
    job = it.claim.job
    log.warning("%s %s is not ours any more (%s): its outcome is dropped", job.task, job.id, it.why)


def _ticks_missed(it: TicksMissed) -> None:
    first, last = (datetime.fromtimestamp(moment, UTC).isoformat() for moment in (it.first, it.last))
    log.warning(
        "schedule %s: nobody was there for its ticks from %s to %s: they are skipped; catch_up= makes up for some",
        it.schedule, first, last,
    )  # fmt: skip


def _tick_refused(it: TickRefused) -> None:
    log.error("%s %s was not accepted: %s; the schedule goes on", it.task, it.job, it.why)


def _loop_blocked(it: LoopBlocked) -> None:
    log.warning(
        "the event loop has not turned for %.1f s: task %s (job %s) blocks it; make it a plain `def`, which runs in a thread\n%s",
        it.seconds, it.task or "?", it.job or "?", it.stack,
    )  # fmt: skip


def _thread_abandoned(it: ThreadAbandoned) -> None:
    log.error(
        "%s %s is %s, and a thread cannot be stopped: its slot is lost until it ends (%d lost now); look at ctx.cancelled "
        "in the task, or use run_in='process', which is killed",
        it.task, it.job, it.why, it.slots,
    )  # fmt: skip


def _broker_lost(it: BrokerLost) -> None:
    log.warning("the engine does not answer (%s): %s; trying again", it.doing, it.error)


def _broker_back(it: BrokerBack) -> None:
    log.info("the engine answers again after %.1f s", it.seconds)


def _process_died(it: ProcessDied) -> None:
    log.error("worker process %d ended with %d; another starts in %.1f s", it.pid, it.code, it.restart)
