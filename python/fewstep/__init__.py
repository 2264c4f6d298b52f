"""fewstep from Python: `fewstep.read(STORE)` gives what a store holds as pandas frames; the program is `python -m fewstep`."""
from fewstep.store import Frames, read

__all__ = ["Frames", "read"]
