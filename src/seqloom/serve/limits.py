"""Limits of requests and queues. No heavy imports, so that the command line can check them quickly."""

from pydantic import Field

from seqloom.config import Settings


class RequestLimits(Settings):
    """Limits of the server: a request above them gets 400 or 413; 503 means too busy."""

    max_body_bytes: int = Field(1 << 20, gt=0, description="bytes of a request's body; more is 413")
    max_chars: int = Field(5_000, gt=0, description="characters of a text; more is 400")
    max_texts: int = Field(128, gt=0, description="texts of a request; lines and samples count as texts")
    max_beam: int = Field(8, gt=0, description="beam size and alternatives of a text")
    max_tokens: int = Field(1_024, gt=1, description="tokens of an output")
    max_seconds: float = Field(30.0, gt=0, description="from a request's arrival to its answer; later is 503")
    max_requests: int = Field(512, gt=0, description="requests that are being answered; more are 503")
    queue: int = Field(512, gt=0, description="texts that wait to be decoded; more are 503")
    explained_tokens: int = Field(
        64, gt=1, description="tokens of a text that is explained, and of its output; more is 400"
    )
    explanations: int = Field(32, gt=0, description="explanations that wait or are being made; more are 503")
    batch: int = Field(
        32, gt=0, description="texts that are decoded together; more are little faster, and take more memory"
    )
    prefix_cache_bytes: int = Field(
        64 << 20,
        ge=0,
        description="memory of each language model for prompts that were read; 0 reads every prompt anew",
    )
    wait_ms: float = Field(2.0, ge=0, description="how long a text waits for others to be decoded with (milliseconds)")
