"""Starts fewstep with the LibTorch and Arrow of the installed torch and pyarrow: `python -m fewstep`, and the command `fewstep`."""
import importlib.util
import os
import pathlib
import sys

from fewstep._built import ARROW_LIBRARY, TORCH_RELEASE


def _folder_of(package):
    """Where a package lies, without importing it (torch takes seconds); None where it is not installed."""
    found = importlib.util.find_spec(package)
    return pathlib.Path(found.origin).parent if found and found.origin else None


def _torch_version(folder):
    """Of torch/version.py: "2.11.0+cu130"."""
    for line in (folder / "version.py").read_text().splitlines():
        if line.startswith("__version__"):
            return line.split("=", 1)[1].strip().strip("'\"")
    return "of an unknown version"


def libraries():
    """(folders that the dynamic linker needs, what is wrong with them or None)."""
    wrong, folders = [], []
    torch = _folder_of("torch")
    if torch is None:
        wrong.append(f"expected torch {TORCH_RELEASE}, found none; pip install 'torch=={TORCH_RELEASE}.*'")
    else:
        folders.append(str(torch / "lib"))
        version = _torch_version(torch)
        if not version.startswith(TORCH_RELEASE + "."):
            wrong.append(f"expected torch {TORCH_RELEASE}, whose LibTorch it was linked with, found {version} in {torch}; "
                         f"pip install 'torch=={TORCH_RELEASE}.*'")
    arrow = _folder_of("pyarrow")
    if arrow is None or not (arrow / ARROW_LIBRARY).exists():
        release = ARROW_LIBRARY.rsplit(".", 1)[1][:-2]
        found = "none" if arrow is None else f"another release in {arrow}"
        wrong.append(f"expected pyarrow {release} with {ARROW_LIBRARY}, found {found}; pip install 'pyarrow=={release}.*'")
    else:
        folders.append(str(arrow))
    return folders, "; ".join(wrong) or None


def main():
    program = pathlib.Path(__file__).parent / "bin" / "fewstep"
    folders, wrong = libraries()
    environment = dict(os.environ)
    environment["LD_LIBRARY_PATH"] = ":".join(folders + [path for path in [os.environ.get("LD_LIBRARY_PATH")] if path])
    if wrong:  # Reports and comparisons need no LibTorch: the program tells this where it does.
        environment["FEWSTEP_NO_ENGINE"] = wrong
    os.execve(program, [str(program), *sys.argv[1:]], environment)


if __name__ == "__main__":
    main()
