"""The text of a jobs file, or why there is none."""

import codecs
from pathlib import Path

from cronicorn_worker.jobs_file.problems import JobsFileRefused, Position, Problem

FILE_SIZE_MOST = 8 * 1024 * 1024
_OTHER_ENCODINGS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


def file_text(path: Path) -> str:
    """
    Return the text of a file in UTF-8, with or without a byte order mark.

    Raises:
        JobsFileRefused: it cannot be read, is not UTF-8, or is larger than 8 MiB.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_SIZE_MOST + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise _refused(
            path, f"the file cannot be read: {reason}", "Check the path and its permissions."
        ) from error
    if len(data) > FILE_SIZE_MOST:
        raise _refused(path, "the file is larger than 8 MiB", "Split it, or shorten its bodies.")
    return _decoded(path, data)


def _decoded(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if data.startswith(_OTHER_ENCODINGS):
            raise _refused(path, "the file is not in UTF-8", "Save it as UTF-8.") from error
        before = data[: error.start]
        line_start = before.rfind(b"\n") + 1
        position = Position(
            line=before.count(b"\n") + 1,
            column=len(before[line_start:].decode("utf-8", "replace")) + 1,
        )
        raise _refused(
            path,
            f"byte 0x{data[error.start]:02X} is not UTF-8",
            "Save the file as UTF-8.",
            position,
        ) from error


def _refused(
    path: Path, message: str, remedy: str, position: Position | None = None
) -> JobsFileRefused:
    problem = Problem(message=message, remedy=remedy, position=position)
    return JobsFileRefused(str(path), [problem])
