"""The claims, a file each, with one shape: what is said, by whom, the experiment at each effort, and what would settle it."""
