"""The runs on local linearity: which classifier is the theorem about?"""
