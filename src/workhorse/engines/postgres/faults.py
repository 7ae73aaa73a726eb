"""What the server's and the driver's errors mean: for now (BrokerUnavailable), or as it is (EngineRefused), and what to do about it."""

from typing import Final

import asyncpg

from workhorse.core.errors import BrokerUnavailable, EngineRefused, WorkhorseError
from workhorse.engines.passwords import NotLetIn


class Collision(BrokerUnavailable):
    """Others' locks were taken in another order. Nothing was done, and it can be done again at once."""


_COLLISIONS: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
_RIGHTS: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InvalidPasswordError,
)
_LATER: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.CannotConnectNowError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresIOError,
)
_WIRE: Final = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)


def translated(error: Exception, name: str, schema: str) -> Exception:
    """The error to raise in its place; itself where it is a mistake of ours."""
    if isinstance(error, WorkhorseError):
        return error
    if isinstance(error, _COLLISIONS):
        return Collision(f"{name}: others' locks were in the way ({error}); nothing was done, try again.")
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return EngineRefused(f"{name}: there is no such database ({error}): create it (createdb), or correct the URL.")
    if isinstance(error, asyncpg.UndefinedTableError | asyncpg.UndefinedFunctionError | asyncpg.InvalidSchemaNameError):
        return missing(name, schema, str(error))
    if isinstance(error, _RIGHTS):
        return _forbidden(error, name, schema)
    if isinstance(error, _LATER):
        return away(name, f"{type(error).__name__}: {error}")
    if isinstance(error, _WIRE) and not isinstance(error, asyncpg.DataError):
        return away(name, str(error) or type(error).__name__)
    return error


def away(name: str, why: str) -> BrokerUnavailable:
    """No answer, or one that says: not now."""
    return BrokerUnavailable(f"{name}: expected an answer, got none ({why}). Whether it was done is unknown.")


def missing(name: str, schema: str, why: str) -> EngineRefused:
    """The schema is not there, or not as this version knows it."""
    return EngineRefused(
        f"{name}: expected the tables of schema {schema!r}, got: {why}. Open the engine with migrate=on, "
        f"run `workhorse migrate`, or name another schema with ?prefix=."
    )


def _forbidden(error: Exception, name: str, schema: str) -> EngineRefused:
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return EngineRefused(
            f"{name}: this user may not do that ({error}). Grant it the schema: "
            f"grant usage, create on schema {schema} to USER; grant all on all tables in schema {schema} to USER; "
            f"grant all on all sequences in schema {schema} to USER; or, for the first start, create on the database."
        )
    return NotLetIn(
        f"{name}: the server refused user and password ({error}). Correct them in the URL, in password_file=, in "
        "PGPASSWORD or in ~/.pgpass, or the server's pg_hba.conf."
    )
