"""SearchImageSets: every filter, the order, and the pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from account import Account, refused
from dicom_files import STUDY, write_instance

DATES = ("20240101", "20240102", "20240103")


@pytest.fixture
def three(account: Account) -> list[str]:
    """Three studies, a day apart: their image sets by date."""
    for number, date in enumerate(DATES, 1):
        study = f"{STUDY}.{number}"
        write_instance(
            account.inbox,
            StudyInstanceUID=study,
            SeriesInstanceUID=f"{study}.1",
            PatientID=f"P-{number}",
            PatientBirthDate="19700101",
            PatientSex="F",
            StudyDate=date,
            StudyTime="101500",
            StudyID=str(number),
            AccessionNumber=f"A-{number}",
            BodyPartExamined="HEAD",
        )
    account.import_all()
    found = search(account)["imageSetsMetadataSummaries"]
    by_date = {each["DICOMTags"]["DICOMStudyDate"]: each["imageSetId"] for each in found}
    return [by_date[date] for date in DATES]


def search(account: Account, *filters: Any, **options: Any) -> Any:
    criteria = {"filters": list(filters)} if filters else {}
    if "sort" in options:
        criteria["sort"] = options.pop("sort")
    return account.client.search_image_sets(
        datastoreId=account.datastore_id, searchCriteria=criteria, **options
    )


def ids(account: Account, *filters: Any, **options: Any) -> list[str]:
    found = search(account, *filters, **options)["imageSetsMetadataSummaries"]
    return [each["imageSetId"] for each in found]


def equal(**value: Any) -> Any:
    return {"operator": "EQUAL", "values": [value]}


def between(lower: Any, upper: Any) -> Any:
    return {"operator": "BETWEEN", "values": [lower, upper]}


def study_date(date: str, time: str | None = None) -> Any:
    moment = {"DICOMStudyDate": date} | ({"DICOMStudyTime": time} if time else {})
    return {"DICOMStudyDateAndTime": moment}


@pytest.mark.parametrize(
    "filter_",
    [
        equal(DICOMPatientId="P-2"),
        equal(DICOMAccessionNumber="A-2"),
        equal(DICOMStudyId="2"),
        equal(DICOMStudyInstanceUID=f"{STUDY}.2"),
        equal(DICOMSeriesInstanceUID=f"{STUDY}.2.1"),
        equal(**study_date("20240102", "101500")),
        equal(**study_date("20240102", "101500.000000")),
        between(study_date("20240102"), study_date("20240102", "235959")),
        between(study_date("20240102", "101500"), study_date("20240102", "101500.0")),
    ],
)
def test_a_filter_finds_the_one_that_fits(account: Account, three: list[str], filter_: Any) -> None:
    assert ids(account, filter_) == [three[1]]


def test_a_date_without_a_time_is_midnight(account: Account, three: list[str]) -> None:
    assert ids(account, equal(**study_date("20240102"))) == []
    assert ids(account, between(study_date("20240101"), study_date("20240102"))) == [three[0]]


def test_times_of_the_image_set_can_be_searched_for(account: Account, three: list[str]) -> None:
    first = account.get(three[0])["createdAt"]
    now = datetime.now(UTC) + timedelta(seconds=1)

    assert three[0] in ids(account, equal(createdAt=first))
    for name in ("createdAt", "updatedAt"):
        assert set(ids(account, between({name: first - timedelta(1)}, {name: now}))) == set(three)
        later = {name: now + timedelta(1)}
        assert ids(account, between({name: now}, later)) == []


def test_a_study_without_a_date_is_in_no_range(account: Account) -> None:
    write_instance(account.inbox, StudyDate="")
    account.import_all()

    assert len(ids(account)) == 1
    assert ids(account, between(study_date("00000000"), study_date("99999999"))) == []


def test_primary_image_sets_are_told_from_others(account: Account, three: list[str]) -> None:
    copied = account.copy(three[0])["imageSetId"]

    assert ids(account, equal(isPrimary=False)) == [copied]
    assert set(ids(account, equal(isPrimary=True))) == set(three)


def test_two_filters_have_to_hold_both(account: Account, three: list[str]) -> None:
    ever = between(
        {"updatedAt": datetime(2000, 1, 1, tzinfo=UTC)},
        {"updatedAt": datetime(2100, 1, 1, tzinfo=UTC)},
    )
    one = equal(DICOMSeriesInstanceUID=f"{STUDY}.2.1")

    assert ids(account, one, ever) == [three[1]]
    assert ids(account, one, equal(DICOMPatientId="P-1")) == []


@pytest.mark.parametrize(
    "filter_",
    [
        {"operator": "EQUAL", "values": [{"DICOMPatientId": "a"}, {"DICOMPatientId": "b"}]},
        between({"DICOMPatientId": "a"}, {"DICOMPatientId": "b"}),
        between({"isPrimary": False}, {"isPrimary": True}),
        {"operator": "BETWEEN", "values": [{"createdAt": 0}]},
        between({"createdAt": 0}, {"updatedAt": 1}),
        equal(**study_date("2 January")),
        equal(**study_date("20240102", "noon")),
        {"operator": "LIKE", "values": [{"DICOMPatientId": "a"}]},
    ],
)
def test_a_filter_without_a_meaning_is_refused(
    account: Account, three: list[str], filter_: Any
) -> None:
    status, code, _ = refused(search, account, filter_)

    assert (status, code) == (400, "ValidationException")


@pytest.mark.parametrize("field", ["createdAt", "updatedAt", "DICOMStudyDateAndTime"])
def test_results_are_sorted_as_asked_and_say_so(
    account: Account, three: list[str], field: str
) -> None:
    ascending = {"sortField": field, "sortOrder": "ASC"}
    found = search(account, sort=ascending)

    assert found["sort"] == ascending
    up = [each["imageSetId"] for each in found["imageSetsMetadataSummaries"]]
    down = ids(account, sort={"sortField": field, "sortOrder": "DESC"})
    assert down == up[::-1]
    if field == "DICOMStudyDateAndTime":
        assert up == three


@pytest.mark.parametrize(
    "sort",
    [
        {"sortField": "PatientName", "sortOrder": "ASC"},
        {"sortField": "createdAt", "sortOrder": "UPWARDS"},
    ],
)
def test_an_unknown_order_is_refused(account: Account, three: list[str], sort: Any) -> None:
    assert refused(search, account, sort=sort)[:2] == (400, "ValidationException")


def test_the_last_update_comes_first_without_an_order(account: Account, three: list[str]) -> None:
    account.update(three[0], updates={"Patient": {"DICOM": {"PatientName": "A"}}})

    assert ids(account)[0] == three[0]
    assert "sort" not in search(account)


def test_a_result_tells_about_patient_study_and_series(account: Account, three: list[str]) -> None:
    (found,) = search(account, equal(DICOMPatientId="P-1"))["imageSetsMetadataSummaries"]

    assert (found["version"], found["isPrimary"], found["storageTier"]) == (
        1,
        True,
        "FREQUENT_ACCESS",
    )
    assert found["DICOMTags"] == {
        "DICOMPatientId": "P-1",
        "DICOMPatientName": "Doe^Jane",
        "DICOMPatientBirthDate": "19700101",
        "DICOMPatientSex": "F",
        "DICOMStudyInstanceUID": f"{STUDY}.1",
        "DICOMStudyId": "1",
        "DICOMStudyDescription": "HEAD",
        "DICOMNumberOfStudyRelatedSeries": 1,
        "DICOMNumberOfStudyRelatedInstances": 1,
        "DICOMAccessionNumber": "A-1",
        "DICOMSeriesInstanceUID": f"{STUDY}.1.1",
        "DICOMSeriesModality": "CT",
        "DICOMSeriesBodyPart": "HEAD",
        "DICOMSeriesNumber": 2,
        "DICOMStudyDate": "20240101",
        "DICOMStudyTime": "101500",
    }


def test_pages_hold_each_result_once(account: Account, three: list[str]) -> None:
    pages = account.client.get_paginator("search_image_sets").paginate(
        datastoreId=account.datastore_id,
        searchCriteria={"sort": {"sortField": "DICOMStudyDateAndTime", "sortOrder": "ASC"}},
        PaginationConfig={"PageSize": 2},
    )

    found = [[each["imageSetId"] for each in page["imageSetsMetadataSummaries"]] for page in pages]

    assert found == [three[:2], three[2:]]


def test_a_token_of_another_search_is_refused(account: Account, three: list[str]) -> None:
    token = search(account, maxResults=1)["nextToken"]
    attempts = [
        refused(search, account, equal(isPrimary=True), maxResults=1, nextToken=token),
        refused(search, account, maxResults=1, nextToken=token[:-4]),
        refused(search, account, maxResults=1, nextToken="not a token"),
    ]

    assert {each[:2] for each in attempts} == {(400, "ValidationException")}


def test_a_deletion_between_two_pages_loses_nothing_else(
    account: Account, three: list[str]
) -> None:
    order = {"sortField": "DICOMStudyDateAndTime", "sortOrder": "ASC"}
    first = search(account, sort=order, maxResults=1)
    account.delete(three[0])

    assert ids(account, sort=order, nextToken=first["nextToken"]) == three[1:]
