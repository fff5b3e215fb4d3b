"""CPU per call of this SDK next to its peers: `python -m nox -s bench`, `docs/performance.md`."""
