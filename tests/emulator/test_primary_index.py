"""The index of primary image sets answers what looking at all of them would."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from healthimaging_sdk.emulator._content import Content
from healthimaging_sdk.emulator._image_set import ImageSet, Version
from healthimaging_sdk.emulator._primary_index import PrimaryIndex
from healthimaging_sdk.image_sets import ImageSetWorkflowStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@st.composite
def contents(draw: st.DrawFn) -> Content:
    series = draw(st.sampled_from(["1.1", "1.2", "2.1"]))
    study = {"StudyInstanceUID": series[0], "StudyID": draw(st.sampled_from(["A", "B"]))}
    return Content({}, {**study}, {"SeriesInstanceUID": series}, {})


def image_set(number: int, content: Content, *, is_primary: bool) -> ImageSet:
    return ImageSet(
        id=str(number),
        datastore_id="",
        arn="",
        is_primary=is_primary,
        created_at=NOW,
        last_accessed_at=NOW,
        versions=[Version(1, ImageSetWorkflowStatus.CREATED, content)],
    )


@given(
    made=st.lists(st.tuples(contents(), st.booleans()), max_size=6),
    edits=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["A", "B", None])), max_size=6),
    arrival=contents(),
)
def test_it_follows_what_is_made_edited_and_deleted(
    made: list[tuple[Content, bool]], edits: list[tuple[int, str | None]], arrival: Content
) -> None:
    index = PrimaryIndex()
    image_sets = [
        image_set(number, content, is_primary=is_primary)
        for number, (content, is_primary) in enumerate(made)
    ]
    for each in image_sets:
        index.put(each)
    for number, study_id in edits:
        for each in image_sets[number : number + 1]:
            content = each.latest.content
            if study_id is None:
                each.delete(NOW)
            elif content is not None:
                study = {**content.study, "StudyID": study_id}
                each.latest.content = Content({}, study, content.series, {})
            index.put(each)

    living = [(each, each.latest.content) for each in image_sets if each.is_primary]
    expected = {
        each.id for each, theirs in living if theirs and theirs.series_uid == arrival.series_uid
    }
    assert {each.id for each, _ in index.of_series(arrival.series_uid)} == expected
    assert index.agrees_with_study(arrival) == all(
        theirs.study_key == arrival.study_key
        for _, theirs in living
        if theirs and theirs.study_uid == arrival.study_uid
    )
