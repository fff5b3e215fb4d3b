"""Modules that are imported when they are first used."""

from importlib import import_module

from healthimaging_sdk._collector import collector_held_off


class LazyModule:
    """Stands for a module until one of its names is used, and passes each name on.

    Threads may use it at once. Those of the standard library's `LazyLoader` may not, in some of
    the versions of Python that we support: https://github.com/python/cpython/issues/114763
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> object:
        with collector_held_off():
            value = getattr(import_module(self._name), attribute)
        setattr(self, attribute, value)  # so that this is asked once for each name
        return value
