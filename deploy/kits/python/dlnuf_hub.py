"""Asks the hub over HTTP what its queue does not say: whom to know, those to be shown again, and tells it what was applied.

Standard library alone. A failed call raises HubError, whose text bears the status and the code, never a value of a person or the token.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any

AT_ONCE = 1_000


class HubError(Exception):
    """The hub refused, or could not be reached."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirection would carry the token to wherever it leads."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Stay)


class Hub:
    """The hub at `url` (its token-guarded address), for the subscriber whose `token` this is."""

    def __init__(self, url: str, token: str, timeout_s: float = 30) -> None:
        self._url, self._token, self._timeout_s = url.rstrip("/"), token, timeout_s

    def repair(self, persons: Iterable[str]) -> list[str]:
        """Has these persons shown again through the subscriber's channel; returns those it is not to know, to be forgotten."""
        unknown: list[str] = []
        for some in _in_parts(sorted(set(persons))):
            unknown += self._call("POST", "repairs", {"subjects": some})["inconnus"]
        return unknown

    def snapshot(self) -> None:
        """Has everybody shown again."""
        self._call("POST", "snapshot")

    def report(self, effects: Iterable[Mapping[str, str]]) -> None:
        """Tells what became of events, each {"id", "etat": "applique" or "echec", "time"?, "cause"?: a word}."""
        for some in _in_parts(list(effects)):
            self._call("POST", "effects", {"effets": some})

    def differing(self, known: Mapping[str, int]) -> tuple[set[str], set[str]]:
        """Compares `known`, the last sequence of each person held, with what the hub told: whom to have repaired, whom to forget.

        What is on its way in the queue counts as told: compare with an empty queue, or again a moment later.
        """
        digests = self._call("GET", "digests")
        ranked = digests["lignes"] == "subject sequence"
        theirs = {part["compartiment"]: part["empreinte"] for part in digests["compartiments"]}
        ours: dict[str, dict[str, int]] = {}
        for person, sequence in known.items():
            ours.setdefault(person[:2], {})[person] = sequence
        repair: set[str] = set()
        forget: set[str] = set()
        for part in sorted(theirs.keys() | ours.keys()):
            held = ours.get(part, {})
            if part in theirs and theirs[part] == _digest(held, ranked):
                continue
            told = {line["subject"]: int(line["sequence"]) for line in self._call("GET", f"digests/{part}")["personnes"]}
            repair |= {person for person, at in told.items() if person not in held or (ranked and held[person] != at)}
            forget |= held.keys() - told.keys()
        return repair, forget

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._url}/v1/subscribers/me/{path}", data, method=method)
        request.add_header("Authorization", f"Bearer {self._token}")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with _OPENER.open(request, timeout=self._timeout_s) as answer:
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as refused:
            raise HubError(f"{method} {path.split('/')[0]}: {refused.code} {_code(refused)}") from None
        except (OSError, ValueError, http.client.HTTPException):
            raise HubError(f"{method} {path.split('/')[0]}: no answer that can be read") from None


def _digest(persons: Mapping[str, int], ranked: bool) -> str:
    lines = (f"{person} {persons[person]}\n" if ranked else f"{person}\n" for person in sorted(persons))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _in_parts(items: list[Any]) -> list[list[Any]]:
    return [items[at : at + AT_ONCE] for at in range(0, len(items), AT_ONCE)]


def _code(refused: urllib.error.HTTPError) -> str:
    try:
        code = str(json.load(refused).get("code", ""))
    except (OSError, ValueError, AttributeError, http.client.HTTPException):
        return ""
    return code if re.fullmatch(r"DLN\d{4}", code) else ""
