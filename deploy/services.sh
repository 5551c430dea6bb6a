#!/usr/bin/env bash
# Private PostgreSQL and RabbitMQ on free loopback ports, the Python of an S3-type server and the TypeScript kit, for tests and benchmarks.
#   services.sh with -- COMMAND…   runs COMMAND with DLNUF_TEST_POSTGRES_URL, DLNUF_TEST_AMQP_URL, DLNUF_TEST_RABBITMQ_API (the same
#                                  RabbitMQ's management API), DLNUF_TEST_S3_PYTHON and DLNUF_TEST_NODE_KIT set, then stops what it started
#   services.sh rabbit kill|start|block|unblock   breaks and mends the RabbitMQ of a `with`, for the tests inside it
#   services.sh install            installs Debian's packages, OpenSSH's among them, when they are missing (root on Debian only), and moto from PyPI
#   services.sh s3-python          installs only that, and tells where its Python is
# With DLNUF_TEST_RABBITMQ=4 that RabbitMQ is Debian trixie's, kept beside the rest in ~/.cache/dlnuf/trixie; root only.
# Servers named by those variables are used as they are. PostgreSQL refuses to run as root, so it runs as `postgres` then.
set -euo pipefail

say() { printf 'services: %s\n' "$*" >&2; }
pg_bin() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1; }
rabbit_bin() { local b; for b in /usr/lib/rabbitmq/bin /usr/lib/rabbitmq/lib/*/sbin; do [ -x "$b/rabbitmq-server" ] && echo "$b" && return; done; true; }
free_port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])' 2>/dev/null \
  || perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen=>1,LocalAddr=>"127.0.0.1")->sockport'; }

missing() {
  [ -n "${DLNUF_TEST_POSTGRES_URL:-}" ] || [ -x "$(pg_bin)/initdb" ] || echo postgresql
  [ -n "${DLNUF_TEST_AMQP_URL:-}" ] || [ -n "$(rabbit_bin)" ] || echo rabbitmq-server
  # The tests start their own SSH servers, on loopback, with keys they make.
  [ -x /usr/sbin/sshd ] || echo openssh-server
  command -v ssh-keygen >/dev/null || echo openssh-client
  # What institutions send and wrap their extracts with.
  local pair; for pair in curl:curl openssl:openssl gpg:gnupg zip:zip 7z:p7zip-full; do command -v "${pair%:*}" >/dev/null || echo "${pair#*:}"; done
  [ -x "$(s3_python)" ] || python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
}

# The S3-type server, moto, which checks signatures, and pika, for a tool as newcomers write it: in a virtual environment of its own that is kept between runs.
s3_python() { echo "${DLNUF_TEST_S3_PYTHON:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/dlnuf/moto-5.2.5-pika-1.3.2/bin/python}"; }

install_s3() {
  local python venv made; python=$(s3_python)
  [ ! -x "$python" ] || return 0
  [ -z "${DLNUF_TEST_S3_PYTHON:-}" ] || { say "DLNUF_TEST_S3_PYTHON names no program"; exit 1; }
  venv=${python%/bin/python}
  say "installing moto (an S3-type server) in $venv"
  mkdir -p "$(dirname "$venv")"
  # Made whole beside its place, or not at all: an install that was cut short must not look like one.
  made=$(mktemp -d "$venv.XXXXXX")
  if ! { python3 -m venv "$made" && "$made/bin/pip" install --quiet --disable-pip-version-check \
      'moto[s3,iam]==5.2.5' flask flask-cors pika==1.3.2 && "$made/bin/python" -c 'import moto.server, boto3, pika'; } >&2; then
    rm -rf "$made"
    say "moto could not be installed: python3 with venv and PyPI (or a mirror, PIP_INDEX_URL) are needed."
    say "Or name the Python of an environment that has it ('moto[s3,iam]' flask flask-cors pika) in DLNUF_TEST_S3_PYTHON."
    exit 1
  fi
  mv -T "$made" "$venv" 2>/dev/null || rm -rf "$made"
}

# The TypeScript kit as a tool would have it, with amqplib from the npm registry, compiled: kept between runs until the kit changes.
node_kit() {
  local sum; sum=$(cd "$(dirname "$0")/kits/typescript" && cat package-lock.json tsconfig.json *.ts | sha256sum | cut -c1-16)
  echo "${DLNUF_TEST_NODE_KIT:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/dlnuf/kit-typescript-$sum}"
}

install_node_kit() {
  local kit made; kit=$(node_kit)
  [ ! -f "$kit/dist/example.js" ] || return 0
  if ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(+(a < 20 || (a == 20 && b < 11)))' 2>/dev/null; then
    say "the TypeScript kit needs Node.js 20.11 or later with npm; or name a folder where it is built in DLNUF_TEST_NODE_KIT."
    exit 1
  fi
  say "building the TypeScript kit in $kit"
  mkdir -p "$(dirname "$kit")"
  made=$(mktemp -d "$kit.XXXXXX")
  cp "$(dirname "$0")"/kits/typescript/*.ts "$(dirname "$0")"/kits/typescript/*.json "$made/"
  if ! (cd "$made" && npm ci --silent --no-audit --no-fund && npx --no-install tsc) >&2; then
    rm -rf "$made"
    say "the TypeScript kit could not be built: npm and its registry are needed."
    exit 1
  fi
  mv -T "$made" "$kit" 2>/dev/null || rm -rf "$made"
}

# RabbitMQ 4 needs a newer libc than bookworm's: it lives in a trixie of its own, of which only /usr is used.
rabbit_root() { [ -z "${DLNUF_TEST_RABBITMQ:-}" ] || echo "${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/dlnuf/trixie"; }

install_rabbit_4() {
  local root made; root=$(rabbit_root)
  [ -n "$root" ] && [ -z "${DLNUF_TEST_AMQP_URL:-}" ] || return 0
  [ "$DLNUF_TEST_RABBITMQ" = 4 ] || { say "DLNUF_TEST_RABBITMQ is \`$DLNUF_TEST_RABBITMQ\`: only 4 is known, or nothing for Debian's own"; exit 1; }
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || ! unshare --mount true; then
    say "RabbitMQ 4 is run here by root on Debian only, who may mount. A running one may be named in DLNUF_TEST_AMQP_URL instead."
    exit 1
  fi
  [ ! -d "$root" ] || return 0
  command -v debootstrap >/dev/null || install_packages debootstrap
  say "installing RabbitMQ 4 with Debian trixie in $root"
  mkdir -p "$(dirname "$root")"
  made=$(mktemp -d "$root.XXXXXX"); chmod 755 "$made"
  mkdir -p "$made/usr/sbin"; printf '#!/bin/sh\nexit 101\n' >"$made/usr/sbin/policy-rc.d"; chmod +x "$made/usr/sbin/policy-rc.d"
  # What it mounts is seen by it alone, and goes with it.
  if ! unshare --mount debootstrap --variant=minbase --include=rabbitmq-server trixie "$made" http://deb.debian.org/debian >"$made/made.log" 2>&1; then
    tail -5 "$made/made.log" >&2
    rm -rf "$made"
    say "Debian trixie could not be installed: Debian's mirror is needed."
    exit 1
  fi
  rm -f "$made"/var/cache/apt/archives/*.deb
  mv -T "$made" "$root" 2>/dev/null || rm -rf "$made"
}

install() {
  install_rabbit_4
  install_packages
  install_s3
  install_node_kit
}

install_packages() {
  local wanted; wanted=${1:-$(missing)}
  [ -z "$wanted" ] && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "missing: $(echo $wanted). Install them; running servers may be named in DLNUF_TEST_POSTGRES_URL and DLNUF_TEST_AMQP_URL instead."
    exit 1
  fi
  say "installing $(echo $wanted)"
  # Packages must not start their own daemons; the policy file goes away afterwards unless it was there before.
  local policy=/usr/sbin/policy-rc.d made=
  [ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; made=1; }
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted >/dev/null
  [ -z "$made" ] || rm -f "$policy"
}

as() { # run as the service's own user when we are root, else as ourselves
  local user=$1; shift
  if [ "$(id -u)" = 0 ]; then runuser -u "$user" -- "$@"; else "$@"; fi
}

start_postgres() {
  local bin port; bin=$(pg_bin); port=$(free_port)
  mkdir -p "$home/pg"; [ "$(id -u)" != 0 ] || chown postgres "$home/pg"
  as postgres "$bin/initdb" -D "$home/pg/data" -A trust -U postgres -E UTF8 --locale=C.UTF-8 >"$home/pg.log" 2>&1
  as postgres "$bin/pg_ctl" -D "$home/pg/data" -l "$home/pg/log" -w start \
    -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories='' -c max_connections=100 -c shared_buffers=256MB -c max_wal_size=4GB" \
    >>"$home/pg.log" 2>&1
  echo "postgres://postgres@127.0.0.1:$port/postgres" >"$home/pg.url"
}

rabbit_env() {
  env -i PATH="$PATH" HOME="$home/rabbit" LANG=C.UTF-8 RABBITMQ_NODENAME="dlnuf$1@localhost" RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 \
    ${DLNUF_TEST_RABBITMQ:+DLNUF_RABBITMQ_ROOT="$(rabbit_root)"} RABBITMQ_NODE_PORT="$1" RABBITMQ_DIST_PORT="$2" ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$3" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}" RABBITMQ_CONF_ENV_FILE="$home/rabbit/none" \
    RABBITMQ_CONFIG_FILE="$home/rabbit/rabbitmq" RABBITMQ_ENABLED_PLUGINS_FILE="$home/rabbit/plugins" \
    RABBITMQ_MNESIA_BASE="$home/rabbit/mnesia" RABBITMQ_LOG_BASE="$home/rabbit/log" RABBITMQ_PID_FILE="$home/rabbit/pid" "${@:4}"
}

start_rabbit() {
  local port dist epmd api; port=$(free_port); dist=$(free_port); epmd=$(free_port); api=$(free_port)
  mkdir -p "$home/rabbit/mnesia" "$home/rabbit/log"
  # Without rates the management keeps no history of messages; counts of queues stay.
  printf '%s\n' "listeners.tcp.default = 127.0.0.1:$port" 'disk_free_limit.absolute = 500MB' 'management.tcp.ip = 127.0.0.1' \
    "management.tcp.port = $api" 'management.rates_mode = none' >"$home/rabbit/rabbitmq.conf"
  echo '[rabbitmq_management].' >"$home/rabbit/plugins"
  [ "$(id -u)" != 0 ] || chown -R rabbitmq "$home/rabbit"
  echo "$port $dist $epmd" >"$home/rabbit.ports"
  echo "http://guest:guest@127.0.0.1:$api" >"$home/rabbit.api"
  boot_rabbit
}

as_rabbit() {
  [ "$(id -u)" = 0 ] || exec "$@"
  [ -n "${DLNUF_RABBITMQ_ROOT:-}" ] || exec runuser -u rabbitmq -- "$@"
  # Only these processes see trixie's /usr, and there is nothing to unmount when they end. All else is the machine's: paths, users, numbers, network.
  # shellcheck disable=SC2016 # that shell is to expand it
  exec unshare --mount sh -c 'mount --bind "$0/usr" /usr && exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups "$@"' "$DLNUF_RABBITMQ_ROOT" "$@"
}

boot_rabbit() {
  local bin port dist epmd; bin=$(rabbit_bin); read -r port dist epmd <"$home/rabbit.ports"
  ( cd "$home/rabbit" && rabbit_env "$port" "$dist" "$epmd" setsid "$0" as-rabbit "$bin/rabbitmq-server" >"$home/rabbit.log" 2>&1 </dev/null & )
  local try; for try in $(seq 60); do
    if rabbit_env "$port" "$dist" "$epmd" "$0" as-rabbit "$bin/rabbitmqctl" -q --node "dlnuf$port@localhost" await_startup --timeout 5 >/dev/null 2>&1; then
      echo "amqp://guest:guest@127.0.0.1:$port/%2f" >"$home/rabbit.url"; return
    fi
    sleep 0.5
  done
  say "RabbitMQ did not start:"; tail -20 "$home/rabbit.log" >&2; return 1
}

rabbit() {
  home=${DLNUF_SERVICES_HOME:?is set inside services.sh with}
  local port dist epmd; read -r port dist epmd <"$home/rabbit.ports"
  local ctl="$(rabbit_bin)/rabbitmqctl"
  case $1 in
    kill) kill_rabbit ;;
    start) boot_rabbit ;;
    # A memory alarm: the broker takes nothing from those who publish until it is over.
    block) rabbit_env "$port" "$dist" "$epmd" "$0" as-rabbit "$ctl" -q --node "dlnuf$port@localhost" set_vm_memory_high_watermark 0.00001 ;;
    unblock) rabbit_env "$port" "$dist" "$epmd" "$0" as-rabbit "$ctl" -q --node "dlnuf$port@localhost" set_vm_memory_high_watermark 0.4 ;;
    *) say "rabbit kill|start|block|unblock"; exit 2 ;;
  esac
}

kill_rabbit() { # when it runs: the number of one that is gone may be another's by now
  local pid; pid=$(cat "$home/rabbit/pid" 2>/dev/null) && grep -qsa "$home/rabbit" "/proc/$pid/environ" || return 0
  kill -9 "$pid"; while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
}

stop_all() {
  trap - EXIT INT TERM
  if [ -d "$home/pg/data" ]; then as postgres "$(pg_bin)/pg_ctl" -D "$home/pg/data" -m immediate stop >/dev/null 2>&1 || true; fi
  if [ -f "$home/rabbit.ports" ]; then
    local port dist epmd; read -r port dist epmd <"$home/rabbit.ports"
    # Nothing of it is kept, and its management would take five seconds to leave.
    kill_rabbit
    local epmd_bin; epmd_bin=$(command -v epmd || ls /usr/lib/erlang/erts-*/bin/epmd 2>/dev/null | head -1)
    ERL_EPMD_PORT=$epmd "$epmd_bin" -kill >/dev/null 2>&1 || true
  fi
  rm -rf "$home"
}

with() {
  install
  home=$(mktemp -d "${TMPDIR:-/tmp}/dlnuf-services.XXXXXX"); chmod 755 "$home"
  trap stop_all EXIT; trap 'exit 130' INT; trap 'exit 143' TERM
  local pg= rabbit=
  [ -n "${DLNUF_TEST_POSTGRES_URL:-}" ] || { start_postgres & pg=$!; }
  [ -n "${DLNUF_TEST_AMQP_URL:-}" ] || { start_rabbit & rabbit=$!; }
  [ -z "$pg" ] || { wait "$pg" || { say "PostgreSQL did not start:"; cat "$home/pg.log" >&2; exit 1; }; DLNUF_TEST_POSTGRES_URL=$(cat "$home/pg.url"); }
  [ -z "$rabbit" ] || { wait "$rabbit" || exit 1; DLNUF_TEST_AMQP_URL=$(cat "$home/rabbit.url"); }
  # Of our own broker only: of a server that was given, whoever gives it names the API as well.
  [ -z "$rabbit" ] || export DLNUF_TEST_RABBITMQ_API="$(cat "$home/rabbit.api")"
  DLNUF_TEST_S3_PYTHON=$(s3_python); DLNUF_TEST_NODE_KIT=$(node_kit)
  export DLNUF_TEST_POSTGRES_URL DLNUF_TEST_AMQP_URL DLNUF_TEST_S3_PYTHON DLNUF_TEST_NODE_KIT
  # Only our own broker may be broken: a server that was given is not ours to kill.
  [ -z "$rabbit" ] || export DLNUF_SERVICES_HOME="$home" DLNUF_TEST_RABBITMQ_CTL="$0 rabbit"
  "$@"
}

case "$0" in /*) ;; *) exec "$(cd "$(dirname "$0")" && pwd)/$(basename "$0")" "$@" ;; esac
case ${1:-} in
  with) shift; [ "${1:-}" != -- ] || shift; with "$@" ;;
  install) install ;;
  s3-python) install_s3; s3_python ;;
  rabbit) rabbit "${2:-}" ;;
  as-rabbit) shift; as_rabbit "$@" ;;
  *) sed -n '2,9p' "$0" | cut -c3-; exit 2 ;;
esac
