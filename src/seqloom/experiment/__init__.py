"""Arms that are trained once, tuned by one rule, and audited: shared by comparisons and claims."""
