"""Damage done to files on purpose: to bytes, to JSON and TOML trees, to safetensors headers."""

from __future__ import annotations

import copy
import json
import random
import struct
from typing import Any

PLACES = ("../../../outside", "/tmp/outside", "a/../../../outside", "x\0y", "..", "", "~/outside")
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**70), 10**30, 0.5, -0.0, 1e308, -1e-300,
    "nan", "inf", [], {}, [[]], [None], {"": {}}, "x" * 5000, "\u202e\ud83d", "${HOME}", "a\nb",
    "`id`", "<script>", *PLACES,
]  # fmt: skip


def bytes_of(data: bytes, chance: random.Random) -> bytes:
    """Flip bits, cut, repeat, insert, or overwrite with a huge number."""
    work = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 8])):
        at = chance.randrange(len(work) + 1)
        # Where a format keeps its sizes.
        near = min(len(work), chance.randrange(64))
        kind = chance.randrange(8)
        if kind == 0 and work:
            work[min(at, len(work) - 1)] ^= 1 << chance.randrange(8)
        elif kind == 1 and work:
            work[min(near, len(work) - 1)] = chance.randrange(256)
        elif kind == 2:
            del work[at:]
        elif kind == 3:
            del work[at : at + chance.randrange(1, 40)]
        elif kind == 4:
            work[at:at] = work[at : at + chance.randrange(1, 200)]
        elif kind == 5:
            work[at:at] = chance.randbytes(chance.randrange(1, 20))
        elif kind == 6:
            size = chance.choice([2**31 - 1, 2**32 - 1, 2**62, 2**64 - 1])
            work[near : near + 8] = struct.pack("<Q", size)
        else:
            work[near : near + 4] = struct.pack(">I", chance.choice([2**31 - 1, 60_000, 0]))
    return bytes(work)


def tree_of(table: Any, chance: random.Random, *, none: bool = True) -> Any:
    """Change a few nodes of nested dicts and lists; without `none` no null is put in (TOML)."""
    table = copy.deepcopy(table)
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        nodes = [node for node in _nodes(table) if node]
        if not nodes:
            break
        node = chance.choice(nodes)
        key = chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
        kind = chance.randrange(6)
        odd = chance.choice([each for each in ODD if none or each is not None])
        if kind == 0:
            del node[key]
        elif kind == 1 and isinstance(node, dict):
            node[chance.choice(["", "x", "../x", "__class__", "0", *PLACES])] = node.pop(key)
        elif kind == 2 and isinstance(node, list):
            node.extend(copy.deepcopy(node) * chance.choice([1, 50]))
        elif kind == 3:
            node[key] = [copy.deepcopy(node[key])]
        elif kind == 4 and isinstance(node[key], int | float):
            node[key] = node[key] * chance.choice([-1, 0, 2, 1000, 10**9])
        else:
            node[key] = copy.deepcopy(odd)
    return table


def _nodes(table: Any) -> list[Any]:
    if isinstance(table, dict):
        return [table, *(found for each in table.values() for found in _nodes(each))]
    if isinstance(table, list):
        return [table, *(found for each in table[:50] for found in _nodes(each))]
    return []


def json_of(data: bytes, chance: random.Random) -> bytes:
    """Damage a JSON file: mostly its tree, sometimes its bytes."""
    if chance.random() < 0.3:
        return bytes_of(data, chance)
    if chance.random() < 0.03:
        return b"[" * 200_000
    return json.dumps(tree_of(json.loads(data), chance)).encode("utf-8", "surrogatepass")


def safetensors_of(data: bytes, chance: random.Random) -> bytes:
    """Damage a safetensors file: half of the time its header's tree, else its bytes."""
    if chance.random() < 0.5:
        return bytes_of(data, chance)
    length = int.from_bytes(data[:8], "little")
    header = tree_of(json.loads(data[8 : 8 + length]), chance)
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]
