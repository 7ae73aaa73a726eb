"""Options, said wrong: both checkers reject each line marked `# E:`, and no other."""

from datetime import timedelta

from workhorse import Exponential, Fixed, Limit, Linear, Priority, Retry, Unique, Workhorse

app = Workhorse()


@app.task
async def resize(path: str) -> str:
    return path


resize.options(dealy=3)  # E: no such option
resize.options(delay="3")  # E: a number or a timedelta
resize.options(at=3)  # E: a datetime
resize.options(at="tomorrow")  # E: a datetime
resize.options(priority="high")  # E: a Priority
resize.options(run_in="process")  # E: of the task, not of one job
resize.options(name="other")  # E: of the task, not of one job
resize.options(retry=3)  # E: a Retry
resize.options(id=3)  # E: text
resize.options(headers={"a": 1})  # E: text
resize.options(max_crashes="3")  # E: a number
resize.options(result_ttl=None)  # E: a number or a timedelta; 0 keeps none
resize.options(timeout="1m")  # E: a number or a timedelta
resize.options(Priority.HIGH)  # E: by name
resize.options(connection=object())  # E: not built
resize.options(unique=("path",))  # E: a Unique
resize.options(unique=True)  # E: a Unique
resize.options(limit=5)  # E: a Limit
resize.options(limit="100/min")  # E: a Limit
resize.options(ordered_by=("path",))  # E: text
resize.options(on_dead=resize)  # E: not built


@app.task(schedule="0 4 * * *")  # E: not built
def nightly() -> None: ...


@app.task(batch=100)  # E: not built
def hundred(docs: list[str]) -> None: ...


@app.task(delay=timedelta(seconds=3))  # E: of one job, not of a task
def delayed() -> None: ...


Retry(3, 0.1)  # E: Fixed(0.1)
Retry(3, on=ValueError)  # E: a tuple
Retry(3, on=(KeyboardInterrupt,))  # E: an Exception
Retry(3, Fixed(1), 0.5)  # E: jitter is named
Retry(3, lambda: 3)  # E: it gets the retry's number
Retry(3, lambda retry: str(retry))  # E: seconds or a timedelta
Fixed("1")  # E: a number or a timedelta
Linear(steps=1)  # E: no such parameter
Exponential(factor="2")  # E: a number

Unique("path")  # E: by keyword
Unique(by="path")  # E: a tuple of names
Unique(by=(1,))  # E: names
Unique(within="1h")  # E: a number or a timedelta
Unique(while_="waiting")  # E: queued, running or finished
Unique(on_conflict="ignore")  # E: skip, replace or raise
Limit(5)  # E: by keyword
Limit(concurrency="5")  # E: a number
Limit(rate=100)  # E: text
Limit(key=("to",))  # E: text
