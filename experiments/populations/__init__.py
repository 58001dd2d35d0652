"""Sources whose coverage is known: what a sample says about them can be measured."""
