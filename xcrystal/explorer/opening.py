"""Models and atlases that are named are read once, and shared by the explorers that are open."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from weakref import WeakValueDictionary

from xcrystal.errors import DatasetError
from xcrystal.generator import CrystalModel, model_folder, open_model
from xcrystal.latent.atlas import Atlas, atlas_folder, open_atlas
from xcrystal.wrapping import LatentModel

_Key = tuple[str, str, tuple[tuple[str, int, int], ...]]
_MODELS: WeakValueDictionary[_Key, CrystalModel] = WeakValueDictionary()
_ATLASES: WeakValueDictionary[_Key, Atlas] = WeakValueDictionary()


def shared_model(name: str, device: str = "auto") -> CrystalModel:
    """The model as ``open_model`` gives it, the same one as long as an explorer shows it and its files stay."""
    key = (name, device, _stamp(model_folder(name)))
    found = _MODELS.get(key)
    if found is None:
        found = _MODELS[key] = open_model(name, device)
    return found


def shared_atlas(name: str) -> Atlas:
    """The atlas as ``open_atlas`` gives it, the same one as long as an explorer shows it and its files stay."""
    key = (name, "", _stamp(atlas_folder(name)))
    found = _ATLASES.get(key)
    if found is None:
        found = _ATLASES[key] = open_atlas(name)
    return found


def atlas_of(model: CrystalModel | LatentModel, atlas: str | os.PathLike[str] | Atlas | None) -> Atlas:
    """The atlas that is given or named, or else the one that belongs to the model.

    Raises
    ------
    DatasetError
        If there is none.
    """
    if atlas is None and isinstance(model, LatentModel):
        raise DatasetError(
            f"The model {model.name!r} has no atlas: make one with xcrystal.build_atlas(model, data, folder), and "
            "give atlas=folder."
        )
    if atlas is None or isinstance(atlas, (str, os.PathLike)):
        return shared_atlas(os.fspath(atlas or model.name))
    return atlas


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What changes when one of the files is written anew."""
    found = []
    for path in sorted(folder.resolve().iterdir()):
        if path.suffix != ".part":  # which is being written
            with suppress(FileNotFoundError):
                status = path.stat()
                if S_ISREG(status.st_mode):
                    found.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(found)
