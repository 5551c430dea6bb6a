"""The example made to fail, for ../test.sh: ESSAI_KILL and ESSAI_FAIL each name an event, as PERSON:SEQUENCE.

KILL: kill -9 of this process between the commit and the acknowledgement. FAIL: the tool fails three times, so the queue gets it back once.
"""

import contextlib
import logging
import os
import signal

import example
from dlnuf_client import Consumer, SqliteStore

logging.basicConfig(format="%(name)s: %(message)s")
logging.getLogger("pika").setLevel(logging.CRITICAL)
KILL, FAIL = os.environ["ESSAI_KILL"], os.environ["ESSAI_FAIL"]
failures = 3


class Killing(SqliteStore):
    written = ""

    def write(self, decision):
        super().write(decision)
        self.written = decision.write and f"{decision.person}:{decision.write.last}"

    @contextlib.contextmanager
    def transaction(self):
        with super().transaction():
            yield
        if self.written == KILL:
            os.kill(os.getpid(), signal.SIGKILL)


def on_change(change):
    global failures
    if failures and f"{change.person}:{int(change.event['sequence'])}" == FAIL:
        failures -= 1
        raise RuntimeError("invented")
    example.on_change(change)


Consumer(
    os.environ["DLNUF_AMQP_URL"], os.environ["DLNUF_QUEUE"], Killing(os.environ["DLNUF_TOOL_STORE"]),
    on_change=on_change, on_gap=example.on_gap, patience_s=2,
).run()
