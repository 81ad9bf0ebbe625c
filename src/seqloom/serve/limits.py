"""Limits of requests and queues. This module has no slow imports, because the command line reads it."""

from pydantic import Field

from seqloom.config import Settings


class RequestLimits(Settings):
    """Limits of the server. A request that exceeds them gets status 400, 413 or, if the server is too busy, 503."""

    max_body_bytes: int = Field(1 << 20, gt=0, description="bytes of the body of a request; more is 413")
    max_chars: int = Field(5_000, gt=0, description="characters of a text; more is 400")
    max_texts: int = Field(128, gt=0, description="texts of a request; lines and samples count as texts")
    max_beam: int = Field(8, gt=0, description="beam size and alternatives of a text")
    max_tokens: int = Field(1_024, gt=1, description="tokens of an output")
    max_seconds: float = Field(
        30.0, gt=0, description="seconds from the arrival of a request to its answer; later is 503"
    )
    max_requests: int = Field(512, gt=0, description="requests that are being answered; more are 503")
    queue: int = Field(512, gt=0, description="texts that wait to be decoded; more are 503")
    explained_tokens: int = Field(
        64, gt=1, description="tokens of a text that is explained, and of its output; more is 400"
    )
    explanations: int = Field(32, gt=0, description="explanations that wait or are being computed; more are 503")
    batch: int = Field(
        32,
        gt=0,
        description="texts that are decoded together; a larger batch is only a little faster, and takes more memory",
    )
    prefix_cache_bytes: int = Field(
        64 << 20,
        ge=0,
        description="memory of each language model for the states of prompts that were read, in bytes; 0: prompts are not reused",
    )
    wait_ms: float = Field(
        2.0, ge=0, description="how long a text waits for others, to be decoded in one batch, in milliseconds"
    )
