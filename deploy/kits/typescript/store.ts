/**
 * Where persons and sequences are kept: in memory, and in a file of JSON lines, one a transaction.
 *
 * A line is appended and synced before `write` returns. A last line that was cut short counts for nothing, so a line is all there or not at
 * all. The file is rewritten beside its place and renamed when it is opened and when it has grown, so it holds little more than one line a
 * person. The Rust kit reads and writes the same file.
 */

import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Decision, Fields } from "./dlnuf-client.ts";

/** What is held of a person. `state` null: erased; the sequence stays, lest a repeat bring the person back. */
export interface Person {
  last: number;
  state: Fields | null;
}

/** How many persons of a snapshot were read so far, and whether its end was seen. */
export interface Marks {
  read: number;
  ended: boolean;
}

/** `write` writes all of a decision or nothing, and returns when it outlives a power cut. */
export interface Store {
  person(person: string): Person | undefined;
  snapshot(snapshot: string): Marks | undefined;
  /** The persons held who were neither read for this open snapshot nor told about since its first reading, sorted. */
  unseen(snapshot: string): string[];
  write(decision: Decision, gone: string[]): void;
}

interface Line {
  persons?: { [id: string]: Person };
  /** Snapshot and person: this person was read for that snapshot. */
  read?: [string, string];
  ended?: string;
  /** Only in a rewritten file, after the persons: the snapshots as they are, null for an ended one. */
  snapshots?: { [id: string]: { read: string[]; seen: string[] } | null };
}

interface OpenSnapshot {
  read: Set<string>;
  seen: Set<string>;
}

/** Keeps everything in memory, for tests and for tools that ask for a snapshot at each start. */
export class MemoryStore implements Store {
  readonly persons = new Map<string, Person>();
  readonly snapshots = new Map<string, OpenSnapshot | null>();

  person(person: string): Person | undefined {
    return this.persons.get(person);
  }

  snapshot(snapshot: string): Marks | undefined {
    const marks = this.snapshots.get(snapshot);
    return marks === undefined ? undefined : { read: marks?.read.size ?? 0, ended: marks === null };
  }

  unseen(snapshot: string): string[] {
    const seen = this.snapshots.get(snapshot)?.seen;
    return [...this.persons].filter(([id, { state }]) => state !== null && !seen?.has(id)).map(([id]) => id).sort();
  }

  write(decision: Decision, gone: string[]): void {
    const line = this.lineOf(decision, gone);
    if (line) this.replay(line);
  }

  protected lineOf(decision: Decision, gone: string[]): Line | undefined {
    const { person, write, readingOf, ends } = decision;
    const persons = new Map(gone.map((id) => [id, { last: this.persons.get(id)?.last ?? 0, state: null }] as [string, Person]));
    if (person !== undefined && write) persons.set(person, write);
    const line: Line = {
      ...(persons.size > 0 && { persons: Object.fromEntries(persons) }),
      ...(person !== undefined && readingOf !== undefined && { read: [readingOf, person] }),
      ...(ends !== undefined && { ended: ends }),
    };
    return Object.keys(line).length > 0 ? line : undefined;
  }

  protected replay({ persons = {}, read, ended, snapshots = {} }: Line): void {
    if (read) {
      const [snapshot, person] = read;
      if (!this.snapshots.has(snapshot)) this.snapshots.set(snapshot, { read: new Set(), seen: new Set() });
      this.snapshots.get(snapshot)?.read.add(person);
      this.snapshots.get(snapshot)?.seen.add(person);
    }
    for (const [id, person] of Object.entries(persons)) {
      this.persons.set(id, person);
      for (const open of this.snapshots.values()) open?.seen.add(id);
    }
    // An ended snapshot is remembered by its name: its end may come again.
    if (ended !== undefined) this.snapshots.set(ended, null);
    for (const [id, marks] of Object.entries(snapshots)) {
      this.snapshots.set(id, marks && { read: new Set(marks.read), seen: new Set(marks.seen) });
    }
  }
}

/** A MemoryStore that is kept in a file of JSON lines. One process a file. */
export class FileStore extends MemoryStore {
  readonly #path: string;
  #file = -1;
  #length = 0;
  #lines = 0;

  constructor(path: string) {
    super();
    this.#path = path;
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    // After the last line break there is nothing, or a line that was cut short and never acknowledged.
    for (const line of text.split("\n").slice(0, -1)) this.replay(JSON.parse(line) as Line);
    this.#rewrite();
  }

  override write(decision: Decision, gone: string[]): void {
    const line = this.lineOf(decision, gone);
    if (!line) return;
    if (this.#lines > 1000 + 2 * this.persons.size) this.#rewrite();
    // What a failed append left behind goes first.
    ftruncateSync(this.#file, this.#length);
    const end = append(this.#file, this.#length, line);
    fsyncSync(this.#file);
    this.#length = end;
    this.#lines += 1;
    this.replay(line);
  }

  #rewrite(): void {
    const beside = `${this.#path}.new`;
    const file = openSync(beside, "w", 0o600);
    let [length, lines] = [0, 0];
    for (const line of this.#all()) {
      length = append(file, length, line);
      lines += 1;
    }
    fsyncSync(file);
    renameSync(beside, this.#path);
    syncFolder(dirname(this.#path));
    if (this.#file !== -1) closeSync(this.#file);
    [this.#file, this.#length, this.#lines] = [file, length, lines];
  }

  *#all(): Generator<Line> {
    for (const [id, person] of this.persons) yield { persons: { [id]: person } };
    const marks = [...this.snapshots].map(([id, open]) => [id, open && { read: [...open.read], seen: [...open.seen] }] as const);
    if (marks.length > 0) yield { snapshots: Object.fromEntries(marks) };
  }
}

function append(file: number, position: number, line: Line): number {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written, bytes.length - written, position + written);
  return position + written;
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  fsyncSync(handle);
  closeSync(handle);
}
