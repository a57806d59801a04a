"""A bill of materials, as another's program reads and judges it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

if TYPE_CHECKING:
    from pathlib import Path

    from spdx_tools.spdx.model import Document


def parsed(data: bytes, folder: Path) -> Document:
    """The document, in which spdx-tools find nothing wrong."""
    path = folder / "x.spdx.json"
    path.write_bytes(data)
    document = parse_file(str(path))
    assert validate_full_spdx_document(document) == []
    return document
