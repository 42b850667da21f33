import re

from hypothesis import given
from hypothesis import strategies as st

from components.settings import rules
from components.settings.kubernetes_names import claim_name, file_key

PATHS = st.text("aB1_-.~/", min_size=1, max_size=60).map(lambda text: f"/{text}").filter(rules.MOUNT_PATH.accepts)


def test_claim_is_named_after_its_path() -> None:
    assert claim_name("web", "/var/lib/blog") == "web-var-lib-blog"


@given(PATHS, PATHS)
def test_no_two_paths_share_a_name_and_each_is_a_good_one(one: str, two: str) -> None:
    assert rules.DNS_NAME.accepts(claim_name("web", one))
    assert re.fullmatch("[A-Za-z0-9._-]{1,253}", file_key(one))
    if one != two:
        assert claim_name("web", one) != claim_name("web", two)
        assert file_key(one) != file_key(two)
