import subprocess
import sys

from tests.support.project import ROOT

SCRIPT = """\
import atexit, gc
atexit.register(lambda: print(gc.get_freeze_count() > 0))
from components import garbage
garbage.postpone()
print(gc.isenabled(), gc.get_freeze_count())
garbage.resume()
gc.unfreeze()
print(gc.isenabled())
"""


def test_nothing_is_collected_while_a_program_loads_nor_when_it_ends() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["False 0", "True", "True"]
