"""What a copy takes along, and whether it fits its destination.

https://docs.aws.amazon.com/healthimaging/latest/devguide/copy-image-set.html
"""

from collections.abc import Mapping

from healthimaging_sdk.emulator._content import Content
from healthimaging_sdk.emulator._image_set import Refused
from healthimaging_sdk.emulator._primary_index import PrimaryIndex


def selected(content: Content, selection: Mapping[str, frozenset[str]] | None) -> Content:
    if selection is None:
        return content
    if set(selection) != {content.series_uid}:
        raise Refused("The selected series is not in SourceImageSet.")
    uids = selection[content.series_uid]
    if not uids.issubset(content.instances):
        raise Refused("A selected instance is not in SourceImageSet.")
    return content.with_instances(
        {uid: each for uid, each in content.instances.items() if uid in uids}
    )


def promotable(content: Content, primary: PrimaryIndex) -> Content:
    """The content of a series' first primary image set."""
    if not primary.agrees_with_study(content):
        raise Refused("Study of SourceImageSet and of the primary image sets don't match.")
    return content


def merged(source: Content, destination: Content, *, force: bool) -> Content:
    """Both together; where the levels differ and `force` allows it, the destination's win."""
    levels = (
        ("Patient", source.patient, destination.patient),
        ("Study", source.study, destination.study),
        ("Series", source.series, destination.series),
    )
    for name, theirs, ours in levels:
        if theirs != ours and not force:
            raise Refused(f"{name} of SourceImageSet and DestinationImageSet don't match.")
    if not destination.instances.keys().isdisjoint(source.instances):
        raise Refused("SOP Instance UIDs of SourceImageSet and DestinationImageSet overlap.")
    return destination.with_instances({**destination.instances, **source.instances})
