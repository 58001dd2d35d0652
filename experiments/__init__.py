"""What reproduces the paper with ``paper_lib``: runs, their store, tables and figures.

Every module imports from the library, and from those before it: ``store``, ``sweep``,
``z3_questions``, ``populations``, ``section5``, ``tables``, ``gpu``, ``figures``.
"""
