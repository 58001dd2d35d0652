"""The runs of Sec. 5: bounds, rates, prices and their validity, measured."""
