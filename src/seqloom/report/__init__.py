"""Reports: a Comparison becomes one offline HTML page, a table in the terminal, a picture, a notebook's output.

Import from its modules: `page` (write_report, comparison_html), `terminal` (comparison_table), `picture` (comparison_picture)
and `jupyter` (register); for the verdicts of claims `claims_page` (write_claims_report), `claims_pictures` and `claims_terminal`
(claims_table). This file imports nothing, so that registering with a notebook costs nothing.
"""
