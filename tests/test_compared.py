"""The table "compared with" says what came of it when it was run."""

import pytest
from compared import ours, with_boto3
from compared.situations import SITUATIONS, SLOW, OpenClient, cells
from compared.table import markdown, read, shown


def test_the_readme_shows_what_is_stored() -> None:
    assert shown() == markdown(read())
    assert {tuple(each["cells"]) for each in read()} == {tuple(SITUATIONS)}


# aiobotocore and capo-medical-imaging need environments of their own: `nox -s witness`.
@pytest.mark.parametrize("open_client", [ours.opened, with_boto3.opened], ids=["ours", "boto3"])
async def test_each_cell_is_what_happens(open_client: OpenClient) -> None:
    package, found = await cells(open_client, slow=False)

    (stored,) = [each["cells"] for each in read() if each["package"] == package]
    assert found == {row: cell for row, cell in stored.items() if row not in SLOW}
