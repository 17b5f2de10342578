"""The files that a configuration is made of, for those who keep them: settings, channels, judging, certificates, secrets in files."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from config import survey
from gateway.notify.settings import NotifyFile
from gateway.settings import Settings, handed_down


def of_folder(data: Path) -> Settings:
    """The settings that the service on this data folder was last started with; the defaults where it never was."""
    path = data / "settings.json"
    found = handed_down(path) if path.exists() else Settings()
    return msgspec.structs.replace(found, data=str(data.resolve()))


def files_of(settings: Settings, config: Path | None) -> Iterator[tuple[str, Path]]:
    """Each file that there is, and under which name it is kept."""
    if config is not None and config.is_file():
        yield config.name, config
    if settings.notify and (notify := Path(settings.notify)).is_file():
        yield f"notify/{notify.name}", notify
        file = survey(notify, NotifyFile).value
        if file is not None:
            yield from _named("notify", file, notify.resolve().parent)
    if settings.judging:
        folder = Path(settings.judging)
        for path in sorted(folder.rglob("*.toml")):
            yield f"judging/{path.relative_to(folder)}", path
    for name, path in dict(_named("files", settings, Path())).items():
        yield name, path


def structs(struct: msgspec.Struct, at: str = "") -> Iterator[tuple[str, msgspec.Struct]]:
    """A tree of settings, each node with the key that leads to it, a dot behind it."""
    yield at, struct
    for field in msgspec.structs.fields(struct):
        value: object = getattr(struct, field.name)
        if isinstance(value, msgspec.Struct):
            yield from structs(value, f"{at}{field.encode_name}.")
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                if isinstance(item, msgspec.Struct):
                    yield from structs(item, f"{at}{field.encode_name}[{index}].")


_FILES = frozenset({"certificate", "key", "client_ca", "crl", "ca"})


def _named(where: str, tree: msgspec.Struct, folder: Path) -> Iterator[tuple[str, Path]]:
    """The files that settings name: certificates, and secrets as `file:PATH`."""
    for key, struct in structs(tree):
        for field in msgspec.structs.fields(struct):
            said: object = getattr(struct, field.name)
            for value in said if isinstance(said, tuple) else (said,):
                if not isinstance(value, str) or not value:
                    continue
                if value.startswith("file:"):
                    path = folder / value.removeprefix("file:")
                elif field.name in _FILES:
                    path = folder / value
                else:
                    continue
                if path.is_file():
                    yield f"{where}/{key}{field.encode_name}/{path.name}", path
