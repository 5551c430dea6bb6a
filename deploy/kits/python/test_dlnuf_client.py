"""Runs ../cases.json through the real store, and what only this kit has."""

import json
import pathlib
import tempfile
import unittest

from dlnuf_client import Change, Decision, Gap, Person, Poison, SqliteStore, handle

TABLE = json.loads((pathlib.Path(__file__).parent.parent / "cases.json").read_text())
SILENT = (lambda change: None, lambda gap: None)


def fill(store, known):
    with store.transaction():
        for person, held in known["persons"].items():
            store.write(Decision("apply", person, Person(held["last"], held["state"])))
        for snapshot, marks in known.get("snapshots", {}).items():
            store.connection.execute("insert into snapshots values (?, ?)", (snapshot, marks is None))
            for person in (marks or {}).get("seen", []):
                store.connection.execute("insert into seen values (?, ?, ?)", (snapshot, person, person in marks["read"]))


def body_of(event):
    return (event if isinstance(event, str) else json.dumps({**TABLE["envelope"], **event})).encode()


def plain(gap):
    return {"person": gap.person, "last": gap.last, "sequence": gap.sequence} if gap.person else {
        "snapshot": gap.snapshot, "read": gap.read, "persons": gap.persons}


class Cases(unittest.TestCase):
    def test_each_case_of_the_table(self):
        for case in TABLE["cases"]:
            with self.subTest(case["name"]):
                self.run_case(case)

    def run_case(self, case):
        store, seen = SqliteStore(":memory:"), {"verdicts": [], "gaps": [], "erased": [], "changed": []}
        fill(store, case["known"])

        def on_change(change: Change):
            if change.state is None:
                seen["erased"].append(change.person)

        def on_gap(gap: Gap):
            seen["gaps"].append(plain(gap))

        for event in case["events"]:
            try:
                decision = handle(body_of(event), store, on_change, on_gap, case.get("complete", True))
                seen["verdicts"].append(decision.verdict)
                seen["changed"].append(list(decision.changed))
            except Poison:
                seen["verdicts"].append("poison")
        rows = store.connection.execute("select id, last, state from persons")
        seen["persons"] = {id_: {"last": last, "state": state and json.loads(state)} for id_, last, state in rows}
        seen["open_snapshots"] = [row[0] for row in store.connection.execute("select id from snapshots where not ended order by id")]
        for key, value in case["expect"].items():
            self.assertEqual(seen[key], value, key)


class Transactions(unittest.TestCase):
    def test_a_failing_callback_leaves_nothing_written_and_the_repeat_is_whole(self):
        store, event = SqliteStore(":memory:"), TABLE["cases"][0]["events"][0]

        def fails(change):
            raise RuntimeError

        with self.assertRaises(RuntimeError):
            handle(body_of(event), store, fails, lambda gap: None)
        self.assertIsNone(store.person(event["subject"]))
        self.assertEqual(handle(body_of(event), store, *SILENT).verdict, "apply")

    def test_what_was_committed_is_there_after_opening_again(self):
        with tempfile.TemporaryDirectory() as folder:
            event = TABLE["cases"][0]["events"][0]
            handle(body_of(event), SqliteStore(f"{folder}/s.db"), *SILENT)
            self.assertEqual(SqliteStore(f"{folder}/s.db").person(event["subject"]).last, 1)

    def test_bytes_that_are_no_text_are_poison(self):
        for body in (b"\xff\xfe", b"[" * 100_000):
            with self.assertRaises(Poison):
                handle(body, SqliteStore(":memory:"), *SILENT)


if __name__ == "__main__":
    unittest.main()
