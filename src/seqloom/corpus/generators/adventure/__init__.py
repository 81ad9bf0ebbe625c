"""The language of text adventures: its words, its clauses, and how players join clauses into what they type."""
