"""Archives and folders of files, made from a dictionary."""

import io
import zipfile
from pathlib import Path


def packed(files: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of texts and bytes by path."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return data.getvalue()


def unpack(folder: Path, files: dict[str, str | bytes]) -> None:
    """Write texts and bytes by path."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
