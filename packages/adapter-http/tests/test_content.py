"""The intake of a body: caps and decompression."""

import gzip
import zlib
from collections.abc import Callable

import pytest
from cronicorn_adapter_http.content import BrokenContent, Content
from hypothesis import given
from hypothesis import strategies as st


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "X-GZIP": gzip.compress,
    "deflate": zlib.compress,
    " Deflate ": _raw_deflate,
}


@given(
    encoding=st.sampled_from(sorted(PACKERS)),
    data=st.binary(max_size=5000),
    cut=st.integers(1, 700),
    cap=st.integers(1, 6000),
)
def test_however_it_arrives_the_first_part_is_kept(
    encoding: str, data: bytes, cut: int, cap: int
) -> None:
    """In pieces of any size and in any encoding, the kept part is the beginning of the body."""
    packed = PACKERS[encoding](data)
    content = Content(cap=cap, encoding=encoding)

    for start in range(0, len(packed), cut):
        if content.truncated:
            break
        content.feed(packed[start : start + cut])

    assert content.kept() == data[:cap]
    assert content.size == min(len(data), cap)
    assert content.truncated == (len(data) > cap)


def test_gzip_members_are_one_body() -> None:
    """Several gzip members follow one another, and padding after them is ignored."""
    content = Content(cap=100, encoding="gzip")

    content.feed(gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0\0")
    content.finish()

    assert content.kept() == b"one two"


def test_members_without_end_are_refused() -> None:
    """Trap T20: a flood of empty gzip members is not unpacked for ever."""
    content = Content(cap=1024, encoding="gzip")

    with pytest.raises(BrokenContent):
        content.feed(gzip.compress(b"") * 2000)


def test_compressed_nothing_is_not_read_for_ever() -> None:
    """Trap T20: a compressed stream that never yields a byte is cut like one that yields many."""
    content = Content(cap=1024, encoding="deflate")
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    empty_block = packer.flush(zlib.Z_FULL_FLUSH)
    fed = 0

    while not content.truncated:
        content.feed(empty_block * 1000)
        fed += len(empty_block) * 1000

    assert fed < 200_000
    assert content.kept() == b""


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_what_is_not_compressed_is_refused(encoding: str) -> None:
    """A body that is not what its header says is broken; what came before it stays."""
    content = Content(cap=1024, encoding=encoding)

    with pytest.raises(BrokenContent, match=encoding):
        content.feed(b"\x0fplain text")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_no_body_is_whole_in_every_encoding(encoding: str) -> None:
    """HEAD and 204 may name an encoding and have no body."""
    content = Content(cap=1024, encoding=encoding)

    content.finish()

    assert content.kept() == b""
