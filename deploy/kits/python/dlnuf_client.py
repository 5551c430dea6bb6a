"""Follows the persons a dlnuf subscription tells about, from its RabbitMQ queue.

Events come in at least once and in order per person. Each is read (`parse`), judged (`decide`, pure), written with its sequence in one
transaction, and only then acknowledged. What comes again is dropped, what is missing is told, what cannot be read goes to the dead letters.
No value of a person is ever logged.
"""

from __future__ import annotations

import collections
import contextlib
import json
import logging
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import pika
import pika.exceptions

LOG = logging.getLogger("dlnuf")

# ---------------------------------------------------------------- the event


class Poison(Exception):
    """What will never be handled, however often it comes: the message goes to the dead letters. Its text bears no value."""


@dataclass(frozen=True)
class Event:
    """What the rule needs of a CloudEvent. `kind`: start, change, erase, reading, gone, end or ignore."""

    kind: str
    person: str = ""
    sequence: int = 0
    values: dict[str, Any] | None = None
    snapshot: str | None = None
    persons: int = 0
    cloudevent: dict[str, Any] | None = None


_KINDS = {
    "personne.creee": "start",
    "personne.entree": "start",
    "personne.modifiee": "change",
    "personne.scindee": "change",
    "personne.sortie": "erase",
    "personne.fusionnee": "erase",
    "personne.etat": "reading",
    "instantane.termine": "end",
}
# Every verb of these, also one added later, tells changes in the same form.
_FAMILIES = {"droit", "inscription", "orientation", "engagement"}


def _kind(type_: str) -> str:
    prefix, _, name = type_.partition("fr.dlnuf.")
    if prefix or not name:
        return "ignore"
    return _KINDS.get(name) or ("change" if name.partition(".")[0] in _FAMILIES else "ignore")


def parse(body: bytes) -> Event:
    """Reads a message's body; raises Poison where it is none of ours."""
    try:
        event = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Poison("unreadable JSON") from None  # the cause quotes the body
    _expect(isinstance(event, dict) and event.get("specversion") == "1.0", "unknown specversion")
    _expect(isinstance(event.get("type"), str), "no type")
    kind = _kind(event["type"])
    if kind == "ignore":
        return Event(kind, cloudevent=event)
    data = event.get("data")
    _expect(isinstance(data, dict), "no data")
    if kind == "end":
        return _parse_end(event, data.get("instantane"))
    # Printable ASCII without blanks: it is written in logs.
    _expect(isinstance(event.get("subject"), str) and re.fullmatch(r"[!-~]{1,200}", event["subject"]), "no subject")
    _expect(isinstance(event.get("sequence"), str) and re.fullmatch(r"[0-9]{1,15}", event["sequence"]), "no sequence")
    if kind == "erase" and isinstance(data.get("instantane"), str):
        kind = "gone"  # told to this subscriber alone, at the sequence others go on from
    snapshot = data.get("instantane") if kind == "reading" else None
    _expect(snapshot is None or isinstance(snapshot, str), "no snapshot")
    return Event(kind, event["subject"], int(event["sequence"]), _values(data.get("changements", [])), snapshot, cloudevent=event)


def _parse_end(event: dict[str, Any], snapshot: Any) -> Event:
    _expect(isinstance(snapshot, dict) and isinstance(snapshot.get("id"), str), "no snapshot")
    persons = snapshot.get("personnes")
    _expect(type(persons) is int and persons >= 0, "no number of persons")
    return Event("end", snapshot=snapshot["id"], persons=persons, cloudevent=event)


def _values(changes: Any) -> dict[str, Any]:
    _expect(isinstance(changes, list), "no list of changes")
    _expect(all(isinstance(c, dict) and isinstance(c.get("champ"), str) for c in changes), "a change without field")
    return {change["champ"]: change.get("apres") for change in changes}


def _expect(true: object, otherwise: str) -> None:
    if not true:
        raise Poison(otherwise)


def _no_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are no JSON")


# ---------------------------------------------------------------- the rule


@dataclass(frozen=True)
class Person:
    """What is held of a person. `state` None: erased; the sequence stays, lest a repeat bring the person back."""

    last: int
    state: dict[str, Any] | None


@dataclass(frozen=True)
class Snapshot:
    """How many persons of a snapshot were read so far, and whether its end was seen."""

    read: int = 0
    ended: bool = False


@dataclass(frozen=True)
class Gap:
    """Something is missing: of a person, whose repair is to be asked for, or of a snapshot, which is to be asked for again."""

    person: str | None = None
    last: int | None = None
    sequence: int | None = None
    snapshot: str | None = None
    read: int | None = None
    persons: int | None = None


@dataclass(frozen=True)
class Decision:
    """What to do: `verdict` is apply, drop, erase, end or ignore; the rest is what to write and to tell."""

    verdict: str
    person: str | None = None
    write: Person | None = None
    changed: tuple[str, ...] = ()
    gap: Gap | None = None
    reading_of: str | None = None  # the open snapshot this person was read for, also when the reading itself is dropped
    ends: str | None = None
    sweep: bool = False  # erase whom the ended snapshot did not see


def decide(event: Event, known: Person | None, snapshot: Snapshot | None, complete: bool = True) -> Decision:
    """The rule. `known` is the event's person as held, `snapshot` the event's snapshot; pure, the same in every kit (cases.json)."""
    if event.kind == "ignore":
        return Decision("ignore")
    if event.kind == "end":
        return _decide_end(event, snapshot or Snapshot())
    last = known.last if known else None
    reading = event.kind in ("reading", "gone")
    reading_of = event.snapshot if not (snapshot and snapshot.ended) else None
    # A reading at the last sequence is no repeat: it is how a gap is repaired.
    if last is not None and (event.sequence < last or (event.sequence == last and not reading)):
        return Decision("drop", event.person, reading_of=reading_of)
    held = (known.state if known else None) or {}
    state = _next_state(event, held)
    changed = tuple(sorted(name for name in held.keys() | (state or {}).keys() if held.get(name) != (state or {}).get(name)))
    verdict = "erase" if state is None else "apply"
    return Decision(verdict, event.person, Person(event.sequence, state), changed, _gap(event, known, complete), reading_of)


def _next_state(event: Event, held: dict[str, Any]) -> dict[str, Any] | None:
    if event.kind in ("erase", "gone"):
        return None
    before = held if event.kind == "change" else {}  # a start and a reading tell all there is
    return {name: value for name, value in {**before, **event.values}.items() if value is not None}


def _gap(event: Event, known: Person | None, complete: bool) -> Gap | None:
    # Who did not ask for every family of events sees sequences missing all the time.
    if not complete or event.kind in ("start", "reading", "gone"):
        return None
    if known and known.state is not None and event.sequence == known.last + 1:
        return None
    return Gap(event.person, known.last if known else None, event.sequence)


def _decide_end(event: Event, snapshot: Snapshot) -> Decision:
    if snapshot.ended:
        return Decision("drop")
    # Erasing cannot be undone: with a reading missing, nobody is erased, and another snapshot is to be asked for.
    if snapshot.read < event.persons:
        gap = Gap(snapshot=event.snapshot, read=snapshot.read, persons=event.persons)
        return Decision("end", gap=gap, ends=event.snapshot)
    return Decision("end", ends=event.snapshot, sweep=True)


# ---------------------------------------------------------------- the store


class Store(Protocol):
    """Where persons and sequences are kept. What `write` did is there after `transaction` ends well, all of it, or none when it raises."""

    def transaction(self) -> contextlib.AbstractContextManager[None]: ...
    def person(self, person: str) -> Person | None: ...
    def snapshot(self, snapshot: str) -> Snapshot | None: ...
    def unseen(self, snapshot: str) -> list[str]:
        """The persons held who were neither read for this open snapshot nor told about since its first reading, sorted."""

    def write(self, decision: Decision) -> None: ...


class SqliteStore:
    """A Store in one SQLite file. `connection` may be used in `on_change`: what is written there is in the same transaction."""

    def __init__(self, path: str) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        # FULL: what was acknowledged must outlive a power cut; NORMAL loses it in WAL mode.
        self.connection.executescript(
            """pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 10000;
            create table if not exists persons (id text primary key, last integer not null, state text) without rowid;
            create table if not exists snapshots (id text primary key, ended integer not null) without rowid;
            create table if not exists seen (snapshot text, person text, read integer not null, primary key (snapshot, person)) without rowid;"""
        )

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        self.connection.execute("begin immediate")
        try:
            yield
            self.connection.execute("commit")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("rollback")
            raise

    def person(self, person: str) -> Person | None:
        row = self._row("select last, state from persons where id = ?", person)
        return row and Person(row[0], row[1] and json.loads(row[1]))

    def snapshot(self, snapshot: str) -> Snapshot | None:
        row = self._row("select ended, (select count(*) from seen where snapshot = id and read) from snapshots where id = ?", snapshot)
        return row and Snapshot(row[1], bool(row[0]))

    def unseen(self, snapshot: str) -> list[str]:
        rows = self.connection.execute(
            """select id from persons where state is not null
            and id not in (select person from seen where snapshot = ?) order by id""",
            (snapshot,),
        )
        return [row[0] for row in rows]

    def write(self, decision: Decision) -> None:
        run = self.connection.execute
        if decision.reading_of:
            run("insert or ignore into snapshots values (?, 0)", (decision.reading_of,))
            run("insert or replace into seen values (?, ?, 1)", (decision.reading_of, decision.person))
        if decision.write:
            state = None if decision.write.state is None else json.dumps(decision.write.state)
            run("insert or replace into persons values (?, ?, ?)", (decision.person, decision.write.last, state))
            run("insert or ignore into seen select id, ?, 0 from snapshots where not ended", (decision.person,))
        if decision.sweep:
            run("update persons set state = null where id not in (select person from seen where snapshot = ?)", (decision.ends,))
        if decision.ends:
            # An ended snapshot is remembered by its name: its end may come again.
            run("insert or replace into snapshots values (?, 1)", (decision.ends,))
            run("delete from seen where snapshot = ?", (decision.ends,))

    def _row(self, query: str, key: str) -> Any:
        return self.connection.execute(query, (key,)).fetchone()


# ---------------------------------------------------------------- the consumer


@dataclass(frozen=True)
class Change:
    """What happened to a person. `state`: all that is known now, None when erased. `changed`: the fields that differ, sorted."""

    person: str
    state: dict[str, Any] | None
    changed: tuple[str, ...]
    event: dict[str, Any]


def handle(body: bytes, store: Store, on_change: Callable[[Change], None], on_gap: Callable[[Gap], None], complete: bool = True) -> Decision:
    """Reads, judges and writes one message. The callbacks run before the commit: a failure of theirs undoes the message, a crash repeats it."""
    event = parse(body)
    with store.transaction():
        known = store.person(event.person) if event.person else None
        decision = decide(event, known, store.snapshot(event.snapshot) if event.snapshot else None, complete)
        for person in store.unseen(decision.ends) if decision.sweep else ():
            gone = store.person(person)
            on_change(Change(person, None, tuple(sorted(gone.state)) if gone and gone.state else (), event.cloudevent))
        store.write(decision)
        if decision.write:
            on_change(Change(decision.person, decision.write.state, decision.changed, event.cloudevent))
        if decision.gap:
            on_gap(decision.gap)
    return decision


class _GiveBack(Exception):
    """The tool has failed for too long. Closing gives back in order what is unacknowledged; on RabbitMQ 3.10 `basic.nack` does not."""


class Consumer:
    """Consumes one queue, alone, until `stop`. `on_change` and `on_gap` may be called again for the same event after a crash.

    A failure of the store or of a callback is tried again in place for `patience_s`, for a later event of the same person must not overtake;
    then all is given back to the queue. Raise Poison to send a message to the dead letters.
    """

    def __init__(
        self,
        url: str,
        queue: str,
        store: Store,
        *,
        on_change: Callable[[Change], None] = lambda change: None,
        on_gap: Callable[[Gap], None] = lambda gap: None,
        complete: bool = True,
        prefetch: int = 100,
        patience_s: float = 1200,  # the broker takes a message back after 30 minutes, and dead-letters it the 20th time
        longest_wait_s: float = 60,
    ) -> None:
        self._parameters = pika.URLParameters(url)
        if "heartbeat=" not in url:
            self._parameters.heartbeat = 60  # a callback that takes longer loses the connection
        self._queue, self._store, self._prefetch = queue, store, prefetch
        self._on_change, self._on_gap, self._complete = on_change, on_gap, complete
        self._patience_s, self._longest_wait_s = patience_s, longest_wait_s
        self._stopped = False

    def stop(self) -> None:
        """Ends `run` after the message in hand; may be called from a signal handler."""
        self._stopped = True

    def run(self) -> None:
        """Consumes, and connects anew for ever with growing waits."""
        wait_s = 1.0
        while not self._stopped:
            began = time.monotonic()
            try:
                self._session()
            except Exception as lost:  # for ever: whatever it was
                if time.monotonic() - began > wait_s:
                    wait_s = 1.0  # that one had worked
                LOG.warning("connection over (%s), next in %.0f s", _reason(lost), wait_s)
                self._pause(wait_s)
                wait_s = min(wait_s * 2, self._longest_wait_s)

    def _session(self) -> None:
        connection = pika.BlockingConnection(self._parameters)
        try:
            channel = connection.channel()
            channel.basic_qos(prefetch_count=self._prefetch)
            # Not channel.consume(): closing it rejects what waits in it before, and so out of order with, what is in hand.
            inbox: collections.deque[tuple[Any, Any, bytes]] = collections.deque()
            channel.basic_consume(self._queue, lambda _, *message: inbox.append(message))
            LOG.info("consuming %s", self._queue)
            while not self._stopped and channel.is_open and channel.consumer_tags:
                connection.process_data_events(time_limit=0 if inbox else 0.5)
                if inbox:
                    method, properties, body = inbox.popleft()
                    self._settle(channel, method.delivery_tag, properties.message_id, body)
            if not self._stopped:
                raise pika.exceptions.ConsumerCancelled()  # the queue was deleted, or may not be read
        finally:
            with contextlib.suppress(pika.exceptions.AMQPError):
                connection.close()

    def _settle(self, channel: Any, tag: int, message_id: str | None, body: bytes) -> None:
        try:
            self._handle_patiently(channel, body)
        except Poison as poison:
            LOG.error("message %s rejected: %s", message_id, poison)
            channel.basic_reject(tag, requeue=False)
        else:
            channel.basic_ack(tag)

    def _handle_patiently(self, channel: Any, body: bytes) -> None:
        began, wait_s = time.monotonic(), 1.0
        while True:
            try:
                handle(body, self._store, self._on_change, self._on_gap, self._complete)
                return
            except Poison:
                raise
            except Exception as failure:  # whatever the tool raises
                # The name only: the text of a database's error quotes values.
                LOG.warning("not handled (%s), tried again in %.0f s", _name(failure), wait_s)
                if self._stopped or time.monotonic() - began + wait_s > self._patience_s:
                    raise _GiveBack from None
                self._pause(wait_s, channel.connection.sleep)  # heartbeats go on
                wait_s = min(wait_s * 2, self._longest_wait_s)

    def _pause(self, wait_s: float, sleep: Callable[[float], None] = time.sleep) -> None:
        until = time.monotonic() + wait_s
        while not self._stopped and time.monotonic() < until:
            sleep(0.2)


def _name(error: BaseException) -> str:
    return type(error).__name__


def _reason(lost: Exception) -> str:
    # What the broker or the network says bears no value.
    text = str(lost) if isinstance(lost, (pika.exceptions.AMQPError, OSError)) else ""
    return f"{_name(lost)} {text}".strip()
