"""A tiny pure wheel, made when it is needed: something to install where there is no network."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile

NAME = "farm_parcel-1.0-py2.py3-none-any.whl"

_INFO = "farm_parcel-1.0.dist-info"
_FILES = {
    "farm_parcel.py": "ANSWER = 42\n\n\ndef main():\n    print(ANSWER)\n",
    f"{_INFO}/METADATA": "Metadata-Version: 2.1\nName: farm-parcel\nVersion: 1.0\n",
    f"{_INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: farm\nRoot-Is-Purelib: true\nTag: py2-none-any\nTag: py3-none-any\n",
    f"{_INFO}/entry_points.txt": "[console_scripts]\nfarm-parcel = farm_parcel:main\n",
}


def tiny_wheel() -> bytes:
    """The wheel's bytes; its file name is NAME, its module `farm_parcel`, its script `farm-parcel`, which prints 42."""
    record = f"{_INFO}/RECORD"
    lines = [f"{name},sha256={_digest(text)},{len(text)}" for name, text in _FILES.items()]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as wheel:
        for name, text in {**_FILES, record: "\n".join([*lines, f"{record},,", ""])}.items():
            wheel.writestr(zipfile.ZipInfo(name), text)
    return out.getvalue()


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
