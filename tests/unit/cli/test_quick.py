"""What is left out of the import of torch is not needed to compute, and can still be had."""

import subprocess
import sys
from importlib.metadata import version

import pytest

CODE = """
import sys
from seqloom.cli.quick import quick_start
quick_start()
import torch
left_out = "torch._meta_registrations"
assert "torch" in sys.modules and left_out not in sys.modules and not hasattr(torch, "_meta_registrations")
with torch.inference_mode():
    assert (torch.ones(2, 3) @ torch.ones(3, 4)).log_softmax(dim=1).shape == (2, 4)
quick_start()
assert left_out not in sys.modules

# The arrangement of every processor works, whichever this one is.
from seqloom import machine
for flags, vendor in (("avx512f", "AuthenticAMD"), ("avx2", "AuthenticAMD"), ("avx512f", "GenuineIntel")):
    machine.arrange_matrix_products.cache_clear()
    machine._cpuinfo = {"flags": flags, "vendor_id": vendor}.get
    assert "matrix products" in machine.arrange_matrix_products()

import torch._meta_registrations
net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.LayerNorm(4))
x = torch.arange(6.0).view(2, 3)
torch.testing.assert_close(torch.compile(net, backend="aot_eager")(x), net(x))
assert "meta_mm" in vars(sys.modules[left_out])
print("as it should be")
"""


@pytest.mark.skipif(
    not version("torch").startswith("2.13."), reason="tried with torch 2.13 alone; others are imported whole"
)
def test_a_quick_process_computes_and_what_was_left_out_can_be_imported_before_something_is_compiled() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.stdout == "as it should be\n", done.stderr
