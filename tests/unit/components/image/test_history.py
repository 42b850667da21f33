from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.image.history import LISTED, REMEMBERED, Decision, Deployed, RefusedError, Release, decide
from components.image.origin import Origin, Pipeline
from components.image.reference import ImageReference

A, B, C = (
    ImageReference.parse(f"registry.example.com/group/blog:{version}") for version in ("1.0.0", "2.0.0", "3.0.0")
)
DEVELOPER = Origin()


BLOG, INFRASTRUCTURE = 20, 21


def url(iid: int, path: str = "group/blog") -> str:
    return f"https://gitlab.example.com/{path}/-/pipelines/{iid}"


def job(iid: int, project: int = BLOG, path: str = "group/blog") -> Origin:
    return Origin(pipeline=Pipeline(project=project, iid=iid, url=url(iid, path)), commit=f"{iid:040x}")


def after(*steps: tuple[ImageReference | None, Origin], rollback: bool = False) -> Deployed:
    """The record that these runs leave, the last one with or without a rollback, read back from the output."""
    last: Deployed | None = None
    for number, (image, origin) in enumerate(steps, 1):
        last = stored(decide(image, origin, last, rollback=rollback and number == len(steps)))
    assert last
    return last


def stored(decision: Decision) -> Deployed:
    """As a state gives it back: every number is a decimal one."""

    def decimal(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: decimal(item) for key, item in value.items()}
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    read = Deployed.read(decimal(decision.deployed.output), decimal(decision.deployed.history))
    assert read == decision.deployed
    return read


def test_first_image_has_to_be_configured() -> None:
    with pytest.raises(RefusedError, match="gitlab-deploy:image is missing, and this stack has deployed no image yet"):
        decide(None, DEVELOPER, None, rollback=False)
    found = decide(A, DEVELOPER, None, rollback=False)
    assert (found.deployed.image, found.source, found.replaces) == (A, "from the stack file", None)


def test_without_an_image_the_one_that_was_deployed_last_stays() -> None:
    last = after((A, job(811)), (B, job(812)))
    found = decide(None, DEVELOPER, last, rollback=False)
    assert (found.deployed, found.source, found.replaces) == (last, "deployed last, by pipeline 812", None)


def test_new_image_follows_and_names_its_source_and_what_it_replaces() -> None:
    found = decide(B, job(812), after((A, job(811))), rollback=False)
    assert (found.deployed.image, found.source, found.replaces) == (B, "from CI, pipeline 812", A)
    assert found.deployed.before == (Release(image=A, pipeline=job(811).pipeline),)
    assert found.deployed.output == {
        "image": str(B),
        "commit": f"{812:040x}",
        "pipeline": {
            "project": BLOG,
            "iid": 812,
            "url": url(812),
        },
        "rolledBack": False,
    }
    replaced = {"image": str(A), "pipeline": {"project": BLOG, "iid": 811, "url": url(811)}}
    assert found.deployed.history == {"before": [replaced], "older": "", "newest": {"20": 812}}


def test_stack_file_that_is_behind_is_refused_with_both_ways_out() -> None:
    last = after((A, DEVELOPER), (B, job(812)))
    with pytest.raises(RefusedError) as refused:
        decide(A, DEVELOPER, last, rollback=False)
    assert str(refused.value) == (
        f"gitlab-deploy:image is {A}, which was deployed once and then replaced by {B} (by pipeline 812); to keep what "
        "runs, take the key out with 'pulumi config rm gitlab-deploy:image'; to go back on purpose, set "
        "gitlab-deploy:rollback to true"
    )


def test_older_pipeline_is_refused_also_if_a_developer_deployed_in_between() -> None:
    for last in (
        after((A, job(810)), (B, job(812))),
        after((A, job(812)), (B, DEVELOPER)),
        after((B, job(810)), (B, job(812))),
    ):
        with pytest.raises(RefusedError, match=r"from pipeline 811, which is older than pipeline 812, the newest one"):
            decide(C, job(811), last, rollback=False)


def test_pipelines_of_two_projects_have_numbers_of_their_own() -> None:
    last = after((A, job(812)), (B, job(3, INFRASTRUCTURE)))
    assert decide(C, job(4, INFRASTRUCTURE), last, rollback=False).deployed.image == C
    with pytest.raises(RefusedError, match="older than pipeline 812"):
        decide(C, job(811), last, rollback=False)


def test_a_project_that_is_renamed_keeps_its_pipelines() -> None:
    last = after((A, job(811)), (B, job(813)))
    with pytest.raises(RefusedError, match="older than pipeline 813"):
        decide(C, job(812, path="shop/blog"), last, rollback=False)
    assert decide(A, job(811, path="shop/blog"), last, rollback=False).deployed.rolled_back
    assert decide(C, job(814, path="shop/blog"), last, rollback=False).deployed.newest == {"20": 814}


def test_older_pipeline_of_the_image_that_runs_changes_nothing() -> None:
    last = after((A, job(812)))
    assert decide(A, job(811), last, rollback=False).deployed == last


def test_rollback_goes_back_one_and_stays_there_and_a_new_image_goes_forward() -> None:
    last = after((A, job(1)), (B, job(2)), (C, job(3)), (None, DEVELOPER), rollback=True)
    assert (last.image, last.rolled_back, [release.image for release in last.before]) == (B, True, [A, C])
    for rollback in (True, False):
        again = decide(None, DEVELOPER, last, rollback=rollback)
        assert (again.deployed, again.replaces) == (last, None)
    with pytest.raises(RefusedError, match=r"3\.0\.0, which was deployed once and then replaced"):
        decide(C, DEVELOPER, last, rollback=False)
    four = ImageReference.parse("blog:4")
    new = decide(four, job(4), last, rollback=True)
    assert (new.deployed.image, new.deployed.rolled_back, new.source) == (four, False, "from CI, pipeline 4")


def test_rollback_names_any_image_before_also_the_way_forward_again() -> None:
    last = after((A, job(1)), (B, job(2)), (C, job(3)))
    back = stored(decide(A, DEVELOPER, last, rollback=True))
    assert (back.image, back.rolled_back) == (A, True)
    forward = decide(C, DEVELOPER, back, rollback=True)
    assert (forward.deployed.image, forward.replaces) == (C, A)


def test_rollback_lets_an_older_pipeline_deploy_its_own_image_and_no_other() -> None:
    last = after((A, job(811)), (B, job(812)))
    assert decide(A, job(811), last, rollback=True).deployed.image == A
    with pytest.raises(RefusedError, match="older than pipeline 812"):
        decide(C, job(811), last, rollback=True)


def test_rollback_in_the_stack_file_of_a_deploy_job_says_that_it_rolls_nothing_back() -> None:
    last = after((A, job(811)), (B, job(812)))
    again = decide(B, job(812), last, rollback=True)
    assert (again.deployed, again.replaces) == (last, None)
    assert "; gitlab-deploy:rollback rolls nothing back here, since a deploy job sets the image" in str(again)
    assert "run the deploy job again that deployed the wanted one" in str(again)
    # It may be one that has rolled back, and a developer has typed the key.
    back = stored(decide(A, job(811), last, rollback=False))
    for found in (decide(A, job(811), back, rollback=True), decide(B, DEVELOPER, last, rollback=True)):
        assert (found.replaces, "nothing back" in str(found)) == (None, False)


def test_deploy_job_of_an_older_pipeline_that_is_run_again_rolls_back() -> None:
    last = after((A, job(811)), (B, job(812)), (C, job(813)))
    back = decide(A, job(811), last, rollback=False)
    assert (back.deployed.image, back.deployed.rolled_back, back.replaces) == (A, True, C)
    assert back.source == "rolled back by a deploy job of pipeline 811 that was run again"
    forward = decide(C, job(813), stored(back), rollback=False)
    assert (forward.deployed.image, forward.replaces) == (C, A)
    new = ImageReference.parse("registry.example.com/group/blog:4.0.0")
    assert decide(new, job(814), stored(back), rollback=False).deployed.newest == {"20": 814}


@pytest.mark.parametrize(
    "late",
    [
        # It has built what another pipeline deployed, and was overtaken before it ran.
        job(810),
        job(811, INFRASTRUCTURE),
        job(814),
    ],
)
def test_a_replaced_image_is_refused_to_other_pipelines_in_a_jobs_words(late: Origin) -> None:
    last = after((A, job(811)), (B, job(812)))
    with pytest.raises(RefusedError) as refused:
        decide(A, late, last, rollback=False)
    assert "run the deploy job of the pipeline again that deployed it" in str(refused.value)
    assert "pulumi config" not in str(refused.value)


def test_an_image_that_a_developer_deployed_again_is_no_longer_its_pipelines() -> None:
    last = after((A, job(811)), (B, job(812)))
    last = stored(decide(A, DEVELOPER, last, rollback=True))
    last = stored(decide(C, job(813), last, rollback=False))
    with pytest.raises(RefusedError, match="was deployed once and then replaced"):
        decide(A, job(811), last, rollback=False)


def test_nothing_to_go_back_to_is_one_sentence() -> None:
    with pytest.raises(RefusedError, match=r"there is no image before .*1\.0\.0 to go back to; take the key out"):
        decide(None, DEVELOPER, after((A, DEVELOPER)), rollback=True)


def image(number: int) -> ImageReference:
    return ImageReference.parse(f"blog:{number}@sha256:{number:064x}")


def test_each_of_the_last_images_is_refused_by_tag_and_by_digest() -> None:
    count = REMEMBERED + 51
    last = after(*((image(number), job(number)) for number in range(1, count + 1)))
    assert [release.image for release in last.before] == [image(number) for number in range(count - LISTED, count)]
    for number in range(count - REMEMBERED, count):
        for stale in (f"blog:{number}", f"blog@sha256:{number:064x}", f"blog:{number}@sha256:{number:064x}"):
            with pytest.raises(RefusedError, match="was deployed once and then replaced"):
                decide(ImageReference.parse(stale), DEVELOPER, last, rollback=False)
    # A tag that was moved names another image.
    moved = ImageReference.parse(f"blog:{count - 1}@sha256:{9999:064x}")
    assert decide(moved, job(9999), last, rollback=False).replaces == last.image


def test_record_stops_growing_and_what_people_read_of_it_is_short() -> None:
    steps = [(image(number), job(number)) for number in range(1, REMEMBERED + 2)]
    full, more = after(*steps), after(*steps, *((image(number), job(number)) for number in range(500, 700)))
    assert len(str(more.history)) == len(str(full.history))
    assert len(str(more.output)) < 300
    # The one that fell out is not refused any more.
    assert decide(image(1), DEVELOPER, more, rollback=False).replaces == more.image


@dataclass
class World:
    """Everything that was ever meant, kept in full: what has to run is known without the code under test."""

    runs: ImageReference | None = None
    deployed: list[ImageReference] = field(default_factory=list)
    by: dict[ImageReference, int] = field(default_factory=dict)
    """The pipeline that has deployed each last, or 0."""
    newest: int = 0
    back: bool = False

    def mean(self, image: ImageReference, iid: int = 0, *, back: bool = False) -> None:
        self.runs, self.back, self.by[image] = image, back, iid
        self.deployed.append(image)
        self.newest = max(self.newest, iid)

    def before(self) -> ImageReference | None:
        """The image that ran last before the one that runs."""
        return next(iter(self.replaced()), None)

    def replaced(self) -> list[ImageReference]:
        """All that ran before, the last one first."""
        return list(dict.fromkeys(image for image in reversed(self.deployed) if image != self.runs))


STEPS = st.lists(
    st.tuples(st.sampled_from(["ci", "stale", "none", "new", "back"]), st.integers(0, 40)), min_size=1, max_size=60
)


@settings(max_examples=300)
@given(STEPS)
def test_what_runs_is_always_what_the_newest_intended_deploy_said(steps: list[tuple[str, int]]) -> None:
    world, last, built = World(), None, 0
    for number, (kind, choice) in enumerate(steps):
        origin, image, rollback = DEVELOPER, cast("ImageReference | None", None), False
        if kind == "ci":
            # Pipelines end in any order: each builds an image of its own, and some come late.
            built += 1
            iid = max(1, built - choice % 4)
            origin, image = job(iid), ImageReference.parse(f"blog:{iid}")
            if image == world.runs:
                world.newest = max(world.newest, iid)
            elif image not in world.deployed and iid >= world.newest:
                world.mean(image, iid)
            elif image in world.replaced()[:LISTED] and world.by[image] == iid:
                # Its deploy job is run again.
                world.mean(image, iid, back=True)
        elif kind == "stale":
            image = world.deployed[choice % len(world.deployed)] if world.deployed else None
        elif kind == "new":
            image = ImageReference.parse(f"blog:by-hand-{number}")
            world.mean(image)
        elif kind == "back":
            rollback, goal = True, world.before()
            if goal and not world.back:
                world.mean(goal, back=True)
        try:
            last = stored(decide(image, origin, last, rollback=rollback))
        except RefusedError:
            assert image != world.runs or world.runs is None or kind == "back"
        assert (last.image if last else None) == world.runs
