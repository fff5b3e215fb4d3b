"""Every card and every model is held against botocore's model of the service."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from contract import differences
from service_model import ENUMS, MODELS, load

from healthimaging_sdk._protocol import MODELLED_ERRORS
from healthimaging_sdk.operations import ALL


def test_we_say_what_the_service_says() -> None:
    assert differences(load("service-2"), load("paginators-1")) == []


def test_the_whole_service_was_compared() -> None:
    assert (len(ALL), len(MODELS), len(ENUMS), len(MODELLED_ERRORS)) == (18, 61, 9, 9)


Model = dict[str, Any]


def _new_operation(model: Model) -> None:
    model["operations"]["GetWeather"] = {
        **model["operations"]["GetDatastore"],
        "name": "GetWeather",
    }


def _put(path: str, value: object) -> Callable[[Model], None]:
    def put(model: Model) -> None:
        *parents, last = path.split("/")
        for parent in parents:
            model = model[parent]
        model[last] = value

    return put


def _append(path: str, value: object) -> Callable[[Model], None]:
    def append(model: Model) -> None:
        items: Any = model
        for part in path.split("/"):
            items = items[part]
        items.append(value)

    return append


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_new_operation, "operation GetWeather is missing"),
        (_put("shapes/Weather", {"type": "structure", "members": {}}), "structure Weather"),
        (_put("shapes/Sky", {"type": "string", "enum": ["BLUE"]}), "enum Sky is missing"),
        (
            _put("shapes/Rain", {"type": "structure", "members": {}, "exception": True}),
            "error Rain",
        ),
        (_put("shapes/Overrides/members/wind", {"shape": "Boolean"}), "Overrides wind is missing"),
        (_put("shapes/Overrides/members", {}), "Overrides forced is ours alone"),
        (_put("shapes/Overrides/members/forced", {"shape": "String"}), "Overrides.forced type"),
        (_put("shapes/Overrides/required", ["forced"]), "Overrides.forced default"),
        (_put("shapes/Overrides/union", value=True), "Overrides union"),
        (_append("shapes/ImageSetState/enum", "FROZEN"), "ImageSetState members"),
        (_put("shapes/ConflictException/error/httpStatusCode", 410), "ConflictException status"),
        (_put("shapes/DatastoreId/pattern", "[0-9]+"), "GetDatastoreRequest.datastore_id constr"),
        (_put("shapes/DatastoreId/sensitive", value=True), "datastore_id is not redacted"),
        (_put("shapes/SearchFilterValuesList/max", 3), "SearchFilter.values constraint"),
        (_put("shapes/Arn/max", 9), "TagResourceRequest.resource_arn constraint"),
        (_put("operations/GetDatastore/http/method", "POST"), "GetDatastore method"),
        (_put("operations/GetDatastore/http/requestUri", "/{datastoreId}"), "GetDatastore URI"),
        (
            _put("operations/GetDatastore/endpoint", {"hostPrefix": "x-"}),
            "GetDatastore host prefix",
        ),
        (_put("operations/GetDatastore/readonly", value=False), "GetDatastore repetition"),
        (
            _append("operations/GetDatastore/errors", {"shape": "ConflictException"}),
            "GetDatastore errors",
        ),
        (
            _put("shapes/GetImageSetRequest/members/versionId/locationName", "v"),
            "GetImageSet query",
        ),
        (
            _put("shapes/GetImageSetRequest/members/versionId/location", "header"),
            "elsewhere in the",
        ),
        (_put("shapes/SearchImageSetsRequest/payload", "datastoreId"), "SearchImageSets payload"),
        (_put("shapes/TagResourceRequest/members/resourceArn/location", ""), "TagResource labels"),
    ],
)
def test_a_change_of_the_service_is_noticed(change: Callable[[Model], None], expected: str) -> None:
    model = copy.deepcopy(load("service-2"))
    change(model)
    assert any(
        expected.lower() in difference.lower()
        for difference in differences(model, load("paginators-1"))
    )


def test_a_change_of_the_pages_is_noticed() -> None:
    paginators = copy.deepcopy(load("paginators-1"))
    paginators["pagination"]["ListDatastores"]["result_key"] = "stores"
    del paginators["pagination"]["SearchImageSets"]
    found = " ".join(differences(load("service-2"), paginators))
    assert "ListDatastores pagination" in found
    assert "SearchImageSets items" in found
