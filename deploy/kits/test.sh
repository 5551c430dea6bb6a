#!/usr/bin/env bash
# Runs the three consumer kits against a real RabbitMQ and holds them to one result:
#   deploy/services.sh with -- deploy/kits/test.sh [python] [typescript] [rust]
# Each kit's own tests first (cases.json). Then one publication reaches a queue for each kit: repeats, a gap, poison, a snapshot. A consumer
# whose tool fails is killed (kill -9) between write and acknowledgement; the kit's example goes on with the same store and lives through a
# death of the broker. What was told, what is held and what is dead must be exactly what essai.py says, and no value may be in a log.
# Needs python3 with venv, node 20.11 or later with npm, cargo. KITS_WORK: where dependencies and outputs go (a folder under /tmp).
set -euo pipefail
cd "$(dirname "$0")"
: "${DLNUF_TEST_AMQP_URL:?run me inside deploy/services.sh with -- deploy/kits/test.sh}"
work=${KITS_WORK:-${TMPDIR:-/tmp}/dlnuf-kits-$(id -u)}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$work/target}
python=$work/venv/bin/python
kits=("$@"); [ $# -gt 0 ] || kits=(python typescript rust)
run=$work/run; rm -rf "$run"; mkdir -p "$run"
trap 'kill $(jobs -pr) 2>/dev/null && wait || true' EXIT

say() { printf 'kits: %s\n' "$*"; }
fail() { say "FAILED: $*"; exit 1; }
same() { [ "$2" = "$3" ] || { diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") | head -20; fail "$1 (< expected, > found)"; }; }
broker() { "$python" essai.py "$@"; }
eventually() { # WHAT SECONDS COMMAND…: waits until the command goes well
  local what=$1 until=$((SECONDS + $2)); shift 2
  until "$@"; do [ "$SECONDS" -lt "$until" ] || fail "$what"; sleep 0.2; done
}

# Where each kit is built, kept and run.
prepare() {
  case $1 in
    python) "$python" -m unittest discover -q -s python ;;
    typescript) mkdir -p "$work/typescript"; cp typescript/*.ts typescript/*.json "$work/typescript/"; cp cases.json "$work/"
      (cd "$work/typescript" && npm ci --silent --no-audit --no-fund && npx tsc && node --test dist/cases.test.js >"$run/typescript.tests" \
        || { cat "$run/typescript.tests"; exit 1; }) ;;
    rust) (cd rust && cargo test --locked -q && cargo build --locked -q --examples) ;;
  esac
}
program() { # KIT essai|example
  case $1 in
    python) echo "$python python/$2.py" ;;
    typescript) echo "node $work/typescript/dist/$2.js" ;;
    rust) echo "$CARGO_TARGET_DIR/debug/examples/${2/example/print}" ;;
  esac
}
store() { if [ "$1" = python ]; then echo "$run/python.db"; else echo "$run/$1.jsonl"; fi; }
pid_of() { cat "$run/$1.pid"; }
# In the background, its output beside the store. Without --foreground, `timeout` passes a SIGTERM on twice, and the second one kills a
# program that has ended well and is about to be gone. It is `timeout` that is told to end: killed, it would leave the program behind.
start() { # KIT essai|example
  DLNUF_AMQP_URL=$(url "$1") DLNUF_QUEUE=dlnuf.abonne.essai-$1 DLNUF_TOOL_STORE=$(store "$1") \
    timeout --foreground -k 5 180 $(program "$1" "$2") >>"$run/$1.$2.out" 2>>"$run/$1.$2.err" &
  echo $! >"$run/$1.pid"
}

# A subscriber's own user, who may only consume; where the broker is not ours to administer, the one we were given.
url() { if [ -f "$run/user" ]; then sed "s#//[^@]*@#//dlnuf.abonne.essai-$1:essai@#" <<<"$DLNUF_TEST_AMQP_URL"; else echo "$DLNUF_TEST_AMQP_URL"; fi; }

holds() { [ "$(broker held "$(store "$1")")" = "$(broker expect "$2")" ]; }
telling() { grep -vx 'personne.etat [^ ]*'; } # without the readings that changed nothing: those may come again
drained() { [ "$(broker depth "dlnuf.abonne.essai-$1")" = 0 ]; }

[ -x "$python" ] || python3 -m venv "$work/venv"
"$python" -m pip install --quiet --disable-pip-version-check -r python/requirements.txt
for kit in "${kits[@]}"; do prepare "$kit" || fail "$kit: its own tests"; say "$kit: its own tests passed"; done

broker declare "${kits[@]}"
if [ -n "${DLNUF_SERVICES_HOME:-}" ]; then broker users "${kits[@]}" || fail "no users for the kits"; touch "$run/user"; fi
broker publish main

export ESSAI_FAIL=aaaaaaaa-0000-4000-8000-000000000001:3 ESSAI_KILL=bbbbbbbb-0000-4000-8000-000000000002:2
for kit in "${kits[@]}"; do
  start "$kit" essai
  code=0; wait "$(pid_of "$kit")" 2>/dev/null || code=$?
  [ "$code" = 137 ] || { cat "$run/$kit.essai.err"; fail "$kit: killed with 137, not $code"; }
  [ "$(grep -c 'not handled' "$run/$kit.essai.err")" = 3 ] || fail "$kit: three failures of the tool"
  grep -q 'connection over' "$run/$kit.essai.err" || fail "$kit: given back to the queue once"
  say "$kit: killed between write and acknowledgement"
  start "$kit" example
done
for kit in "${kits[@]}"; do
  eventually "$kit: holds what it should: $(diff <(broker expect main | tr '}' '\n') <(broker held "$(store "$kit")" | tr '}' '\n') | head)" 60 holds "$kit" main
done

if [ -n "${DLNUF_TEST_RABBITMQ_CTL:-}" ]; then
  $DLNUF_TEST_RABBITMQ_CTL kill; sleep 1; $DLNUF_TEST_RABBITMQ_CTL start
  eventually "publishing after the broker's death" 30 broker publish after 2>/dev/null
  for kit in "${kits[@]}"; do eventually "$kit: connected again" 60 holds "$kit" after; say "$kit: connected again"; done
fi

for kit in "${kits[@]}"; do
  kill -TERM "$(pid_of "$kit")"
  code=0; wait "$(pid_of "$kit")" || code=$?
  [ "$code" = 0 ] || { cat "$run/$kit.example.err"; fail "$kit: ends well on SIGTERM, not with $code"; }
  eventually "$kit: everything acknowledged" 10 drained "$kit"
  told=$(cat "$run/$kit.essai.out" "$run/$kit.example.out" | sed 's/ *$//' | telling)
  # Publishing may have been tried twice around the broker's death; the tool is told once.
  same "$kit: what was told" "$(broker transcript | telling)${DLNUF_TEST_RABBITMQ_CTL:+$'\n'personne.modifiee ${ESSAI_FAIL%:*} adresse.commune}" "$told"
  same "$kit: the dead letters" "poison-1 poison-2" "$(broker dead "$kit")"
  ! grep -l SECRET "$run/$kit".*.{out,err} || fail "$kit: a value in a log"
  say "$kit: told, held and dead are right"
done
say "passed: ${kits[*]}"
