/**
 * Follows the persons a dlnuf subscription tells about, from its RabbitMQ queue.
 *
 * Events come in at least once and in order per person. Each is read (`parse`), judged (`decide`, pure), written with its sequence in one
 * append, and only then acknowledged. What comes again is dropped, what is missing is told, what cannot be read goes to the dead letters.
 * No value of a person is ever logged.
 */

import { setImmediate as breathe, setTimeout as sleep } from "node:timers/promises";
import { connect, type Channel, type ConsumeMessage } from "amqplib";
import { type Marks, type Person, type Store } from "./store.ts";

// ---------------------------------------------------------------- the event

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Fields = { [field: string]: Json };
type Kind = "start" | "change" | "erase" | "reading" | "gone" | "end" | "ignore";

/** What will never be handled, however often it comes: the message goes to the dead letters. Its text bears no value. */
export class Poison extends Error {
  override name = "Poison";
}

/** What the rule needs of a CloudEvent. */
export interface Event {
  kind: Kind;
  person?: string;
  sequence: number;
  values: Fields;
  snapshot?: string;
  persons: number;
  cloudevent: Fields;
}

const KINDS = new Map<string, Kind>([
  ["personne.creee", "start"],
  ["personne.entree", "start"],
  ["personne.modifiee", "change"],
  ["personne.scindee", "change"],
  ["personne.sortie", "erase"],
  ["personne.fusionnee", "erase"],
  ["personne.etat", "reading"],
  ["instantane.termine", "end"],
]);
// Every verb of these, also one added later, tells changes in the same form.
const FAMILIES = new Set(["droit", "inscription", "orientation", "engagement"]);
const OURS = "fr.dlnuf.";

function kindOf(type: string): Kind {
  if (!type.startsWith(OURS)) return "ignore";
  const name = type.slice(OURS.length);
  return KINDS.get(name) ?? (FAMILIES.has(name.split(".")[0] ?? "") ? "change" : "ignore");
}

/** Reads a message's body; throws Poison where it is none of ours. */
export function parse(body: Uint8Array): Event {
  const cloudevent = readJson(body);
  expect(isObject(cloudevent) && cloudevent["specversion"] === "1.0", "unknown specversion");
  const { type, subject, sequence, data } = cloudevent;
  expect(typeof type === "string", "no type");
  const kind = kindOf(type);
  const event: Event = { kind, sequence: 0, values: {}, persons: 0, cloudevent };
  if (kind === "ignore") return event;
  expect(isObject(data), "no data");
  const { instantane: snapshot, changements = [] } = data;
  if (kind === "end") return { ...event, ...parseEnd(snapshot) };
  // Printable ASCII without blanks: it is written in logs.
  expect(typeof subject === "string" && /^[!-~]{1,200}$/.test(subject), "no subject");
  expect(typeof sequence === "string" && /^[0-9]{1,15}$/.test(sequence), "no sequence");
  const read = { ...event, person: subject, sequence: Number(sequence), values: valuesOf(changements) };
  // Told to this subscriber alone, at the sequence others go on from.
  if (kind === "erase" && typeof snapshot === "string") return { ...read, kind: "gone" };
  if (kind !== "reading" || snapshot == null) return read;
  expect(typeof snapshot === "string", "no snapshot");
  return { ...read, snapshot };
}

function readJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    throw new Poison("unreadable JSON"); // the cause quotes the body
  }
}

function parseEnd(snapshot: Json | undefined): { snapshot: string; persons: number } {
  expect(isObject(snapshot) && typeof snapshot["id"] === "string", "no snapshot");
  const persons = snapshot["personnes"];
  expect(typeof persons === "number" && Number.isSafeInteger(persons) && persons >= 0, "no number of persons");
  return { snapshot: snapshot["id"], persons };
}

function valuesOf(changes: Json): Fields {
  expect(Array.isArray(changes), "no list of changes");
  // fromEntries, not assignment: a field may be called `__proto__`.
  return Object.fromEntries(
    changes.map((change) => {
      expect(isObject(change) && typeof change["champ"] === "string", "a change without field");
      return [change["champ"], change["apres"] ?? null];
    }),
  );
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function expect(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Poison(otherwise);
}

// ---------------------------------------------------------------- the rule

/** Something is missing: of a person, whose repair is to be asked for, or of a snapshot, which is to be asked for again. */
export type Gap =
  | { person: string; last: number | null; sequence: number }
  | { snapshot: string; read: number; persons: number };

/** What to do, and what to write and to tell. */
export interface Decision {
  verdict: "apply" | "drop" | "erase" | "end" | "ignore";
  person?: string;
  write?: Person;
  changed: string[];
  gap?: Gap;
  /** The open snapshot this person was read for, also when the reading itself is dropped. */
  readingOf?: string;
  ends?: string;
  /** Erase whom the ended snapshot did not see. */
  sweep?: boolean;
}

/** The rule. `known` is the event's person as held, `snapshot` the event's snapshot; pure, the same in every kit (cases.json). */
export function decide(event: Event, known: Person | undefined, snapshot: Marks | undefined, complete = true): Decision {
  if (event.kind === "ignore") return { verdict: "ignore", changed: [] };
  if (event.kind === "end") return decideEnd(event, snapshot);
  const person = event.person ?? "";
  const reading = event.kind === "reading" || event.kind === "gone";
  const readingOf = event.snapshot !== undefined && !snapshot?.ended ? { readingOf: event.snapshot } : {};
  // A reading at the last sequence is no repeat: it is how a gap is repaired.
  if (known && (event.sequence < known.last || (event.sequence === known.last && !reading))) {
    return { verdict: "drop", person, changed: [], ...readingOf };
  }
  const held = known?.state ?? {};
  const state = nextState(event, held);
  const gap = gapOf(event, person, known, complete);
  return {
    verdict: state === null ? "erase" : "apply",
    person,
    write: { last: event.sequence, state },
    changed: differing(held, state ?? {}),
    ...(gap && { gap }),
    ...readingOf,
  };
}

function nextState(event: Event, held: Fields): Fields | null {
  if (event.kind === "erase" || event.kind === "gone") return null;
  const before = event.kind === "change" ? held : {}; // a start and a reading tell all there is
  const all = new Map([...Object.entries(before), ...Object.entries(event.values)]);
  return Object.fromEntries([...all].filter(([, value]) => value !== null));
}

function differing(before: Fields, after: Fields): string[] {
  const value = (fields: Fields, name: string) => (Object.hasOwn(fields, name) ? canonical(fields[name] ?? null) : undefined);
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => value(before, name) !== value(after, name)).sort();
}

/** JSON with sorted names, for comparing. */
function canonical(value: Json): string {
  return JSON.stringify(value, (_, inner: Json) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

function gapOf(event: Event, person: string, known: Person | undefined, complete: boolean): Gap | undefined {
  // Who did not ask for every family of events sees sequences missing all the time.
  if (!complete || ["start", "reading", "gone"].includes(event.kind)) return undefined;
  if (known && known.state !== null && event.sequence === known.last + 1) return undefined;
  return { person, last: known?.last ?? null, sequence: event.sequence };
}

function decideEnd(event: Event, marks: Marks | undefined): Decision {
  const snapshot = event.snapshot ?? "";
  if (marks?.ended) return { verdict: "drop", changed: [] };
  const read = marks?.read ?? 0;
  // Erasing cannot be undone: with a reading missing, nobody is erased, and another snapshot is to be asked for.
  if (read < event.persons) {
    return { verdict: "end", changed: [], gap: { snapshot, read, persons: event.persons }, ends: snapshot };
  }
  return { verdict: "end", changed: [], ends: snapshot, sweep: true };
}

// ---------------------------------------------------------------- the consumer

/** What happened to a person. `state`: all that is known now, null when erased. `changed`: the fields that differ, sorted. */
export interface Change {
  person: string;
  state: Fields | null;
  changed: string[];
  event: Fields;
}

export interface Options {
  url: string;
  queue: string;
  store: Store;
  /** Both may be called again for the same event after a crash; a failure is tried again. Throw Poison to dead-letter the message. */
  onChange?: (change: Change) => void | Promise<void>;
  onGap?: (gap: Gap) => void | Promise<void>;
  /** Whether the subscription asks for every family of events. */
  complete?: boolean;
  prefetch?: number;
  /** How long a failing message is tried in place. The broker takes it back after 30 minutes, and dead-letters it the 20th time. */
  patienceMs?: number;
  longestWaitMs?: number;
  log?: (line: string) => void;
}

/** Reads, judges and writes one message. The callbacks run before the write: a failure of theirs undoes the message, a crash repeats it. */
export async function handle(
  body: Uint8Array,
  { store, onChange, onGap, complete = true }: Pick<Options, "store" | "onChange" | "onGap" | "complete">,
): Promise<Decision> {
  const event = parse(body);
  const known = event.person === undefined ? undefined : store.person(event.person);
  const marks = event.snapshot === undefined ? undefined : store.snapshot(event.snapshot);
  const decision = decide(event, known, marks, complete);
  const gone = decision.sweep && decision.ends !== undefined ? store.unseen(decision.ends) : [];
  for (const person of gone) {
    const changed = Object.keys(store.person(person)?.state ?? {}).sort();
    await onChange?.({ person, state: null, changed, event: event.cloudevent });
  }
  if (decision.write && event.person !== undefined) {
    await onChange?.({ person: event.person, state: decision.write.state, changed: decision.changed, event: event.cloudevent });
  }
  if (decision.gap) await onGap?.(decision.gap);
  store.write(decision, gone);
  return decision;
}

/** The tool has failed for too long. Closing gives back in order what is unacknowledged; on RabbitMQ 3.10 `basic.nack` does not. */
class GiveBack extends Error {
  override message = "given back";
}

/**
 * Consumes one queue, alone, until `stop`. A failing message is tried again in place, for a later event of the same person must not
 * overtake; after `patienceMs` all is given back to the queue.
 */
export class Consumer {
  readonly #options: Required<Omit<Options, "onChange" | "onGap">> & Options;
  readonly #url: string;
  readonly #stopping = new AbortController();

  constructor(options: Options) {
    const log = (line: string) => console.error(`dlnuf: ${line}`);
    this.#options = { complete: true, prefetch: 100, patienceMs: 1_200_000, longestWaitMs: 60_000, log, ...options };
    this.#url = withHeartbeat(options.url);
  }

  /** Ends `run` after the message in hand. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Consumes, and connects anew for ever with growing waits. */
  async run(): Promise<void> {
    const { log, longestWaitMs } = this.#options;
    const { signal } = this.#stopping;
    let waitMs = 1000;
    while (!signal.aborted) {
      const began = performance.now();
      const reason = await this.#session().catch(reasonOf);
      if (signal.aborted) return;
      if (performance.now() - began > waitMs) waitMs = 1000; // that one had worked
      log(`connection over (${reason}), next in ${waitMs / 1000} s`);
      await pause(waitMs, signal);
      waitMs = Math.min(waitMs * 2, longestWaitMs);
    }
  }

  /** One connection, until it is lost or `stop`; tells why it ended. */
  async #session(): Promise<string> {
    const { queue, prefetch, log } = this.#options;
    const connection = await connect(this.#url, { timeout: 30_000 });
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#stopping.signal]);
    const end = (reason: unknown) => over.abort(reasonOf(reason));
    connection.on("error", end).on("close", () => end("closed"));
    let turn = Promise.resolve();
    try {
      const channel = await connection.createChannel();
      channel.on("error", end).on("close", () => end("channel closed"));
      await channel.prefetch(prefetch);
      await channel.consume(queue, (message) => {
        // One after the other: the next message may be of the same person.
        turn = message ? turn.then(() => this.#settle(channel, message, signal)).catch(end) : turn.finally(() => end("consumer cancelled"));
      });
      log(`consuming ${queue}`);
      if (!signal.aborted) await new Promise((ended) => signal.addEventListener("abort", ended, { once: true }));
    } finally {
      over.abort("stopped");
      await turn; // a message in hand must not meet the next session's
      await connection.close().catch(() => undefined);
    }
    return String(over.signal.reason);
  }

  async #settle(channel: Channel, message: ConsumeMessage, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    try {
      await this.#handlePatiently(message.content, signal);
      channel.ack(message);
      await breathe(); // so that it leaves, and heartbeats do, before the next message is begun
    } catch (failure) {
      if (!(failure instanceof Poison)) throw failure;
      this.#options.log(`message ${message.properties.messageId} rejected: ${failure.message}`);
      channel.reject(message, false);
    }
  }

  async #handlePatiently(body: Uint8Array, signal: AbortSignal): Promise<void> {
    const { patienceMs, longestWaitMs, log } = this.#options;
    const began = performance.now();
    for (let waitMs = 1000; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
      try {
        await handle(body, this.#options);
        return;
      } catch (failure) {
        if (failure instanceof Poison) throw failure;
        // The name only: the text of a database's error quotes values.
        log(`not handled (${nameOf(failure)}), tried again in ${waitMs / 1000} s`);
        if (performance.now() - began + waitMs > patienceMs) throw new GiveBack();
        await pause(waitMs, signal);
        if (signal.aborted) throw new GiveBack();
      }
    }
  }
}

/** The broker's URL with a heartbeat, unless it names one. A wrong URL stops at the start; what is thrown does not quote its password. */
function withHeartbeat(url: string): string {
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (!address || !["amqp:", "amqps:"].includes(address.protocol)) throw new TypeError("`url` is no AMQP URL");
  if (!address.searchParams.has("heartbeat")) address.searchParams.set("heartbeat", "60");
  return address.href;
}

async function pause(waitMs: number, signal: AbortSignal): Promise<void> {
  await sleep(waitMs, undefined, { signal }).catch(() => undefined);
}

/** What the broker or the network says: it bears no value. */
function reasonOf(lost: unknown): string {
  return lost instanceof Error ? lost.message || nameOf(lost) : String(lost);
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error ? `${error.name} ${error.code}` : error.name;
}
