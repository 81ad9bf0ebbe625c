"""Shows comparisons, verdicts and explanations: offline HTML pages, tables in the terminal, pictures, output in notebooks.

Import from its modules: `page` (write_report, comparison_html), `terminal` (comparison_table), `picture` (comparison_picture)
and `jupyter` (register); for the verdicts of claims `claims_page` (write_claims_report), `claims_pictures` and `claims_terminal`
(claims_table). This file imports nothing: registering with a notebook must not load the other modules.
"""
