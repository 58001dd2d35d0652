"""All pairs of a data set as one batch, on one device."""
