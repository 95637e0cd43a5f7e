"""What lies where in a tar archive. Pure, and nothing is ever unpacked: names are only looked up, links only followed
among names, and every size is held against the file's own before a byte of it is read.

Read: the POSIX interchange format (`pax`, IEEE 1003.1-2017) and the older ustar and GNU headers, which is what engines
and runtimes write.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import IO

BLOCK = 512
MOST_MEMBERS = 20_000
LARGEST_HEADER = 64 * 1024
"""Bytes of one extended header; a name may be 4,096 characters long."""
LONGEST_NAME = 4096
MOST_LINKS = 8

_FILE, _HARD, _SYMBOLIC, _FOLDER = b"0", b"1", b"2", b"5"
_LONG_NAME, _LONG_LINK, _EXTENDED, _GLOBAL = b"L", b"K", b"x", b"g"


class BadArchive(ValueError):
    """What was sent is not an archive that is taken; says why, for the log."""


@dataclass(frozen=True)
class Member:
    """A file in the archive, from byte `offset` on; or a link to another name."""

    offset: int
    size: int
    link: str | None = None


Index = dict[str, Member]


def index(file: IO[bytes]) -> Index:
    """Give the files and links of an archive by their names; folders count for nothing.

    Raises BadArchive for names that lead outside, for devices and the like, and for headers that are damaged, absurd or
    too many.
    """
    size = file.seek(0, 2)
    members: Index = {}
    said: dict[str, str] = {}
    at = headers = 0
    while (header := _block(file, at)) is not None:
        headers += 1
        if headers > MOST_MEMBERS:
            raise BadArchive("too many members")
        kind, length, start = header[156:157], _size(header), at + BLOCK
        if kind == _EXTENDED:
            said |= _extended(_content(file, start, length))
        elif kind in (_LONG_NAME, _LONG_LINK):
            word = "path" if kind == _LONG_NAME else "linkpath"
            said[word] = _text(_content(file, start, length).rstrip(b"\0"))
        elif kind != _GLOBAL:
            length = _stated(said.get("size"), length)
            _note(members, header, kind, Member(start, length), said)
            said = {}
        if kind in (_HARD, _SYMBOLIC, _FOLDER):
            length = 0
        if start + length > size:
            raise BadArchive("a member is longer than the archive")
        at = start + -(-length // BLOCK) * BLOCK
    return members


def find(members: Index, name: str) -> Member:
    """Give the file of a name, through at most eight links. Raises BadArchive when there is none."""
    for _ in range(MOST_LINKS):
        member = members.get(name)
        if member is None:
            break
        if member.link is None:
            return member
        name = member.link
    raise BadArchive(f"there is no file {name[:200]}")


def content(file: IO[bytes], member: Member, most: int) -> bytes:
    """Give a small file whole. Raises BadArchive beyond `most` bytes."""
    if member.size > most:
        raise BadArchive("a document is too large")
    file.seek(member.offset)
    return file.read(member.size)


def _block(file: IO[bytes], at: int) -> bytes | None:
    """Give the header that begins here; None at the end."""
    file.seek(at)
    header = file.read(BLOCK)
    if not header.strip(b"\0"):
        return None
    if len(header) < BLOCK:
        raise BadArchive("it ends within a header")
    unsigned = sum(header[:148]) + 8 * 32 + sum(header[156:])
    if _octal(header[148:156]) != unsigned:
        raise BadArchive("a header is damaged")
    return header


def _note(members: Index, header: bytes, kind: bytes, member: Member, said: dict[str, str]) -> None:
    if kind == _FOLDER:
        return
    name = _inside(said.get("path") or _name(header))
    if kind in (_FILE, b"\0", b"7"):
        members[name] = member
    elif kind in (_HARD, _SYMBOLIC):
        target = said.get("linkpath") or _text(header[157:257].partition(b"\0")[0])
        folder = posixpath.dirname(name) if kind == _SYMBOLIC else ""
        members[name] = Member(0, 0, link=_inside(target, folder))
    else:
        raise BadArchive("it holds something else than files")


def _inside(name: str, folder: str = "") -> str:
    """Give a name in its plainest form. Raises BadArchive for one that leads outside."""
    plain = posixpath.normpath(posixpath.join(folder, name))
    outside = plain.startswith(("/", "../")) or plain in {"..", "."}
    if outside or name.startswith("/") or "\0" in name or len(name) > LONGEST_NAME:
        raise BadArchive("a name leads outside")
    return plain


def _name(header: bytes) -> str:
    name = _text(header[:100].partition(b"\0")[0])
    prefix = _text(header[345:500].partition(b"\0")[0]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _size(header: bytes) -> int:
    field = header[124:136]
    if field[0] & 0x80:  # GNU and star write what eleven octal digits do not hold in base 256
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    return _octal(field)


def _octal(field: bytes) -> int:
    digits = field.strip(b" \0") or b"0"
    if not all(48 <= sign < 56 for sign in digits):
        raise BadArchive("a header is damaged")
    return int(digits, 8)


def _stated(text: str | None, length: int) -> int:
    if text is None:
        return length
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise BadArchive("a header is damaged")
    return int(text)


def _content(file: IO[bytes], start: int, length: int) -> bytes:
    if length > LARGEST_HEADER:
        raise BadArchive("a header is too large")
    file.seek(start)
    return file.read(length)


def _extended(raw: bytes) -> dict[str, str]:
    """Read the records `length keyword=value\\n` of an extended header; of them, name, link and size count."""
    said: dict[str, str] = {}
    at = 0
    while at < len(raw):
        digits, blank, _ = raw[at : at + 12].partition(b" ")
        if not blank or not digits.isdigit():
            raise BadArchive("a header is damaged")
        end = at + int(digits)
        keyword, equals, value = raw[at + len(digits) + 1 : end - 1].partition(b"=")
        if not equals or end > len(raw) or raw[end - 1 : end] != b"\n":
            raise BadArchive("a header is damaged")
        if keyword in (b"path", b"linkpath", b"size"):
            said[keyword.decode()] = _text(value)
        at = end
    return said


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadArchive("a name is not text") from error
