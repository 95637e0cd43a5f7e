"""Saved images: both formats are read, and whatever does not fit is refused before a byte of it is sent."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest

from deploy.local.images import File, Image, archive, layer, tar
from deploy.local.registry import INDEX, MANIFEST, encode, sha256
from marketplace.registry import saved, tarball
from marketplace.registry.manifests import LARGEST
from marketplace.registry.saved import Saved
from marketplace.registry.tarball import BadArchive
from tests.marketplace.archives import Entry, Listed, packed, simple, unpack

IMAGE = Image(layers=[layer([File("program", b"x" * 5000)])], arch="amd64")


def read(raw: bytes, wanted: str) -> Saved:
    return saved.read(io.BytesIO(raw), wanted)


def held(raw: bytes, found: Saved) -> dict[str, bytes]:
    """The bytes of each blob, as whoever sends it would read them."""
    return {digest: raw[piece.offset : piece.offset + piece.descriptor.size] for digest, piece in found.pieces.items()}


def layout(*, files: dict[str, bytes] | None = None, entries: list[dict[str, Any]] | None = None) -> bytes:
    """An OCI layout of these blobs and entries."""
    blobs: list[Entry] = [(f"blobs/{sha256(content).replace(':', '/')}", content) for content in (files or {}).values()]
    index = encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries or []})
    return packed([("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), *blobs, ("index.json", index)])


def entry(content: bytes, media_type: str = MANIFEST, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": sha256(content), "size": len(content), **more}


# --- Both formats ----------------------------------------------------------------------------------------------------


def test_the_older_format_gives_a_manifest_of_what_is_there() -> None:
    image = simple(b"one", b"two")
    found = read(image.bytes(), image.id)
    body = json.loads(found.root.raw)
    assert body["mediaType"] == MANIFEST and body["config"]["digest"] == image.id
    assert [one["digest"] for one in body["layers"]] == [sha256(one) for one in image.layers]
    assert {one["mediaType"] for one in body["layers"]} == {"application/vnd.oci.image.layer.v1.tar"}
    blobs = held(image.bytes(), found)
    assert blobs[image.id] == image.config_raw
    assert all(sha256(content) == digest for digest, content in blobs.items())


def test_the_same_image_gives_the_same_manifest_however_it_is_packed() -> None:
    image = simple(b"one", b"two")
    other = packed([("./" + name, content) for name, content in reversed(image.entries)])
    assert read(other, image.id).root.raw == read(image.bytes(), image.id).root.raw


def test_a_layer_that_an_image_has_twice_may_be_a_link() -> None:
    image = simple(b"one", b"one")
    image.layers[1] = image.layers[0]
    image = Listed(image.layers)
    image.names = ["a/layer.tar", "b/layer.tar"]
    entries: list[Entry] = [("a/layer.tar", image.layers[0]), ("b/layer.tar", "../a/layer.tar"), *image.entries[2:]]
    found = read(packed(entries), image.id)
    assert [one["digest"] for one in json.loads(found.root.raw)["layers"]] == [sha256(image.layers[0])] * 2
    assert len(found.pieces) == 2


def test_the_oci_layout_keeps_every_byte() -> None:
    raw = archive(IMAGE, "shop/web:1")
    top = json.loads(unpack(raw)["index.json"])["manifests"][0]
    found = read(raw, top["digest"])
    assert found.root.digest == top["digest"]
    assert all(sha256(content) == digest for digest, content in held(raw, found).items())
    config = json.loads(found.root.raw)["config"]["digest"]
    assert read(raw, config).root.digest == top["digest"], "engines of another store call it by its config"


def _two_platforms() -> tuple[dict[str, bytes], dict[str, Any], list[str]]:
    files: dict[str, bytes] = {}
    children = []
    for arch in ("amd64", "arm64"):
        inside = unpack(archive(Image(layers=[layer([File("program", arch.encode())])], arch=arch), "x"))
        own = json.loads(inside["index.json"])["manifests"][0]
        files |= {name: content for name, content in inside.items() if name.startswith("blobs/")}
        children.append({"mediaType": MANIFEST, "digest": own["digest"], "size": own["size"],
                         "platform": {"os": "linux", "architecture": arch}})  # fmt: skip
    index = encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": children})
    files["index"] = index
    return files, entry(index, INDEX), [str(child["digest"]) for child in children]


def test_an_index_is_kept_whole_when_all_platforms_are_held() -> None:
    files, top, children = _two_platforms()
    found = read(layout(files=files, entries=[top]), top["digest"])
    assert found.root.digest == top["digest"]
    assert [one.digest for one in found.manifests[:-1]] == children


def test_of_an_index_the_platform_that_is_held_is_taken() -> None:
    files, top, (first, second) = _two_platforms()
    gone = next(name for name, content in files.items() if sha256(content) == second)
    del files[gone]
    found = read(layout(files=files, entries=[top]), top["digest"])
    assert [one.digest for one in found.manifests] == [first]


def test_attestations_that_are_not_held_are_left_out_of_the_index() -> None:
    files, _, children = _two_platforms()
    body = json.loads(files.pop("index"))
    body["manifests"].append({"mediaType": MANIFEST, "digest": sha256(b"gone"), "size": 4})
    files["index"] = encode(body)
    top = entry(files["index"], INDEX)
    found = read(layout(files=files, entries=[top]), top["digest"])
    assert [one["digest"] for one in json.loads(found.root.raw)["manifests"]] == children


# --- What does not fit -----------------------------------------------------------------------------------------------


def test_another_image_is_refused() -> None:
    image = simple(b"one")
    for raw in (image.bytes(), archive(IMAGE, "x")):
        with pytest.raises(BadArchive, match="another image"):
            read(raw, sha256(b"other"))


def test_missing_parts_are_refused() -> None:
    image = simple(b"one", b"two")
    for name, _content in image.entries:
        with pytest.raises(BadArchive, match=r"no file|another image"):
            read(packed([one for one in image.entries if one[0] != name]), image.id)
    inside = unpack(archive(IMAGE, "x"))
    top = json.loads(inside["index.json"])["manifests"][0]["digest"]
    for gone in inside:
        if gone != "oci-layout":
            with pytest.raises(BadArchive):
                read(packed([(name, content) for name, content in inside.items() if name != gone]), top)


def test_a_blob_of_another_size_or_a_config_of_another_image_is_refused() -> None:
    inside = unpack(archive(IMAGE, "x"))
    top = json.loads(inside["index.json"])["manifests"][0]["digest"]
    for name in [name for name in inside if name.startswith("blobs/")]:
        with pytest.raises(BadArchive):
            read(packed([(one, content + b" " if one == name else content) for one, content in inside.items()]), top)


def test_layers_that_do_not_fit_the_config_are_refused() -> None:
    image = simple(b"one", b"two")
    image.config["rootfs"] = {"diff_ids": [sha256(image.layers[0])]}
    with pytest.raises(BadArchive, match="differ in their layers"):
        read(image.bytes(), image.id)
    unpacked = tar([File("a", b"1")])
    config = encode({"rootfs": {"diff_ids": [sha256(b"other")]}})
    manifest = encode({"schemaVersion": 2, "mediaType": MANIFEST,
                       "config": entry(config, "application/vnd.oci.image.config.v1+json"),
                       "layers": [entry(unpacked, "application/vnd.oci.image.layer.v1.tar")]})  # fmt: skip
    raw = layout(files={"c": config, "l": unpacked, "m": manifest}, entries=[entry(manifest)])
    with pytest.raises(BadArchive, match="differ in their layers"):
        read(raw, sha256(manifest))


def test_two_layers_of_one_digest_and_two_sizes_are_refused() -> None:
    image = simple(b"one", b"two")
    image.config["rootfs"] = {"diff_ids": [sha256(image.layers[0])] * 2}
    image.layers[1] += b"\0" * 512
    image.names[1] = "longer/layer.tar"
    with pytest.raises(BadArchive, match="two layers of one digest"):
        read(packed([*zip(image.names, image.layers, strict=True), *image.entries[2:]]), image.id)


@pytest.mark.parametrize(
    "config",
    [b"", b"[]", b'{"rootfs": null}', b'{"rootfs": {"diff_ids": ["../../x"]}}', b"[" * 100_000, b"\xff\xfe"],
)
def test_a_config_that_is_none_is_refused(config: bytes) -> None:
    rows = [{"Config": "c.json", "Layers": ["l"]}]
    raw = packed([("l", b""), ("c.json", config), ("manifest.json", json.dumps(rows).encode())])
    with pytest.raises(BadArchive):
        read(raw, sha256(config))


@pytest.mark.parametrize("rows", [b"{}", b"[{}]", b'[{"Config": 7, "Layers": {}}]', b"[null]", b"nothing"])
def test_a_list_that_is_none_is_refused(rows: bytes) -> None:
    with pytest.raises(BadArchive):
        read(packed([("manifest.json", rows)]), sha256(b""))


def test_documents_have_a_largest_size() -> None:
    with pytest.raises(BadArchive, match="too large"):
        read(packed([("manifest.json", b" " * (LARGEST + 1))]), sha256(b""))


# --- Hostile archives ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../../evil", "..", "a/" * 3000])
def test_names_that_lead_outside_are_refused(name: str) -> None:
    with pytest.raises(BadArchive):
        tarball.index(io.BytesIO(packed([(name, b"x")])))


def _one(**fields: Any) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as made:
        member = tarfile.TarInfo("a")
        for name, value in fields.items():
            setattr(member, name, value)
        made.addfile(member)
    return raw.getvalue()


@pytest.mark.parametrize("target", ["../outside", "/etc/passwd"])
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_that_lead_outside_are_refused(kind: bytes, target: str) -> None:
    with pytest.raises(BadArchive, match="outside"):
        tarball.index(io.BytesIO(_one(type=kind, linkname=target)))


def test_links_in_a_circle_are_no_file() -> None:
    members = tarball.index(io.BytesIO(packed([("a", "b"), ("b", "a")])))
    with pytest.raises(BadArchive, match="no file"):
        tarball.find(members, "a")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE])
def test_devices_and_the_like_are_refused(kind: bytes) -> None:
    with pytest.raises(BadArchive):
        tarball.index(io.BytesIO(_one(type=kind)))


def _resized(size: bytes) -> bytes:
    """The header of an empty file that says another size."""
    header = bytearray(_one()[:512])
    header[124:136] = size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + b"\0" * 1024


@pytest.mark.parametrize(
    "size", [b"77777777777\0", b"\x80" + b"\xff" * 11, b"\xff" * 12, b"999999999999", b"-0000000001\0"]
)
def test_absurd_sizes_are_refused(size: bytes) -> None:
    with pytest.raises(BadArchive):
        tarball.index(io.BytesIO(_resized(size)))


def test_an_extended_header_is_bounded_and_whole() -> None:
    long = packed([("n" * 300, b"x")])
    assert list(tarball.index(io.BytesIO(long))) == ["n" * 300]
    for wrong in (b"9999999 path=a\n", b"path=a\n", b"7 path\n", b"12 path=\xff\xfe\n", b"9 size=-\n"):
        header = bytearray(_one(type=tarfile.XHDTYPE, size=len(wrong))[:512])
        with pytest.raises(BadArchive):
            tarball.index(io.BytesIO(bytes(header) + wrong.ljust(512, b"\0") + _one()))
    huge = _one(type=tarfile.GNUTYPE_LONGNAME, size=tarball.LARGEST_HEADER + 1)[:512]
    with pytest.raises(BadArchive, match="too large"):
        tarball.index(io.BytesIO(huge + b"\0" * 200_000))


def test_cut_and_damaged_archives_are_refused() -> None:
    raw = simple(b"one").bytes()
    for wrong in (raw[:700], raw[:100], b"\x1f\x8b" + raw, raw[:148] + b"0000000\0" + raw[156:], b"junk" * 400):
        with pytest.raises(BadArchive):
            tarball.index(io.BytesIO(wrong))


def test_an_empty_archive_holds_nothing() -> None:
    for nothing in (b"", b"\0" * 10_240):
        assert tarball.index(io.BytesIO(nothing)) == {}
        with pytest.raises(BadArchive):
            read(nothing, sha256(b""))


def test_members_are_counted() -> None:
    header = packed([("a", b"")])[:512]
    with pytest.raises(BadArchive, match="too many"):
        tarball.index(io.BytesIO(header * (tarball.MOST_MEMBERS + 1)))
