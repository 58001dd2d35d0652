"""The runs of Tables 1 to 3: what is planned, trained, scored and said of them."""
