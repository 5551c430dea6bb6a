"""The hub's side of test.sh: declares what the hub declares, publishes invented events, says what a right consumer ends with.

    essai.py declare KIT…  users KIT…  publish main|after  expect main|after  transcript  held STORE  depth QUEUE  dead KIT

Every value begins with SECRET-, so that one in a log is found.
"""

import base64
import json
import os
import sqlite3
import sys
import urllib.parse
import urllib.request

import pika

EXCHANGE = "dlnuf.profil.essai"
SNAPSHOT = "51515151-0000-4000-8000-000000000051"
A, B, C, D, E, F, G, H = (f"{letter * 8}-0000-4000-8000-00000000000{n}" for n, letter in enumerate("abcdef01", 1))
MANY = [f"99999999-0000-4000-8000-{n:012d}" for n in range(60)]
TOWN, RSA = "adresse.commune", "droits.rsa.etat"


def event(name, person, sequence, values=None, **data):
    changes = [{"champ": field, "avant": None, "apres": value and f"SECRET-{value}"} for field, value in (values or {}).items()]
    return {
        "specversion": "1.0", "id": f"{name}/{person}/{sequence}", "source": "/dlnuf", "type": f"fr.dlnuf.{name}", "subject": person,
        "time": "2026-11-29T10:54:25Z", "sequence": f"{sequence:010d}", "datacontenttype": "application/json",
        "dataschema": "https://dlnuf.fr/schemas/evenement/v1.json",
        "data": {"personne": {"id": person}, "provenance": {"source": "caf", "valide_le": "2026-11-29"}, "changements": changes, **data},
    }


def reading(person, sequence, values):
    return event("personne.etat", person, sequence, values, instantane=SNAPSHOT)


END = {**event("instantane.termine", "essai", 0, instantane={"id": SNAPSHOT, "personnes": 3})}
MAIN = [
    event("personne.creee", A, 1, {TOWN: "Reims", RSA: "ouvert"}),
    event("personne.entree", B, 1, {TOWN: "Langres"}),
    event("personne.modifiee", A, 2, {TOWN: "Chaumont"}),
    event("personne.modifiee", A, 2, {TOWN: "Chaumont"}),  # a repeat
    event("droit.suspendu", A, 3, {RSA: "suspendu"}),  # ESSAI_FAIL: given back, and what follows must not overtake
    event("droit.clos", A, 4, {RSA: "clos"}),
    event("personne.modifiee", A, 2, {TOWN: "Chaumont"}),  # a repeat out of order
    ("poison-1", b"not json, SECRET-"),
    ("poison-2", json.dumps({**event("droit.clos", A, 5, {RSA: "poison"}), "specversion": "2.0"}).encode()),
    event("personne.entree", C, 1, {TOWN: "Vitry", RSA: "ouvert"}),
    event("droit.clos", C, 3, {RSA: "clos"}),  # a gap
    reading(C, 3, {RSA: "clos"}) | {"data": {"changements": [{"champ": RSA, "avant": None, "apres": "SECRET-clos"}]}},  # its repair
    event("personne.entree", D, 1, {TOWN: "Joinville"}),
    event("personne.sortie", D, 2),
    event("personne.entree", D, 1, {TOWN: "Joinville"}),  # a repeat must not bring back who left
    event("personne.modifiee", B, 2, {TOWN: "Nogent"}),  # ESSAI_KILL: kill -9 between write and acknowledgement
    event("personne.modifiee", B, 3, {TOWN: "Wassy"}),
    event("personne.relue", B, 9),  # a type nobody knows yet
    event("personne.entree", E, 1, {TOWN: "Andelot"}),
    event("personne.entree", F, 1, {TOWN: "Bologne"}),
    reading(A, 4, {TOWN: "Chaumont", RSA: "clos"}),
    reading(B, 3, {TOWN: "Wassy"}),
    event("droit.ouvert", E, 2, {RSA: "ouvert"}),  # told about since the first reading
    reading(C, 3, {RSA: "clos"}),
    event("personne.creee", G, 1, {TOWN: "Doulevant"}),
    END,  # F was not seen
    END,
    reading(A, 4, {TOWN: "Chaumont", RSA: "clos"}),  # a repeat after the end
    event("personne.creee", H, 1, {TOWN: "Fayl"}),
    event("personne.fusionnee", H, 2, fusionnee_dans=A),
    *(event("personne.entree", person, 1, {TOWN: "Prauthoy"}) for person in MANY),
    *(event("personne.modifiee", person, 2, {TOWN: "Varennes"}) for person in MANY),
]
AFTER = [event("personne.modifiee", A, 5, {TOWN: "Bourmont"})]
HELD = {
    A: (4, {TOWN: "SECRET-Chaumont", RSA: "SECRET-clos"}), B: (3, {TOWN: "SECRET-Wassy"}), C: (3, {RSA: "SECRET-clos"}), D: (2, None),
    E: (2, {TOWN: "SECRET-Andelot", RSA: "SECRET-ouvert"}), F: (1, None), G: (1, {TOWN: "SECRET-Doulevant"}), H: (2, None),
    **{person: (2, {TOWN: "SECRET-Varennes"}) for person in MANY},
}
TRANSCRIPT = [
    f"personne.creee {A} {TOWN} {RSA}", f"personne.entree {B} {TOWN}", f"personne.modifiee {A} {TOWN}", f"droit.suspendu {A} {RSA}",
    f"droit.clos {A} {RSA}", f"personne.entree {C} {TOWN} {RSA}", f"droit.clos {C} {RSA}", f"gap {C} 1 3", f"personne.etat {C} {TOWN}",
    f"personne.entree {D} {TOWN}", f"personne.sortie {D} erased", f"personne.modifiee {B} {TOWN}", f"personne.modifiee {B} {TOWN}",
    f"personne.entree {E} {TOWN}", f"personne.entree {F} {TOWN}", f"personne.etat {A}", f"personne.etat {B}", f"droit.ouvert {E} {RSA}",
    f"personne.etat {C}", f"personne.creee {G} {TOWN}", f"instantane.termine {F} erased", f"personne.etat {A}", f"personne.creee {H} {TOWN}",
    f"personne.fusionnee {H} erased",
    *(f"personne.entree {person} {TOWN}" for person in MANY), *(f"personne.modifiee {person} {TOWN}" for person in MANY),
]


def connect():
    return pika.BlockingConnection(pika.URLParameters(os.environ["DLNUF_TEST_AMQP_URL"])).channel()


def declare(*kits):
    channel = connect()
    channel.exchange_declare(EXCHANGE, "topic", durable=True)
    for kit in kits:
        queue, dead = f"dlnuf.abonne.essai-{kit}", f"dlnuf.rebuts.essai-{kit}"
        for name in (queue, dead):
            channel.queue_delete(name)
        channel.queue_declare(dead, durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_declare(queue, durable=True, arguments={
            "x-queue-type": "quorum", "x-delivery-limit": 20, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead,
            "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"})
        channel.queue_bind(queue, EXCHANGE, "#")


def users(*kits):
    """A user for each kit as the hub makes one: it may read its queue. By the management API, which answers alike on RabbitMQ 3 and 4."""
    api = urllib.parse.urlsplit(os.environ["DLNUF_TEST_RABBITMQ_API"])
    secret = base64.b64encode(f"{api.username}:{api.password}".encode()).decode()
    for kit in kits:
        name = f"dlnuf.abonne.essai-{kit}"
        rights = {"configure": "^$", "write": "^$", "read": f"^dlnuf\\.abonne\\.essai-{kit}$"}
        for path, body in ((f"users/{name}", {"password": "essai", "tags": ""}), (f"permissions/%2F/{name}", rights)):
            headers = {"Authorization": f"Basic {secret}", "Content-Type": "application/json"}
            url = f"{api.scheme}://{api.hostname}:{api.port}/api/{path}"
            urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers, method="PUT"), timeout=30).close()


def publish(which):
    channel = connect()
    channel.confirm_delivery()
    for each in MAIN if which == "main" else AFTER:
        message_id, body = each if isinstance(each, tuple) else (each["id"], json.dumps(each).encode())
        key = "personne.entree.52" if isinstance(each, tuple) else f"{each['type'].removeprefix('fr.dlnuf.')}.52"
        properties = pika.BasicProperties(message_id=message_id, delivery_mode=2, content_type="application/cloudevents+json")
        channel.basic_publish(EXCHANGE, key, body, properties, mandatory=True)


def show(persons):
    print(json.dumps({id_: [last, state] for id_, (last, state) in persons.items()}, sort_keys=True))


def expect(which):
    after = {A: (5, {TOWN: "SECRET-Bourmont", RSA: "SECRET-clos"})} if which == "after" else {}
    show(HELD | after)


def transcript():
    print(*TRANSCRIPT, sep="\n")


def held(store):
    """Reads a store without the kit: SQLite, or JSON lines."""
    if not os.path.exists(store):
        return
    if store.endswith(".db"):
        rows = sqlite3.connect(store, timeout=10).execute("select id, last, state from persons")
        return show({id_: (last, state and json.loads(state)) for id_, last, state in rows})
    persons = {}
    with open(store, encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                persons |= json.loads(line).get("persons", {})
    show({id_: (person["last"], person["state"]) for id_, person in persons.items()})


def depth(queue):
    print(connect().queue_declare(queue, passive=True).method.message_count)


def dead(kit):
    channel, ids = connect(), []
    while (got := channel.basic_get(f"dlnuf.rebuts.essai-{kit}"))[0]:
        ids.append(got[1].message_id)
    print(*sorted(ids))  # unacknowledged: they stay


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
