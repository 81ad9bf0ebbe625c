"""The peers' environments: one virtual environment each, versions pinned, below `.bench/` in the checkout.

A peer that cannot be installed is reported with pip's last words; the others go on without it.
"""

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".bench"
# A release for processors alone where the index offers one; name an index by PIP_EXTRA_INDEX_URL to get it.
TORCH = "torch==2.13.0"


@dataclass(frozen=True)
class Environment:
    """A virtual environment.

    Attributes:
        packages: pinned requirements.
        first: what has to be installed before them.
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
        """The version of the package that it is for."""
        return next(package for package in self.packages if not package.startswith("torch==")).partition("==")[2]


ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        # importlib_metadata: imported, but not required by 2.3.0's metadata.
        Environment("joeynmt", ("joeynmt==2.3.0", TORCH, "importlib_metadata")),
        # aiohttp: imported by the command line, but not required by 0.6.4's metadata.
        Environment("eole", ("eole==0.6.4", TORCH, "aiohttp")),
        # Its old omegaconf has metadata that pip refuses since 24.1; numpy.float, which it uses, is gone since 1.24.
        Environment("fairseq", ("fairseq==0.12.2", TORCH, "numpy<1.24"), first=("pip<24.1",)),
        Environment("transformers", ("transformers==5.23.0", TORCH, "sentencepiece")),
        Environment("ctranslate2", ("ctranslate2==4.8.5",)),
    )
}


class InstallError(Exception):
    """A peer cannot be installed; says why."""


def install(environment: Environment) -> None:
    """Makes the environment, unless it is there.

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
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        last = [line for line in found.stderr.splitlines() if line.strip()][-3:]
        raise InstallError(f"pip install {' '.join(packages)} failed: {' / '.join(last)}")


def install_all(names: list[str]) -> dict[str, str]:
    """Installs environments; returns why the failed ones failed."""
    failures = {}
    for name in names:
        print(f"installing {name}", file=sys.stderr, flush=True)
        try:
            install(ENVIRONMENTS[name])
        except (InstallError, OSError, subprocess.SubprocessError) as error:
            failures[name] = str(error)
    return failures
