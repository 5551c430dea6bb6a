/**
 * Prints what a subscription tells: persons and names of fields, values only with --values.
 *
 *     DLNUF_AMQP_URL=amqp://…  DLNUF_QUEUE=dlnuf.abonne.mon-outil  npm run example -- [--values]
 */

import { Consumer, type Change, type Gap } from "./dlnuf-client.ts";
import { FileStore } from "./store.ts";

const showValues = process.argv.includes("--values");

export function onChange({ person, state, changed, event }: Change): void {
  const type = String(event["type"]).replace(/^fr\.dlnuf\./, "");
  if (state === null) return console.log(type, person, "erased");
  console.log(type, person, ...changed.map((field) => (showValues ? `${field}=${JSON.stringify(state[field] ?? null)}` : field)));
}

export function onGap(gap: Gap): void {
  // Here: ask the hub to repair this person, or for another snapshot.
  if ("person" in gap) console.log("gap", gap.person, gap.last ?? 0, gap.sequence);
  else console.log("gap snapshot", gap.snapshot, gap.read, gap.persons);
}

if (import.meta.filename === process.argv[1]) {
  const { DLNUF_AMQP_URL: url, DLNUF_QUEUE: queue, DLNUF_TOOL_STORE: path = "dlnuf.jsonl" } = process.env;
  if (!url || !queue) {
    console.error("set DLNUF_AMQP_URL and DLNUF_QUEUE");
    process.exit(1);
  }
  const consumer = new Consumer({ url, queue, store: new FileStore(path), onChange, onGap });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => consumer.stop());
  await consumer.run();
}
