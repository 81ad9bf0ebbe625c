"""World: the processes that train one model together, and which of them this one is.

torchrun starts one command several times; each process is a rank. torch.distributed sums their gradients. A process that was
started alone is a world of size 1: its methods return what they get, so the callers need no second path.

Numbers of the host (sizes of batches, decisions of rank 0) travel over gloo, also where gradients travel over NCCL. Every update
begins with them, so ranks that wait for rank 0 wait on the host, where a process that ended is noticed at once.
"""

import datetime
import hashlib
import inspect
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from seqloom import machine
from seqloom.data.batching import PairBatch
from seqloom.errors import ConfigError, SeqloomError, TrainingError
from seqloom.messages import counted
from seqloom.models.base import Model
from seqloom.objectives import Objective
from seqloom.training.settings import TrainingSettings

if TYPE_CHECKING:
    from torch._C._distributed_c10d import GradBucket
    from torch.distributed.distributed_c10d import ProcessGroup, Store

# Ranks wait this long while rank 0 validates. A process that ends closes its connections, which the others notice at once.
_LONGEST_WAIT = datetime.timedelta(days=2)
# Seconds in which a rank that failed waits for the message of rank 0, and then for rank 0 to print it.
_MESSAGE_SECONDS, _PRINT_SECONDS = 3.0, 1.0


class World:
    """The processes that train one model together. Every rank must call the methods that communicate, in the same order.

    Args:
        rank: the number of this process, from 0. Rank 0 writes the run folder, validates and decides when training ends.
        size: how many processes there are.
        local_rank: the number of this process on its machine.
        local_size: how many of the processes run on this machine.
        store: holds the messages of ranks that failed; None for one process.
        group: connects the hosts; None for one process.
    """

    def __init__(
        self,
        rank: int = 0,
        size: int = 1,
        local_rank: int = 0,
        local_size: int = 1,
        *,
        store: "Store | None" = None,
        group: "ProcessGroup | None" = None,
    ) -> None:
        self.rank = rank
        self.size = size
        self.local_rank = local_rank
        self.local_size = local_size
        self._store = store
        self._group = group
        self._num_trainings = 0

    @property
    def is_main(self) -> bool:
        """Whether this is rank 0."""
        return self.rank == 0

    @property
    def stop_signals(self) -> tuple[signal.Signals, ...]:
        """The signals after which training saves and ends: Ctrl-C, and with several processes what torchrun sends to them."""
        return (signal.SIGINT,) if self.size == 1 else (signal.SIGINT, signal.SIGTERM)

    def num_threads(self, wanted: int | None, stored: int | None = None) -> int | None:
        """How many threads this rank computes with; None for all cores.

        Args:
            wanted: what the user chose. By default the ranks of a machine share its cores evenly.
            stored: what a run that continues had. Results depend on it, so it stays, unless there are more ranks than before.
        """
        if wanted is not None:
            return wanted
        if self.size == 1:
            return stored
        fair = max(1, machine.available_cores() // self.local_size)
        return min(fair, stored or fair)

    def device(self, name: str) -> torch.device:
        """The device of this rank: each rank of a machine has a GPU of its own.

        Raises:
            ConfigError: the machine has no such device, or fewer GPUs than ranks.
        """
        device = machine.choose_device(name)
        if self.size == 1 or device.type == "cpu":
            return device
        if device.type != "cuda":
            raise ConfigError(f"--device {device.type}: training on several processes needs cuda or cpu: --device cpu")
        num_gpus = torch.cuda.device_count()
        if self.local_size > num_gpus:
            raise ConfigError(
                f"{self.local_size} processes on this machine, but {counted(num_gpus, 'GPU')}: torchrun --nproc-per-node {num_gpus}"
            )
        return torch.device("cuda", self.local_rank)

    def sum(self, values: Sequence[float]) -> list[float]:
        """The sums over all ranks of each value, in double precision. Where all ranks but one have 0, the sum is exact."""
        if self.size == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(total, group=self._group)
        return total.tolist()

    def from_main(self, values: Sequence[float]) -> list[float]:
        """The values of rank 0, on every rank."""
        return self.sum(values if self.is_main else [0.0] * len(values))

    def sum_on_machine(self, value: float) -> float:
        """The sum of a value over the ranks of this machine."""
        machine_index, num_machines = self.rank // self.local_size, -(-self.size // self.local_size)
        return self.sum([value if index == machine_index else 0.0 for index in range(num_machines)])[machine_index]

    @contextmanager
    def first_on_machine(self) -> Iterator[None]:
        """Runs the block on the first rank of each machine, then on the others, which find what the first one cached."""
        if self.local_rank > 0:
            self.sum([0.0])
        yield
        if self.local_rank == 0:
            self.sum([0.0])

    def check_same(self, values: Mapping[str, str]) -> None:
        """Checks that all ranks have the values of rank 0, by their hashes.

        Args:
            values: names for the message, the same names on all ranks, and what to compare.

        Raises:
            ConfigError: a rank has other values; all ranks raise it.
        """
        if self.size == 1:
            return
        digests = [hashlib.sha256(value.encode()).digest()[:8] for value in values.values()]
        table = torch.zeros(self.size, len(values), dtype=torch.int64)
        table[self.rank] = torch.tensor([int.from_bytes(digest, "big", signed=True) for digest in digests])
        dist.all_reduce(table, group=self._group)
        differs = [
            f"rank {rank}: {', '.join(name for name, same in zip(values, row, strict=True) if not same)}"
            for rank, row in enumerate((table == table[0]).tolist())
            if not all(row)
        ]
        if differs:
            raise ConfigError(
                f"not all processes of this training have what rank 0 has. What differs: {'; '.join(differs)}. Start the "
                "same command with the same files on all of them"
            )

    @contextmanager
    def one_message(self) -> Iterator[None]:
        """Within the block, an error that rank 0 has too is raised by rank 0 only; the other ranks end with the same status.

        Raises:
            TrainingError: another rank ended.
            SystemExit: rank 0 raises the error.
        """
        self._num_trainings += 1
        try:
            yield
        except KeyboardInterrupt:
            if self.is_main:
                raise
            raise SystemExit(130) from None
        except SeqloomError as error:
            if self.size == 1:
                raise
            if self.is_main:
                self._post(str(error))
            elif self._message_of_main() == str(error):
                raise SystemExit(2) from None
            raise
        except RuntimeError as error:
            if self.size == 1 or not _is_connection_error(error):
                raise
            if not self.is_main and self._message_of_main() is not None:
                raise SystemExit(2) from None
            raise TrainingError(
                f"rank {self.rank} of {self.size}: another process of this training ended, so this one ends too. The messages "
                "of the other processes, or the system's log, say why. To go on from the last checkpoint, start the same number of "
                "processes with: train --resume --out RUN"
            ) from None

    def _post(self, message: str) -> None:
        assert self._store is not None
        try:
            self._store.set(self._message_key(), message)
        except RuntimeError:
            return  # The process that keeps the store has ended; the other ranks then print their own messages.

    def _message_of_main(self) -> str | None:
        """The message with which rank 0 failed, after it had time to print it; None if it has not failed."""
        assert self._store is not None
        end = time.monotonic() + _MESSAGE_SECONDS
        try:
            while not self._store.check([self._message_key()]):
                if time.monotonic() > end:
                    return None
                time.sleep(0.05)
            message = self._store.get(self._message_key()).decode()
        except RuntimeError:  # The process that keeps the store has ended.
            return None
        time.sleep(_PRINT_SECONDS)
        return message

    def _message_key(self) -> str:
        return f"seqloom/message/{self._num_trainings}"

    def gradients(self, model: Model, objective: Objective) -> "Gradients":
        """Sums the gradients of an update over its micro-batches, on all ranks."""
        return Gradients(model, objective) if self.size == 1 else _SharedGradients(model, objective)


class Gradients:
    """Adds the gradients of micro-batches in the parameters of a model."""

    def __init__(self, model: Model, objective: Objective) -> None:
        self._model = model
        self._objective = objective

    def add(self, batch: PairBatch, weight: float, *, last: bool) -> Tensor:
        """Adds the gradients of a micro-batch.

        Args:
            weight: the loss weight of the whole update, over all ranks.
            last: whether it is the last micro-batch of this rank in the update; afterwards all ranks have the same gradients.

        Returns:
            The negative log-likelihood of the batch in nats, summed over its tokens, detached.
        """
        del last
        loss = self._objective(self._model, batch)
        (loss.sum / weight).backward()
        return loss.nll


class _LossModule(nn.Module):
    """A model and its objective as one module, because the objective uses more of a model than its `forward`."""

    def __init__(self, model: Model, objective: Objective) -> None:
        super().__init__()
        self.model = model
        self._objective = objective
        # No batch uses it. If every parameter is used, torch prints a warning that unused ones were searched for.
        self.unused = nn.Parameter(torch.zeros(1, device=next(model.parameters()).device))

    def forward(self, batch: PairBatch) -> tuple[Tensor, Tensor]:
        """The loss of a batch, and its negative log-likelihood."""
        loss = self._objective(self.model, batch)
        return loss.sum, loss.nll


class _SharedGradients(Gradients):
    # DistributedDataParallel, because it sums gradients while the backward pass still runs. It wraps model and objective together:
    # the objective also calls `output_weights`, and only so the graph reaches every parameter from the output. Parameters that a
    # batch does not use are searched for, because otherwise a model with such a parameter would wait forever.

    def __init__(self, model: Model, objective: Objective) -> None:
        super().__init__(model, objective)
        ddp = nn.parallel.DistributedDataParallel
        # Buffers are constants here. Since torch 2.13 the option has another name.
        renamed = "forward_sync_buffers" in inspect.signature(ddp).parameters
        buffers: dict[str, Any] = {"forward_sync_buffers" if renamed else "broadcast_buffers": False}
        self._parallel = ddp(_LossModule(model, objective), find_unused_parameters=True, **buffers)
        # By default the sum is divided by the number of ranks. The losses are divided by the weight of the whole update already.
        self._parallel.register_comm_hook(None, lambda _, bucket: _sum_bucket(bucket))

    def add(self, batch: PairBatch, weight: float, *, last: bool) -> Tensor:
        """Adds the gradients of a micro-batch; the last one waits for the other ranks."""
        with nullcontext() if last else self._parallel.no_sync():
            loss_sum, nll = self._parallel(batch)
            (loss_sum / weight).backward()
        return nll


def _sum_bucket(bucket: "GradBucket") -> "torch.futures.Future[Tensor]":
    """Sums a bucket of gradients over all ranks."""
    work: Any = dist.all_reduce(bucket.buffer(), async_op=True)
    return work.get_future().then(lambda done: done.value()[0])


def _is_connection_error(error: RuntimeError) -> bool:
    return isinstance(error, dist.DistError) or "gloo" in str(error)


def check_processes(settings: TrainingSettings, size: int, *, resume: bool = False) -> None:
    """Checks that the micro-batches of an update can be divided evenly among processes.

    Args:
        size: how many processes there are.
        resume: whether the settings are those of a run that continues, and cannot be changed.

    Raises:
        ConfigError: they cannot; the message names the nearest settings with as many tokens an update.
    """
    count = settings.accumulate
    if count % size == 0:
        return
    divisors = [str(number) for number in range(1, min(count, 64) + 1) if count % number == 0]
    message = (
        f"training.accumulate={count}: {size} processes cannot share the {counted(count, 'batch', 'batches')} of an update evenly. "
        f"Start as many processes as divide it ({', '.join(divisors)})"
    )
    if not resume:
        below, tokens = count // size * size, count * settings.batch_tokens
        nearest = [
            f"training.accumulate={number} training.batch_tokens={max(1, round(tokens / number))}"
            for number in (below, below + size)
            if number
        ]
        message += f", or change the recipe, with as many tokens an update: --set {', or --set '.join(nearest)}"
    raise ConfigError(message)


_current: World | None = None


@contextmanager
def joined(device: str = "auto") -> Iterator[World]:
    """Connects this process with the others that torchrun started with it, for the time of the block.

    A block inside another one has the world of the outer one.

    Args:
        device: the name of the device that each rank will train on; it decides how gradients travel.

    Raises:
        ConfigError: the variables that torchrun sets are damaged, or the device cannot be used.
    """
    global _current
    if _current is not None:
        yield _current
        return
    size = _number("WORLD_SIZE", 1)
    if size == 1:
        yield World()
        return
    rank = _number("RANK", None)
    local_rank, local_size = _number("LOCAL_RANK", rank), _number("LOCAL_WORLD_SIZE", size)
    on_gpu = World(rank, size, local_rank, local_size).device(device).type == "cuda"
    if on_gpu:
        torch.cuda.set_device(local_rank)
    try:
        from torch.distributed.rendezvous import rendezvous

        store, rank, size = next(rendezvous("env://"))
        dist.init_process_group("nccl" if on_gpu else "gloo", store=store, rank=rank, world_size=size)
        group = dist.new_group(backend="gloo", timeout=_LONGEST_WAIT)
    except (RuntimeError, ValueError) as error:
        raise ConfigError(
            f"this process could not join the {size} processes of a training: {str(error)[:300]}. Start them by torchrun"
        ) from None
    _current = World(rank, size, local_rank, local_size, store=store, group=group)
    failed = True
    try:
        yield _current
        _current.sum([0.0])  # No rank leaves while another one still needs it.
        failed = False
    finally:
        _current = None
        # After an error NCCL would wait for the other ranks; the end of the process closes its connections.
        if not (failed and on_gpu):
            dist.destroy_process_group()


def _number(name: str, default: int | None) -> int:
    text = os.environ.get(name)
    if text is None and default is not None:
        return default
    if text is None or not text.isascii() or not text.isdecimal():
        raise ConfigError(f"the environment variable {name} is {text!r}: expected a number, as torchrun sets it")
    return int(text)
