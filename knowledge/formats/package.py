"""Office files as the zip packages that they are: bounded, and with XML that expands nothing. Knows no one format."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree.ElementTree import ParseError  # the error alone; defusedxml parses
from xml.parsers.expat import ExpatError

from sahut.errors import LoadError

# What a document may come to when it is unpacked, and how many parts it may have.
MOST_UNPACKED_BYTES = 400 * 1024 * 1024
MOST_PARTS = 20_000
DAMAGED = "it is damaged: open it in the program that made it and save it again"


@contextmanager
def opened(data: bytes) -> Iterator[zipfile.ZipFile]:
    """The package. Raises `LoadError` where it is damaged, would unpack to too much, or has XML with entities."""
    from defusedxml import DefusedXmlException

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            infos = package.infolist()
            if len(infos) > MOST_PARTS or sum(info.file_size for info in infos) > MOST_UNPACKED_BYTES:
                raise LoadError(f"it would unpack to more than {MOST_UNPACKED_BYTES // 1024 // 1024} MB")
            yield package
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ParseError, ExpatError) as error:
        raise LoadError(DAMAGED) from error
    except ValueError as error:
        # Libraries wrap what the parser raises.
        if isinstance(error, DefusedXmlException) or isinstance(error.__cause__, DefusedXmlException):
            raise LoadError("its XML defines entities, which no office program writes") from error
        raise


def part(package: zipfile.ZipFile, name: str) -> Any:
    """The root element of an XML part of an opened package; None where there is no such part."""
    from defusedxml.ElementTree import fromstring

    try:
        data = package.read(name)
    except KeyError:
        return None
    return fromstring(data, forbid_dtd=True)
