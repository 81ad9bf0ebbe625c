"""Experiments, shared by comparisons and claims: arms that are trained once, one rule for tuning, the audit of arms."""
