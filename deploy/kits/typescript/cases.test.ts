/** Runs ../cases.json through the real stores, and what only this kit has. */

import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { handle, Poison, type Fields, type Gap } from "./dlnuf-client.ts";
import { FileStore, MemoryStore, type Person } from "./store.ts";

interface Case {
  name: string;
  complete?: boolean;
  known: { persons: { [id: string]: Person }; snapshots?: { [id: string]: { read: string[]; seen: string[] } | null } };
  events: (string | Fields)[];
  expect: { [key: string]: unknown };
}

// From the sources and from dist/.
const here = import.meta.dirname.replace(/\/dist$/, "");
const table = JSON.parse(readFileSync(join(here, "../cases.json"), "utf8")) as { envelope: Fields; cases: Case[] };
const folder = mkdtempSync(join(tmpdir(), "dlnuf-kit-"));

function bodyOf(event: string | Fields): Uint8Array {
  return Buffer.from(typeof event === "string" ? event : JSON.stringify({ ...table.envelope, ...event }));
}

async function run({ complete = true, known, events, expect }: Case, store: MemoryStore): Promise<void> {
  for (const [id, person] of Object.entries(known.persons)) store.write({ verdict: "apply", person: id, write: person, changed: [] }, []);
  for (const [id, marks] of Object.entries(known.snapshots ?? {})) {
    store.snapshots.set(id, marks && { read: new Set(marks.read), seen: new Set(marks.seen) });
  }
  const verdicts: string[] = [];
  const gaps: Gap[] = [];
  const erased: string[] = [];
  const changed: string[][] = [];
  for (const event of events) {
    const told = {
      onChange: ({ person, state }: { person: string; state: Fields | null }) => void (state === null && erased.push(person)),
      onGap: (gap: Gap) => void gaps.push(gap),
    };
    try {
      const decision = await handle(bodyOf(event), { store, complete, ...told });
      verdicts.push(decision.verdict);
      changed.push(decision.changed);
    } catch (failure) {
      if (!(failure instanceof Poison)) throw failure;
      verdicts.push("poison");
    }
  }
  const open = [...store.snapshots].filter(([, marks]) => marks !== null).map(([id]) => id).sort();
  const seen: { [key: string]: unknown } = { verdicts, gaps, erased, changed, persons: Object.fromEntries(store.persons), open_snapshots: open };
  for (const [key, value] of Object.entries(expect)) assert.deepEqual(seen[key], value, key);
}

for (const each of table.cases) {
  test(each.name, () => run(each, new MemoryStore()));
  test(`${each.name}, in a file that is read again`, async () => {
    const path = join(folder, each.name);
    await run(each, new FileStore(path));
    if (each.known.snapshots) return; // put into memory only, above
    const again = new FileStore(path);
    assert.deepEqual(Object.fromEntries(again.persons), each.expect["persons"]);
    assert.deepEqual(again.snapshots, new FileStore(path).snapshots);
  });
}

const first = () => bodyOf(table.cases[0]?.events[0] ?? "");

test("a failing callback leaves nothing written and the repeat is whole", async () => {
  const store = new MemoryStore();
  const onChange = () => Promise.reject(new Error("invented"));
  await assert.rejects(handle(first(), { store, onChange }), /invented/);
  assert.equal(store.persons.size, 0);
  assert.equal((await handle(first(), { store })).verdict, "apply");
});

test("a line that was cut short counts for nothing", async () => {
  const path = join(folder, "cut");
  await handle(first(), { store: new FileStore(path) });
  appendFileSync(path, '{"persons":{"x":{"la');
  assert.equal(new FileStore(path).persons.size, 1);
  assert.equal(new FileStore(path).persons.size, 1);
});

test("a file that has grown is rewritten", async () => {
  const path = join(folder, "grown");
  const store = new FileStore(path);
  for (let last = 1; last <= 1100; last += 1) store.write({ verdict: "apply", person: "p", write: { last, state: {} }, changed: [] }, []);
  assert.ok(statSync(path).size < 300 * 50);
  assert.equal(new FileStore(path).person("p")?.last, 1100);
});

test("bytes that are no text are poison", async () => {
  for (const body of [Buffer.from([0xff, 0xfe]), Buffer.from("[".repeat(100_000))]) {
    await assert.rejects(handle(body, { store: new MemoryStore() }), Poison);
  }
});
