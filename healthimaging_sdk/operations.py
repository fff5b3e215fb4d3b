"""The catalogue: every operation of the service, and the way from a name to its card."""

from typing import Any

from healthimaging_sdk import (
    blobs,
    copies,
    datastores,
    deletions,
    image_sets,
    import_jobs,
    search,
    tags,
    updates,
    versions,
)
from healthimaging_sdk._operation import Operation

FAMILIES = (
    datastores,
    import_jobs,
    image_sets,
    blobs,
    versions,
    updates,
    copies,
    deletions,
    search,
    tags,
)

ALL: tuple[Operation[Any, Any], ...] = tuple(
    operation for family in FAMILIES for operation in family.OPERATIONS
)

BY_NAME = {operation.name: operation for operation in ALL}
