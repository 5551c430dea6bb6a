/**
 * The example made to fail, for ../test.sh: ESSAI_KILL and ESSAI_FAIL each name an event, as PERSON:SEQUENCE.
 *
 * KILL: kill -9 of this process between the write and the acknowledgement. FAIL: the tool fails three times, so the queue gets it back once.
 */

import { Consumer, type Change, type Decision } from "./dlnuf-client.ts";
import { onChange, onGap } from "./example.ts";
import { FileStore } from "./store.ts";

const { DLNUF_AMQP_URL: url = "", DLNUF_QUEUE: queue = "", DLNUF_TOOL_STORE: path = "", ESSAI_KILL, ESSAI_FAIL } = process.env;

class Killing extends FileStore {
  override write(decision: Decision, gone: string[]): void {
    super.write(decision, gone);
    if (`${decision.person}:${decision.write?.last}` === ESSAI_KILL) process.kill(process.pid, "SIGKILL");
  }
}

let failures = 3;
function failing(change: Change): void {
  if (failures > 0 && `${change.person}:${Number(change.event["sequence"])}` === ESSAI_FAIL) {
    failures -= 1;
    throw new Error("invented");
  }
  onChange(change);
}

await new Consumer({ url, queue, store: new Killing(path), onChange: failing, onGap, patienceMs: 2000 }).run();
