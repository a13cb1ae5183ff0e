"""A connection to the gradebook's database: whole transactions, one grader at a time, patience with a busy server."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import unquote

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from autograder.errors import GradebookError
from autograder.schema import Tables, open_tables

T = TypeVar("T")
RETRIES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # seconds: a server that restarts, a lock that somebody holds
FINAL = ("full", "unable to open", "disk I/O error", "readonly")  # that pass by no waiting
QUICK = 2  # of these tries, where no connection was ever made: an address is wrong more often than a server restarts
CONNECT_SECONDS = 10  # that libpq waits for a host; by default it waits for minutes
LOCK = "hashtext('autograder ' || current_database())"


class Database:
    """For one thread. Raises GradebookError and nothing else."""

    def __init__(self, url: str) -> None:
        parts = address(url)
        try:
            self.engine = sa.create_engine(parts, pool_pre_ping=True, connect_args=_connect_arguments(parts))
        except (sa.exc.ArgumentError, ImportError, ValueError) as error:
            raise GradebookError(f"{url!r} is not the address of a database that can be used: {error}.") from None
        self.name = unquote(self.engine.url.render_as_string(hide_password=True))
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self.patient = True  # waits for a server that restarts and for locks
        self._reached = False  # whether a connection was ever made
        self._file: tuple[int, int] | None = None
        sa.event.listen(self.engine, "connect", self._on_connect)
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _on_sqlite_connect)
            sa.event.listen(self.engine, "begin", _on_sqlite_begin)
        self._locked = False
        self._server_lock: sa.Connection | None = None
        try:
            self.tables: Tables = self.transact(open_tables)
        except BaseException:
            self.engine.dispose()
            raise
        self._file = self._identity()

    def close(self) -> None:
        """Close all connections, and let the next grader in."""
        if self._server_lock is not None:
            with suppress(sa.exc.SQLAlchemyError):
                # A server notices late that a connection was closed; the next grader may come at once.
                self._server_lock.execute(sa.text(f"SELECT pg_advisory_unlock({LOCK})"))
                self._server_lock.close()
        self.engine.dispose()

    def _tables(self, *names: str) -> tuple[sa.Table, ...]:
        return tuple(self.tables[name] for name in names)

    def transact(self, action: Callable[[sa.Connection], T]) -> T:
        """The action's result; what it wrote is there whole, or not at all."""

        def attempt() -> T:
            with uninterrupted():
                if self._locked:
                    self._hold_lock()
                with self.engine.begin() as connection:
                    return action(connection)

        result = self._retry(attempt)
        if self._file is not None and self._identity() != self._file:
            raise GradebookError(
                f"The gradebook {self.name} was moved, replaced or deleted while it was in use, and what was written "
                "since is not in the file that is there now; run the command again, which grades what is missing."
            )
        return result

    def _put(
        self,
        connection: sa.Connection,
        table: str,
        rows: list[dict[str, Any]],
        unique: Sequence[str] = ("id",),
        update: Sequence[str] = (),
    ) -> None:
        """Insert rows; where one with the same unique columns is there, set its ``update`` columns."""
        if not rows:
            return
        query: Any = (sqlite.insert if self.is_sqlite else postgresql.insert)(self.tables[table])
        if update:
            values = {name: query.excluded[name] for name in update}
            if "needs_manual_grade" in values:  # nbgrader has a person look at a manual score again
                manual = self.tables[table].c.manual_score.is_not(None)
                values["needs_manual_grade"] = sa.or_(manual, query.excluded.needs_manual_grade)
            query = query.on_conflict_do_update(index_elements=unique, set_=values)
        else:
            query = query.on_conflict_do_nothing(index_elements=unique)
        connection.execute(query, rows)

    def _identity(self) -> tuple[int, int] | None:
        """Which file the database is; what is written to a deleted one is lost without an error."""
        if not self.is_sqlite or not self.engine.url.database:
            return None
        try:
            found = os.stat(self.engine.url.database)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def lock(self) -> None:
        """Keep other graders off a server's database until close; for a file, guard.only_grader does that."""
        if not self.is_sqlite:
            self._retry(self._hold_lock)
            self._locked = True

    def _retry(self, action: Callable[[], T]) -> T:
        """The action's result, tried again while a server restarts or a lock is held."""
        for number, wait in enumerate((*(RETRIES if self.patient else ()), None)):
            try:
                return action()
            except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
                reason = str(getattr(error, "orig", None) or error).splitlines()[0]
                passing = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)
                passing = passing and (self._reached or number < QUICK) and not any(each in reason for each in FINAL)
                if wait is None or not passing:
                    kept = "What was graded so far is kept; run the command again once this is put right."
                    address = "Nothing was done; name a gradebook that is there, by --db or c.CourseDirectory.db_url."
                    raise GradebookError(
                        f"The gradebook {self.name} cannot be used: {reason}. {kept if self._reached else address}"
                    ) from None
                if number == QUICK:
                    note = f"the database does not answer ({reason}); trying for another minute"
                    print(f"autograder: {note}", file=sys.stderr, flush=True)
                time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _on_connect(self, *_: Any) -> None:
        self._reached = True

    def _hold_lock(self) -> None:
        """Take the server's lock, or see that it is still there: a server that restarts forgets it."""
        if self._server_lock is not None:
            try:
                self._server_lock.execute(sa.text("SELECT 1"))
                return
            except sa.exc.SQLAlchemyError:
                self._server_lock.invalidate()
                self._server_lock = None
        self._server_lock = self._lock_server()

    def _lock_server(self) -> sa.Connection:
        """A connection that holds this database's lock for as long as it is open."""
        connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        query = sa.text(f"SELECT pg_try_advisory_lock({LOCK})")
        if not connection.execute(query).scalar():
            connection.close()
            raise GradebookError(f"Another grader is at work on {self.name}; wait until it is through.")
        return connection


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back until the block is through; a second one goes through at once.

    An exception between two lines of SQLAlchemy can leave a connection open with the write lock in its hand, or be
    taken for an error of the database.
    """
    main = threading.current_thread() is threading.main_thread()
    numbers: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM) if main else ()
    handlers = {number: handler for number in numbers if callable(handler := signal.getsignal(number))}
    came: list[int] = []

    def hold(number: int, _frame: Any) -> None:
        came.append(number)
        signal.signal(number, handlers[number])

    for number in handlers:
        signal.signal(number, hold)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for each in came:
            signal.raise_signal(each)


def address(url: str) -> sa.URL:
    """The parts of a database's address; raises GradebookError where it is none.

    >>> address("sqlite:///gradebook.db?timeout=20").database
    'gradebook.db'
    """
    try:
        return sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # of a port that is no number
        raise GradebookError(
            f"{url!r} is not the address of a database; one is sqlite:///gradebook.db, another "
            "postgresql+psycopg://user@host:5432/name."
        ) from None


def _connect_arguments(parts: sa.URL) -> dict[str, Any]:
    """What the driver is told beside the address."""
    own = parts.drivername in ("postgresql", "postgresql+psycopg2", "postgresql+psycopg")
    return {"connect_timeout": CONNECT_SECONDS} if own and "connect_timeout" not in parts.query else {}


def _on_sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun below
    connection.execute("PRAGMA busy_timeout = 1000")  # milliseconds that Ctrl-C has to wait
    with suppress(sqlite3.OperationalError):  # not every file system can do it
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def _on_sqlite_begin(connection: sa.Connection) -> None:
    # The write lock is taken first: a transaction waits for it, and never fails half-way.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
