"""Pictures from tables and arrays that earlier stages wrote.

Not here: computing what is drawn, and the style, which is `harness.reporting.style`.
"""
