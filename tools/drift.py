"""What the installed botocore says of the service otherwise than we do; exit 1 if anything.

    PYTHONPATH=tests python tools/drift.py

"is missing" means that the service has it and we do not.
"""

import sys

import botocore
from contract import differences
from service_model import ENUMS, MODELS, load

from healthimaging_sdk.operations import ALL


def main() -> int:
    model = load("service-2")
    found = differences(model, load("paginators-1"))
    print(f"botocore {botocore.__version__}, medical-imaging {model['metadata']['apiVersion']}:")
    if not found:
        print(f"the same {len(ALL)} operations, {len(MODELS)} structures and {len(ENUMS)} enums.")
    for difference in found:
        print(f"- {difference}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
