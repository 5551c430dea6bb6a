"""Prints what a subscription tells: persons and names of fields, values only with --values.

    DLNUF_AMQP_URL=amqp://…  DLNUF_QUEUE=dlnuf.abonne.mon-outil  python example.py [--values]
"""

import json
import logging
import os
import signal
import sys

from dlnuf_client import Change, Consumer, Gap, SqliteStore

SHOW_VALUES = "--values" in sys.argv


def on_change(change: Change) -> None:
    type_ = change.event["type"].removeprefix("fr.dlnuf.")
    if change.state is None:
        print(type_, change.person, "erased", flush=True)
    else:
        print(type_, change.person, *(shown(change, field) for field in change.changed), flush=True)


def shown(change: Change, field: str) -> str:
    return f"{field}={json.dumps(change.state.get(field), ensure_ascii=False)}" if SHOW_VALUES else field


def on_gap(gap: Gap) -> None:
    if gap.person:
        print("gap", gap.person, gap.last or 0, gap.sequence, flush=True)  # here: ask the hub to repair this person
    else:
        print("gap snapshot", gap.snapshot, gap.read, gap.persons, flush=True)  # here: ask the hub for another snapshot


if __name__ == "__main__":
    if missing := [name for name in ("DLNUF_AMQP_URL", "DLNUF_QUEUE") if name not in os.environ]:
        sys.exit(f"set {' and '.join(missing)}")
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # what matters of it, dlnuf says
    store = SqliteStore(os.environ.get("DLNUF_TOOL_STORE", "dlnuf.db"))
    consumer = Consumer(os.environ["DLNUF_AMQP_URL"], os.environ["DLNUF_QUEUE"], store, on_change=on_change, on_gap=on_gap)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: consumer.stop())
    consumer.run()
