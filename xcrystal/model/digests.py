"""What tells the weights of a folder from others; read without torch."""

from __future__ import annotations

import hashlib
from pathlib import Path


def weights_digest(folder: Path) -> str:
    """What tells the weights of a folder from others; kept by what is fitted to their latent vectors."""
    return digest_of(folder / "weights.safetensors")


def digest_of(path: Path) -> str:
    """What tells the bytes of a file from others."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
