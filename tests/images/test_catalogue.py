from __future__ import annotations

import hashlib

import numpy as np
import pytest

from usae_viz.images.catalogue import NOTHING, Catalogue, Texts


def digests(count: int) -> list[bytes]:
    return [hashlib.sha256(bytes([number])).digest() for number in range(count)]


def test_images_are_sorted_and_each_finds_its_item() -> None:
    made = digests(40)
    catalogue = Catalogue(b"".join(made))
    assert list(catalogue.ids) == sorted(digest.hex() for digest in made)
    assert [catalogue.item(digest.hex()) for digest in made] == list(range(40))
    assert catalogue.repeats == []


def test_hashes_that_begin_or_end_with_zeros_stay_themselves() -> None:
    made = [bytes(31) + b"\1", b"\1" + bytes(31), b"\1" + bytes(30) + b"\1", b"\xff" + bytes(31)]
    catalogue = Catalogue(b"".join(made))
    assert list(catalogue.ids) == sorted(digest.hex() for digest in made)
    assert [catalogue.item(digest.hex()) for digest in made] == [0, 1, 2, 3]


def test_repeats_name_the_first_and_nothing_is_left_out() -> None:
    a, b, c = digests(3)
    catalogue = Catalogue(b"".join([b, a, NOTHING, b, c, b]))
    assert sorted(catalogue.repeats) == [(3, 0), (5, 0)]
    assert len(catalogue.ids) == 3
    assert catalogue.item(b.hex()) == 0
    assert Catalogue(NOTHING).ids == ()
    assert len(Catalogue(b"").ids) == 0


def test_a_limit_keeps_the_lowest_hashes() -> None:
    made = digests(20)
    catalogue = Catalogue(b"".join(made), 5)
    assert list(catalogue.ids) == sorted(digest.hex() for digest in made)[:5]
    with pytest.raises(KeyError):
        catalogue.item(sorted(digest.hex() for digest in made)[5])


def test_ids_behave_as_a_tuple_of_texts() -> None:
    ids = Catalogue(b"".join(digests(6))).ids
    texts = tuple(ids)
    assert (ids[0], ids[-1], ids[1:5:2], len(ids)) == (texts[0], texts[-1], texts[1:5:2], 6)
    assert ids == texts
    assert ids != texts[:5]
    assert texts[3] in ids
    assert "00" * 32 not in ids
    assert 3 not in ids
    with pytest.raises(IndexError):
        ids[6]


def test_texts_hold_any_file_name() -> None:
    names = ["a", "", "ä/日本.png", b"\xff\xfe.png".decode("utf-8", "surrogateescape"), "b" * 300]
    texts = Texts(names)
    assert list(texts) == names
    assert texts[-1] == names[-1]
    assert texts[1:3] == names[1:3]


def test_an_image_costs_tens_of_bytes() -> None:
    hashes = np.random.default_rng(0).integers(0, 256, 32 * 1000, dtype=np.uint8).tobytes()
    catalogue = Catalogue(hashes)
    assert len(catalogue.ids._digests) + catalogue._items.nbytes == 40 * 1000
