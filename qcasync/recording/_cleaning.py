"""What of an answer may be kept: all that its reader needs, and nothing that opens an account.

A refusal repeats the hash of the request it refuses, so every text of a refusal is scrubbed; so is what is no JSON. An
answer that is none is kept as it came, byte for byte, for it is the data; only the contents of project files, which are
somebody's algorithm and may hold keys, become "".
"""

import re
from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

from qcasync._core.redaction import MAX_TEXT, REDACTED, scrub

KEPT_HEADERS: Final = ("date", "retry-after", "retry-after-ms", "content-type", "age", "cf-mitigated")
"""What the reading of an answer looks at. `location` is not among them: its query may hold a token."""

_PIECE: Final = 400
_BREAKS: Final = re.compile(r"(?<=[\n\",;<>(){}\[\]])|(?<=\s\s)")
"""Where a text may be cut without cutting a secret in two: none is spelled with these."""
_SIGNS: Final = re.compile("[^a-z]")
_CONTENT: Final = re.compile(rb'("content"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE | re.DOTALL)
"""A file's content in what is nearly JSON: with NaN in it, or cut."""

_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array: Final = msgspec.json.Decoder(list[msgspec.Raw])
_NO_JSON: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers worth keeping, scrubbed."""
    return {name: scrub(headers[name]) for name in KEPT_HEADERS if name in headers}


def clean(status_code: int, body: bytes) -> bytes:
    """A body without hashes, tokens and the contents of project files. Cost: one pass, if there is nothing to do."""
    try:
        told = _object.decode(body)
        if not 200 <= status_code < 300 or _is_refusal(told):
            return msgspec.json.encode(_scrubbed(msgspec.json.decode(body)))
        return _without_secrets(told, body)
    except _NO_JSON:
        return _clean_bytes(_CONTENT.sub(rb'\1""', body))


def _is_refusal(told: Mapping[str, msgspec.Raw]) -> bool:
    return any(_plain(key) == "success" and bytes(value).strip(b'"').lower() != b"true" for key, value in told.items())


def _without_secrets(told: dict[str, msgspec.Raw], body: bytes) -> bytes:
    """A success as it came, unless it holds words of the server or files."""
    changed = _changed_files(told) if b"content" in body.lower() else {}
    for key, value in told.items():
        if _plain(key) in {"errors", "messages"} and bytes(value) not in (b"[]", b"null"):
            changed[key] = msgspec.Raw(msgspec.json.encode(_scrubbed(msgspec.json.decode(value))))
    return msgspec.json.encode(told | changed) if changed else body


def _changed_files(told: Mapping[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """Members that hold project files, at any depth, with the files' contents gone."""
    changed = {key: _emptied(value) if _plain(key) == "files" else _searched(value) for key, value in told.items()}
    return {key: value for key, value in changed.items() if value is not told[key]}


def _searched(raw: msgspec.Raw) -> msgspec.Raw:
    """The same value, unless there are files in it."""
    text = bytes(raw)
    if b"content" not in text.lower():
        return raw
    if text.startswith(b"{"):
        told = _object.decode(text)
        changed = _changed_files(told)
        return msgspec.Raw(msgspec.json.encode(told | changed)) if changed else raw
    if text.startswith(b"["):
        entries = _array.decode(text)
        found = [_searched(entry) for entry in entries]
        same = all(new is old for new, old in zip(found, entries, strict=True))
        return raw if same else msgspec.Raw(msgspec.json.encode(found))
    return raw


def _emptied(raw: msgspec.Raw) -> msgspec.Raw:
    """A list of files, or what stands where one is expected."""
    text = bytes(raw)
    if text.startswith(b"["):
        return msgspec.Raw(msgspec.json.encode([_emptied(entry) for entry in _array.decode(text)]))
    if not text.startswith(b"{"):
        return raw
    told = _object.decode(text)
    return msgspec.Raw(
        msgspec.json.encode(
            {key: msgspec.Raw(b'""') if _plain(key) == "content" else _emptied(value) for key, value in told.items()}
        )
    )


def _scrubbed(value: Any) -> Any:  # whatever JSON can say
    """A value with every text in it scrubbed, keys included."""
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, list):
        return [_scrubbed(each) for each in cast("list[object]", value)]
    if isinstance(value, dict):
        return {
            _clean_text(key): REDACTED if _plain(key) in {"uid", "userid"} else _scrubbed(each)
            for key, each in cast("dict[str, object]", value).items()
        }
    return value


def _clean_bytes(body: bytes) -> bytes:
    try:
        return _clean_text(body.decode()).encode()
    except UnicodeDecodeError:
        return _clean_text(body.decode("latin-1")).encode("latin-1", "replace")


def _clean_text(text: str) -> str:
    """A text of any length, scrubbed piece by piece: `scrub` bounds what it is given."""
    if len(text) <= MAX_TEXT:
        return scrub(text)
    pieces = [""]
    for part in _BREAKS.split(text):
        if len(pieces[-1]) + len(part) > _PIECE:
            pieces.append("")
        pieces[-1] += part
    return "".join(map(scrub, pieces))


def _plain(key: str) -> str:
    """A key as every spelling of the API has it."""
    return _SIGNS.sub("", key.lower())
