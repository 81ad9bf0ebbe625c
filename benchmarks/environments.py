"""The virtual environments of the other programs, with pinned versions, below `.bench/` in the checkout.

If a program cannot be installed, the results show pip's last messages, and the other programs are measured without it.
"""

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".bench"
# Set PIP_EXTRA_INDEX_URL to an index with CPU builds of torch to install such a build.
TORCH = "torch==2.13.0"


@dataclass(frozen=True)
class Environment:
    """A virtual environment.

    Attributes:
        packages: pinned requirements.
        first: requirements that are installed before them.
    """

    name: str
    packages: tuple[str, ...]
    first: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def main_version(self) -> str:
        """The version of the measured program."""
        return next(package for package in self.packages if not package.startswith("torch==")).partition("==")[2]


ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        # importlib_metadata: imported, but not required by 2.3.0's metadata.
        Environment("joeynmt", ("joeynmt==2.3.0", TORCH, "importlib_metadata")),
        # aiohttp: imported by the command line, but not required by 0.6.4's metadata.
        Environment("eole", ("eole==0.6.4", TORCH, "aiohttp")),
        # pip 24.1 and later reject the metadata of the omegaconf that it needs; numpy 1.24 has no numpy.float, which it uses.
        Environment("fairseq", ("fairseq==0.12.2", TORCH, "numpy<1.24"), first=("pip<24.1",)),
        Environment("transformers", ("transformers==5.23.0", TORCH, "sentencepiece")),
        Environment("ctranslate2", ("ctranslate2==4.8.5",)),
    )
}


class InstallError(Exception):
    """A program cannot be installed; the message holds pip's last lines."""


def install(environment: Environment) -> None:
    """Creates the environment unless it exists with the same requirements.

    Raises:
        InstallError: pip failed.
    """
    done = environment.folder / "installed.txt"
    wanted = "\n".join((*environment.first, *environment.packages)) + "\n"
    if done.is_file() and done.read_text() == wanted:
        return
    venv.create(environment.folder, with_pip=True, clear=True)
    for packages in (environment.first, environment.packages):
        if packages:
            _pip(environment, packages)
    done.write_text(wanted)


def _pip(environment: Environment, packages: tuple[str, ...]) -> None:
    command = [str(environment.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    completed = subprocess.run(command, capture_output=True, text=True, check=False)
    if completed.returncode:
        last = [line for line in completed.stderr.splitlines() if line.strip()][-3:]
        raise InstallError(f"pip install {' '.join(packages)} failed: {' / '.join(last)}")


def install_all(names: list[str]) -> dict[str, str]:
    """Installs environments; returns the error messages of those that failed, by name."""
    failures = {}
    for name in names:
        print(f"installing {name}", file=sys.stderr, flush=True)
        try:
            install(ENVIRONMENTS[name])
        except (InstallError, OSError, subprocess.SubprocessError) as error:
            failures[name] = str(error)
    return failures
