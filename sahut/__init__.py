"""The ground floor of Sahut: the nouns, the rules, the store and the seams that every other floor stands on."""

__version__ = "0.1.0"
