"""The catalogue: every operation of the service, and the way from a name to its card."""

from typing import Any

from healthimaging_sdk import datastores, image_sets, import_jobs, search, tags
from healthimaging_sdk._operation import Operation

ALL: tuple[Operation[Any, Any], ...] = (
    *datastores.OPERATIONS,
    *import_jobs.OPERATIONS,
    *image_sets.OPERATIONS,
    *search.OPERATIONS,
    *tags.OPERATIONS,
)

BY_NAME = {operation.name: operation for operation in ALL}
