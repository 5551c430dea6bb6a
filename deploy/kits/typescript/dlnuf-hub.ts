/**
 * Asks the hub over HTTP what its queue does not say: whom to know, those to be shown again, and tells it what was applied.
 *
 * Node's own fetch and crypto alone. A failed call throws HubError, whose text bears the status and the code, never a value of a person or
 * the token.
 */
import { createHash } from "node:crypto";

const AT_ONCE = 1_000;

/** The hub refused, or could not be reached. */
export class HubError extends Error {
  override name = "HubError";
  /** The hub's code (`DLN0801`), or the status of its answer; what a log may show. */
  readonly code: string;
  constructor(message: string, code = "no answer") {
    super(message);
    this.code = code;
  }
}

/** What became of an event; `cause` is a word of the tool's own. */
export interface Effect {
  id: string;
  etat: "applique" | "echec";
  time?: string;
  cause?: string;
}

/** The hub at `url` (its token-guarded address), for the subscriber whose `token` this is. */
export class Hub {
  private readonly url: string;
  private readonly token: string;
  private readonly timeoutMs: number;

  constructor(url: string, token: string, timeoutMs = 30_000) {
    this.url = url.replace(/\/$/, "");
    this.token = token;
    this.timeoutMs = timeoutMs;
  }

  /** Has these persons shown again through the subscriber's channel; returns those it is not to know, to be forgotten. */
  async repair(persons: Iterable<string>): Promise<string[]> {
    const unknown: string[] = [];
    for (const subjects of inParts([...new Set(persons)].sort())) {
      const answer = (await this.call("POST", "repairs", { subjects })) as { inconnus: string[] };
      unknown.push(...answer.inconnus);
    }
    return unknown;
  }

  /** Has everybody shown again. */
  async snapshot(): Promise<void> {
    await this.call("POST", "snapshot");
  }

  /** Tells what became of events. */
  async report(effects: Effect[]): Promise<void> {
    for (const effets of inParts(effects)) await this.call("POST", "effects", { effets });
  }

  /**
   * Compares `known`, the last sequence of each person held, with what the hub told: whom to have repaired, whom to forget. What is on its
   * way in the queue counts as told: compare with an empty queue, or again a moment later.
   */
  async differing(known: Map<string, number>): Promise<{ repair: Set<string>; forget: Set<string> }> {
    const digests = (await this.call("GET", "digests")) as {
      lignes: string;
      compartiments: { compartiment: string; empreinte: string }[];
    };
    const ranked = digests.lignes === "subject sequence";
    const theirs = new Map(digests.compartiments.map((part) => [part.compartiment, part.empreinte]));
    const ours = new Map<string, Map<string, number>>();
    for (const [person, sequence] of known) {
      const part = person.slice(0, 2);
      if (!ours.has(part)) ours.set(part, new Map());
      ours.get(part)?.set(person, sequence);
    }
    const [repair, forget] = [new Set<string>(), new Set<string>()];
    for (const part of [...new Set([...theirs.keys(), ...ours.keys()])].sort()) {
      const held = ours.get(part) ?? new Map<string, number>();
      if (theirs.get(part) === digest(held, ranked)) continue;
      const answer = (await this.call("GET", `digests/${part}`)) as { personnes: { subject: string; sequence: string }[] };
      const told = new Map(answer.personnes.map((line) => [line.subject, Number(line.sequence)]));
      for (const [person, at] of told) if (!held.has(person) || (ranked && held.get(person) !== at)) repair.add(person);
      for (const person of held.keys()) if (!told.has(person)) forget.add(person);
    }
    return { repair, forget };
  }

  private async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const what = `${method} ${path.split("/")[0]}`;
    const headers: Record<string, string> = { authorization: `Bearer ${this.token}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    let answer: Response;
    let text: string;
    try {
      answer = await fetch(`${this.url}/v1/subscribers/me/${path}`, {
        method,
        headers,
        redirect: "error",
        signal: AbortSignal.timeout(this.timeoutMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await answer.text();
    } catch {
      throw new HubError(`${what}: no answer`);
    }
    if (!answer.ok) {
      const code = /"code"\s*:\s*"(DLN\d{4})"/.exec(text)?.[1];
      throw new HubError(`${what}: ${answer.status} ${code ?? ""}`, code ?? String(answer.status));
    }
    try {
      return text === "" ? undefined : JSON.parse(text);
    } catch {
      // The parser's own message quotes what it read.
      throw new HubError(`${what}: no answer that can be read`);
    }
  }
}

function digest(persons: Map<string, number>, ranked: boolean): string {
  const lines = [...persons.keys()].sort().map((person) => (ranked ? `${person} ${persons.get(person)}\n` : `${person}\n`));
  return createHash("sha256").update(lines.join("")).digest("hex");
}

function inParts<T>(items: T[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < items.length; at += AT_ONCE) parts.push(items.slice(at, at + AT_ONCE));
  return parts;
}
