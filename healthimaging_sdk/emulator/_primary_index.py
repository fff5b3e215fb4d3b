"""Which primary image sets an arrival has to do with, without looking at all of them."""

from collections import Counter
from collections.abc import Iterator

from attrs import define, field

from healthimaging_sdk.emulator._content import Content
from healthimaging_sdk.emulator._image_set import ImageSet


@define(eq=False)
class PrimaryIndex:
    _studies: dict[str, Counter[tuple[str, ...]]] = field(
        factory=dict[str, Counter[tuple[str, ...]]]
    )
    """How many image sets of a study have which study key: one key, unless they were edited."""
    _series: dict[str, dict[str, ImageSet]] = field(factory=dict[str, dict[str, ImageSet]])
    _known: dict[str, Content] = field(factory=dict[str, Content])
    """What is counted of each image set."""

    def put(self, image_set: ImageSet) -> None:
        """Takes an image set as it is now: new, changed or deleted.

        One that is being made counts already, so that no other takes its series meanwhile.
        """
        content = image_set.latest.content or image_set.coming if image_set.is_primary else None
        before = self._known.get(image_set.id)
        if content is before:
            return
        if before is not None:
            del self._known[image_set.id], self._series[before.series_uid][image_set.id]
            keys = self._studies[before.study_uid]
            keys -= Counter([before.study_key])
        if content is not None:
            self._known[image_set.id] = content
            self._series.setdefault(content.series_uid, {})[image_set.id] = image_set
            self._studies.setdefault(content.study_uid, Counter()).update([content.study_key])

    def of_series(self, uid: str) -> Iterator[tuple[ImageSet, Content]]:
        for image_set in self._series.get(uid, {}).values():
            yield image_set, self._known[image_set.id]

    def agrees_with_study(self, content: Content) -> bool:
        keys = self._studies.get(content.study_uid)
        return keys is None or keys.keys() <= {content.study_key}
