"""Quick: how a verb that answers at once comes to its first answer sooner. A cold start is mostly the import of torch."""

import gc
import sys
from types import ModuleType

_UNNEEDED = "torch._meta_registrations"
# The series of torch that this was tried with; it leans on how torch is put together inside.
_KNOWN = "2.13."


def quick_start() -> None:
    """Imports torch, before anything else does, without what a verb that only decodes has no need of.

    What torch registers for tensors that have a shape and no values is a third of its import, and only compiling needs it. A
    process that began so has to import torch._meta_registrations before it compiles.
    """
    # What is imported stays; to look for garbage among it, again and again, is lost time.
    gc.set_threshold(50_000)
    # Slow to import, and help does without it.
    from importlib.metadata import version

    if "torch" in sys.modules or not version("torch").startswith(_KNOWN):
        return
    sys.modules[_UNNEEDED] = ModuleType(_UNNEEDED)
    try:
        import torch
    finally:
        del sys.modules[_UNNEEDED]
    vars(torch).pop(_UNNEEDED.rpartition(".")[2], None)
