"""Claims about recurrent networks and Transformers, tested on the user's own machine -> verdicts."""

from seqloom.claims.claim import Claim, claims, find_claim
from seqloom.claims.running import read_verdicts, run_claims
from seqloom.claims.verdict import Verdict, Verdicts

__all__ = ["Claim", "Verdict", "Verdicts", "claims", "find_claim", "read_verdicts", "run_claims"]
